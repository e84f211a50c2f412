//! The instructions of pickles, protocols 0 to 5: those that hold data, and the names of all others.
//!
//! Names and numbers are those of CPython's `pickletools`.

macro_rules! data {
    ($($name:ident = $code:literal;)*) => {$(
        pub(crate) const $name: u8 = $code;
    )*};
}

data! {
    PROTO = 0x80;
    FRAME = 0x95;
    STOP = b'.';
    MARK = b'(';

    NONE = b'N';
    NEWTRUE = 0x88;
    NEWFALSE = 0x89;
    INT = b'I';
    LONG = b'L';
    FLOAT = b'F';
    BININT = b'J';
    BININT1 = b'K';
    BININT2 = b'M';
    LONG1 = 0x8a;
    LONG4 = 0x8b;
    BINFLOAT = b'G';

    UNICODE = b'V';
    SHORT_BINUNICODE = 0x8c;
    BINUNICODE = b'X';
    BINUNICODE8 = 0x8d;
    SHORT_BINBYTES = b'C';
    BINBYTES = b'B';
    BINBYTES8 = 0x8e;
    BYTEARRAY8 = 0x96;

    EMPTY_LIST = b']';
    LIST = b'l';
    APPEND = b'a';
    APPENDS = b'e';
    EMPTY_TUPLE = b')';
    TUPLE = b't';
    TUPLE1 = 0x85;
    TUPLE2 = 0x86;
    TUPLE3 = 0x87;
    EMPTY_DICT = b'}';
    DICT = b'd';
    SETITEM = b's';
    SETITEMS = b'u';
    EMPTY_SET = 0x8f;
    ADDITEMS = 0x90;
    FROZENSET = 0x91;

    PUT = b'p';
    BINPUT = b'q';
    LONG_BINPUT = b'r';
    MEMOIZE = 0x94;
    GET = b'g';
    BINGET = b'h';
    LONG_BINGET = b'j';
}

/// The name of an instruction that is not read here, if there is such an instruction.
pub(crate) const fn refused_name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        b'0' => "POP",
        b'1' => "POP_MARK",
        b'2' => "DUP",
        b'P' => "PERSID",
        b'Q' => "BINPERSID",
        b'R' => "REDUCE",
        b'S' => "STRING",
        b'T' => "BINSTRING",
        b'U' => "SHORT_BINSTRING",
        b'b' => "BUILD",
        b'c' => "GLOBAL",
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x82 => "EXT1",
        0x83 => "EXT2",
        0x84 => "EXT4",
        0x92 => "NEWOBJ_EX",
        0x93 => "STACK_GLOBAL",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        _ => return None,
    })
}
