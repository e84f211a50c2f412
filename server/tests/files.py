"""Puts a file and gets it back, written from the documentation of the protocol and of the files service alone.

    python3 files.py HOST PORT KEYFILE PATH NAME

Prints the receipt, then what `files.get` says of the file; ends with an error if the bytes are not the same. Needs `cryptography`.
"""

import hashlib
import json
import struct
import sys
from base64 import b64decode, b64encode, urlsafe_b64decode

from stranger import Connection, status

OPEN, DATA, CREDIT, RESET = 1, 2, 3, 4
MORE, END = 1, 2
WINDOW = 256 << 10
FRAGMENT = 32 << 10


def frame(kind, flags, stream, payload):
    return struct.pack(">BBII", kind, flags, stream, len(payload)) + payload


class Stream:
    """One stream of a connection: messages are JSON, and both sides keep to their credit."""

    def __init__(self, connection, number, route):
        self.connection, self.number = connection, number
        self.credit, self.message, self.messages, self.ended = WINDOW, b"", [], False
        payload = bytes([len(route)]) + route.encode() + struct.pack(">IIB", 0, WINDOW, 0)
        connection.send_record(frame(OPEN, 0, number, payload))

    def send(self, value):
        message = json.dumps(value).encode()
        for at in range(0, len(message), FRAGMENT):
            fragment, rest = message[at : at + FRAGMENT], message[at + FRAGMENT :]
            while self.credit < len(fragment) or self.credit <= 0:
                self.read()
            self.connection.send_record(frame(DATA, MORE if rest else 0, self.number, fragment))
            self.credit -= len(fragment)
        self.credit -= 64

    def finish(self):
        self.connection.send_record(frame(DATA, END, self.number, b""))

    def __iter__(self):
        while self.messages or not self.ended:
            if self.messages:
                yield self.messages.pop(0)
            else:
                self.read()

    def read(self):
        for kind, flags, stream, payload in self.connection.frames():
            if stream != self.number:
                continue
            if kind == CREDIT:
                self.credit += struct.unpack(">I", payload)[0]
            elif kind == RESET:
                sys.exit(status(payload))
            elif kind == DATA:
                self.take(flags, payload)

    def take(self, flags, payload):
        self.message += payload
        alone = flags & END and not self.message
        if not flags & MORE and not alone:
            self.messages.append(json.loads(self.message))
            granted = struct.pack(">I", len(self.message) + 64)
            self.connection.send_record(frame(CREDIT, 0, self.number, granted))
            self.message = b""
        self.ended |= bool(flags & END)


def put(connection, name, content):
    stream = Stream(connection, 1, "files.put")
    stream.send({"open": {"name": name, "size": len(content)}})
    for at in range(0, len(content), 48 << 10):
        stream.send({"chunk": b64encode(content[at : at + (48 << 10)]).decode()})
    stream.send({"close": {"sha256": hashlib.sha256(content).hexdigest()}})
    stream.finish()
    return next(iter(stream))


def get(connection, name):
    stream = Stream(connection, 3, "files.get")
    stream.send({"name": name})
    stream.finish()
    info, content = None, b""
    for message in stream:
        if "open" in message:
            info = message["open"]
        elif "chunk" in message:
            content += b64decode(message["chunk"])
        else:
            assert message["close"]["sha256"] == hashlib.sha256(content).hexdigest(), "the checksums differ"
    return info, content


def main():
    host, port, key_file, path, name = sys.argv[1:]
    with open(key_file, "rb") as file:
        key = urlsafe_b64decode(file.read().strip())
    with open(path, "rb") as file:
        content = file.read()
    connection = Connection(host, int(port), key)
    print(json.dumps(put(connection, name, content)))
    info, got = get(connection, name)
    assert got == content, "the bytes differ"
    print(json.dumps(info))
    connection.close()


if __name__ == "__main__":
    main()
