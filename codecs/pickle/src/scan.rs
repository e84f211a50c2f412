//! The stack machine, as far as it holds data: one pass over the input, bounded in all it keeps.

use std::borrow::Cow;

use bulla_core::codec::DecodeError;

use crate::input::{Input, Integer};
use crate::opcode::*;
use crate::read::Document;
use crate::tree::{Id, Kind, MAX_DEPTH, MAX_VALUES, Node, Tree, too_many};

/// The newest protocol there is.
const NEWEST: u8 = 5;

/// Reads the one pickle that `input` is.
pub(crate) fn scan(input: &[u8]) -> Result<Document<'_>, DecodeError> {
    let mut machine = Machine {
        input: Input::new(input),
        tree: Tree::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        pushed: 0,
    };
    machine.run()?;
    match (machine.input.len(), machine.stack[..].first_chunk(), machine.stack.len()) {
        (0, Some([root]), 1) if machine.marks.is_empty() => Ok(Document::new(machine.tree, *root)),
        (0, ..) => Err(DecodeError::new("a pickle that does not end with one value")),
        (trailing, ..) => Err(DecodeError::Trailing(trailing)),
    }
}

struct Machine<'de> {
    input: Input<'de>,
    tree: Tree<'de>,
    stack: Vec<Id>,
    /// How high the stack was at each mark that is open.
    marks: Vec<usize>,
    memo: Vec<Id>,
    /// How many values have been on the stack: each takes room there, in the tree or in the memo.
    pushed: u32,
}

impl<'de> Machine<'de> {
    fn run(&mut self) -> Result<(), DecodeError> {
        let whole = self.input.len();
        loop {
            let at = whole - self.input.len();
            match self.input.byte()? {
                STOP => return Ok(()),
                PROTO if at == 0 => self.expect_known_protocol()?,
                opcode => self.step(opcode, at)?,
            }
        }
    }

    fn expect_known_protocol(&mut self) -> Result<(), DecodeError> {
        match self.input.byte()? {
            0..=NEWEST => Ok(()),
            protocol => Err(DecodeError::new(format_args!("protocol {protocol}, but {NEWEST} is the newest"))),
        }
    }

    fn step(&mut self, opcode: u8, at: usize) -> Result<(), DecodeError> {
        match opcode {
            FRAME => self.expect_frame(),
            MARK => self.open_mark(),

            INT => self.push_int(),
            LONG => self.input.number_line("L").and_then(|number| self.push_integer(number)),
            LONG1 => self.input.counted_integer::<1>().and_then(|number| self.push_integer(number)),
            LONG4 => self.input.counted_integer::<4>().and_then(|number| self.push_integer(number)),
            UNICODE => self.input.text_line().and_then(|text| self.push_text(text)),

            EMPTY_LIST => self.push_node(Node::empty(Kind::List)),
            EMPTY_TUPLE => self.push_node(Node::empty(Kind::Tuple)),
            EMPTY_DICT => self.push_node(Node::empty(Kind::Dict)),
            EMPTY_SET => self.push_node(Node::empty(Kind::Set)),
            LIST => self.collect_marked(Kind::List),
            TUPLE => self.collect_marked(Kind::Tuple),
            DICT => self.collect_marked(Kind::Dict),
            FROZENSET => self.collect_marked(Kind::Set),
            TUPLE1 => self.collect(Kind::Tuple, 1),
            TUPLE2 => self.collect(Kind::Tuple, 2),
            TUPLE3 => self.collect(Kind::Tuple, 3),
            APPEND => self.grow(Kind::List, 1),
            SETITEM => self.grow(Kind::Dict, 2),
            APPENDS => self.grow_marked(Kind::List),
            SETITEMS => self.grow_marked(Kind::Dict),
            ADDITEMS => self.grow_marked(Kind::Set),

            PUT => self.input.index_line().and_then(|index| self.put(index)),
            BINPUT => self.input.byte().and_then(|index| self.put(index.into())),
            LONG_BINPUT => self.input.array().and_then(|index| self.put(u32::from_le_bytes(index))),
            MEMOIZE => self.memoize(),
            GET => self.input.index_line().and_then(|index| self.get(index)),
            BINGET => self.input.byte().and_then(|index| self.get(index.into())),
            LONG_BINGET => self.input.array().and_then(|index| self.get(u32::from_le_bytes(index))),

            opcode => match self.scalar(opcode)? {
                Some(node) => self.push_node(node),
                None => Err(refused(opcode, at)),
            },
        }
    }

    /// The value that an instruction holds by itself, if it is such an instruction.
    fn scalar(&mut self, opcode: u8) -> Result<Option<Node<'de>>, DecodeError> {
        let input = &mut self.input;
        Ok(Some(match opcode {
            NONE => Node::None,
            NEWTRUE => Node::Bool(true),
            NEWFALSE => Node::Bool(false),
            BININT => Node::Narrow(i32::from_le_bytes(input.array()?).into()),
            BININT1 => Node::Narrow(input.byte()?.into()),
            BININT2 => Node::Narrow(u16::from_le_bytes(input.array()?).into()),
            FLOAT => Node::Float(input.float_line()?),
            BINFLOAT => Node::Float(f64::from_be_bytes(input.array()?)),
            SHORT_BINUNICODE => Node::Text(input.counted_text::<1>()?),
            BINUNICODE => Node::Text(input.counted_text::<4>()?),
            BINUNICODE8 => Node::Text(input.counted_text::<8>()?),
            SHORT_BINBYTES => Node::Bytes(input.counted::<1>()?),
            BINBYTES => Node::Bytes(input.counted::<4>()?),
            BINBYTES8 | BYTEARRAY8 => Node::Bytes(input.counted::<8>()?),
            _ => return Ok(None),
        }))
    }

    /// A frame says how many bytes to read at once; all are here already.
    fn expect_frame(&mut self) -> Result<(), DecodeError> {
        let len = u64::from_le_bytes(self.input.array()?);
        match usize::try_from(len) {
            Ok(len) if len <= self.input.len() => Ok(()),
            _ => Err(DecodeError::new("a frame beyond the end of the input")),
        }
    }
}

/// The stack and its marks.
impl<'de> Machine<'de> {
    fn push(&mut self, id: Id) -> Result<(), DecodeError> {
        self.pushed += 1;
        if self.pushed > MAX_VALUES {
            return Err(too_many());
        }
        self.stack.push(id);
        Ok(())
    }

    fn push_node(&mut self, node: Node<'de>) -> Result<(), DecodeError> {
        let id = self.tree.add(node)?;
        self.push(id)
    }

    fn push_integer(&mut self, number: Integer) -> Result<(), DecodeError> {
        let id = self.tree.add_integer(number)?;
        self.push(id)
    }

    fn push_text(&mut self, text: Cow<'de, str>) -> Result<(), DecodeError> {
        let id = match text {
            Cow::Borrowed(text) => self.tree.add(Node::Text(text))?,
            Cow::Owned(text) => self.tree.add_decoded(&text)?,
        };
        self.push(id)
    }

    /// A line that is a number, or one of the two that are truth values.
    fn push_int(&mut self) -> Result<(), DecodeError> {
        let mut ahead = self.input;
        let value = match ahead.line()? {
            b"00" => false,
            b"01" => true,
            _ => return self.input.number_line("").and_then(|number| self.push_integer(number)),
        };
        self.input = ahead;
        self.push_node(Node::Bool(value))
    }

    fn open_mark(&mut self) -> Result<(), DecodeError> {
        if self.marks.len() >= usize::from(MAX_DEPTH) {
            return Err(DecodeError::TooDeep(MAX_DEPTH.into()));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn close_mark(&mut self) -> Result<usize, DecodeError> {
        let mark = self.marks.pop().ok_or_else(|| DecodeError::new("a pickle lacks a mark"))?;
        Ok(self.stack.len() - mark)
    }

    /// The height of the stack without its topmost `count` values, which must all be above the last mark.
    fn below(&self, count: usize) -> Result<usize, DecodeError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let height = self.stack.len().checked_sub(count).filter(|height| *height >= floor);
        height.ok_or_else(|| DecodeError::new("a pickle takes a value that is not on its stack"))
    }

    /// Makes a collection of the topmost values.
    fn collect(&mut self, kind: Kind, count: usize) -> Result<(), DecodeError> {
        let height = self.below(count)?;
        let target = self.tree.add(Node::empty(kind))?;
        self.fill(target, kind, height)?;
        self.push(target)
    }

    fn collect_marked(&mut self, kind: Kind) -> Result<(), DecodeError> {
        let count = self.close_mark()?;
        self.collect(kind, count)
    }

    /// Puts the topmost values into the collection below them.
    fn grow(&mut self, kind: Kind, count: usize) -> Result<(), DecodeError> {
        let target = self.stack[self.below(count + 1)?];
        self.fill(target, kind, self.stack.len() - count)
    }

    fn grow_marked(&mut self, kind: Kind) -> Result<(), DecodeError> {
        let count = self.close_mark()?;
        self.grow(kind, count)
    }

    /// Moves what is above a height into a collection.
    fn fill(&mut self, target: Id, kind: Kind, height: usize) -> Result<(), DecodeError> {
        let items = &self.stack[height..];
        if kind == Kind::Dict && !items.len().is_multiple_of(2) {
            return Err(DecodeError::new("a key without a value"));
        }
        for item in items {
            self.tree.place(*item, target, kind)?;
        }
        self.stack.truncate(height);
        Ok(())
    }
}

/// The memo: values that may appear again.
impl Machine<'_> {
    /// Every pickler counts from zero.
    fn put(&mut self, index: u32) -> Result<(), DecodeError> {
        let top = self.stack[self.below(1)?];
        let count = self.memo.len();
        match usize::try_from(index) {
            Ok(index) if index == count => self.memo.push(top),
            Ok(index) if index < count => self.memo[index] = top,
            _ => {
                return Err(DecodeError::new(format_args!(
                    "the memo has {count} values, but the next is put at {index}"
                )));
            }
        }
        // Values that are put there again and again take no room on the stack.
        if self.memo.len() > MAX_VALUES as usize { Err(too_many()) } else { Ok(()) }
    }

    fn memoize(&mut self) -> Result<(), DecodeError> {
        let index = u32::try_from(self.memo.len()).map_err(|_| too_many())?;
        self.put(index)
    }

    fn get(&mut self, index: u32) -> Result<(), DecodeError> {
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(id) = self.memo.get(place).copied() else {
            return Err(DecodeError::new(format_args!("the memo has no value at {index}")));
        };
        self.tree.mark_placed(id);
        self.push(id)
    }
}

#[cold]
fn refused(opcode: u8, at: usize) -> DecodeError {
    match refused_name(opcode) {
        Some(name @ ("GLOBAL" | "STACK_GLOBAL")) => DecodeError::new(format_args!(
            "the instruction {name} at byte {at} is not read here: a pickle may hold data only (bytes need protocol 3, sets 4)"
        )),
        Some(name) => DecodeError::new(format_args!(
            "the instruction {name} at byte {at} is not read here: a pickle may hold data only"
        )),
        None => DecodeError::new(format_args!("the byte {opcode:#04x} at {at} is no instruction of a pickle")),
    }
}
