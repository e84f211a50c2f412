"""A client of Bulla in another language, written from the protocol's documentation alone.

    python3 stranger.py HOST PORT KEYFILE ROUTE JSON

Prints the answer to one call. Needs the package `cryptography`.
"""

import hashlib
import hmac
import os
import socket
import struct
import sys
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def hkdf(key, info, salt=None):
    return HKDF(SHA256(), 32, salt, info).derive(key)


def sha256(data):
    return hashlib.sha256(data).digest()


class Noise:
    """The initiator of Noise_NNpsk0_25519_ChaChaPoly_SHA256."""

    def __init__(self, psk, prologue):
        name = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
        self.chaining = self.hash = sha256(name) if len(name) > 32 else name.ljust(32, b"\0")
        self.key, self.nonce = None, 0
        self.mix_hash(prologue)
        self.psk = psk

    def mix_hash(self, data):
        self.hash = sha256(self.hash + data)

    def derive(self, material, count):
        secret = hmac.digest(self.chaining, material, "sha256")
        outputs, last = [], b""
        for at in range(1, count + 1):
            last = hmac.digest(secret, last + bytes([at]), "sha256")
            outputs.append(last)
        return outputs

    def mix_key(self, material):
        self.chaining, self.key = self.derive(material, 2)
        self.nonce = 0

    def mix_key_and_hash(self, material):
        self.chaining, data, self.key = self.derive(material, 3)
        self.mix_hash(data)
        self.nonce = 0

    def next_nonce(self):
        nonce = b"\0" * 4 + struct.pack("<Q", self.nonce)
        self.nonce += 1
        return nonce

    def seal(self, payload):
        sealed = ChaCha20Poly1305(self.key).encrypt(self.next_nonce(), payload, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        payload = ChaCha20Poly1305(self.key).decrypt(self.next_nonce(), sealed, self.hash)
        self.mix_hash(sealed)
        return payload

    def message_1(self, payload):
        self.mix_key_and_hash(self.psk)
        self.ephemeral = X25519PrivateKey.generate()
        public = self.ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.mix_hash(public)
        self.mix_key(public)
        return public + self.seal(payload)

    def message_2(self, message):
        public = message[:32]
        self.mix_hash(public)
        self.mix_key(public)
        self.mix_key(self.ephemeral.exchange(X25519PublicKey.from_public_bytes(public)))
        return self.open(message[32:])

    def session_keys(self):
        material = b"".join(self.derive(b"", 2))
        return hkdf(material, b"bulla/1 client", self.hash), hkdf(material, b"bulla/1 server", self.hash)


class Connection:
    def __init__(self, host, port, key):
        self.socket = socket.create_connection((host, port), timeout=10)
        preamble = b"BULLA\x01\x01\x00" + hkdf(key, b"bulla/1 key id")[:8]
        noise = Noise(hkdf(key, b"bulla/1 psk"), preamble)
        codecs = b"\x01\x04json"
        agent = b"stranger/1"
        offer = os.urandom(16) + struct.pack(">III", 4 << 20, 1024, 256 << 10) + codecs + bytes([len(agent)]) + agent
        message = noise.message_1(offer)
        self.socket.sendall(preamble + struct.pack(">H", len(message)) + message)
        first = self.receive(1)
        if first[0] >= 0x80:
            sys.exit(f"alert {first[0]:02x}")
        length = struct.unpack(">H", first + self.receive(1))[0]
        selection = noise.message_2(self.receive(length))
        if selection[0] != 0:
            sys.exit(f"refused: {selection!r}")
        ours, theirs = noise.session_keys()
        self.sealer, self.opener = Fernet(urlsafe_b64encode(ours)), Fernet(urlsafe_b64encode(theirs))
        self.sent = self.received = 0

    def receive(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                sys.exit("cut off")
            data += more
        return data

    def send_record(self, frames):
        token = urlsafe_b64decode(self.sealer.encrypt_at_time(struct.pack(">Q", self.sent) + frames, int(time.time())))
        self.sent += 1
        self.socket.sendall(struct.pack(">I", len(token)) + token)

    def frames(self):
        """The frames of the next record, as (kind, flags, stream, payload)."""
        token = self.receive(struct.unpack(">I", self.receive(4))[0])
        plaintext = self.opener.decrypt(urlsafe_b64encode(token))
        sequence = struct.unpack(">Q", plaintext[:8])[0]
        assert sequence == self.received, f"record {sequence}, not {self.received}"
        self.received += 1
        at = 8
        while at < len(plaintext):
            kind, flags, stream, length = struct.unpack(">BBII", plaintext[at : at + 10])
            yield kind, flags, stream, plaintext[at + 10 : at + 10 + length]
            at += 10 + length

    def call(self, route, message):
        payload = bytes([len(route)]) + route + struct.pack(">IIB", 5000, 256 << 10, 0)
        opening = struct.pack(">BBII", 1, 0, 1, len(payload)) + payload
        data = struct.pack(">BBII", 2, 2, 1, len(message)) + message
        self.send_record(opening + data)
        answer = b""
        while True:
            for kind, flags, stream, payload in self.frames():
                if kind == 2 and stream == 1:
                    answer += payload
                    if flags & 1 == 0:
                        return answer
                elif kind == 4 and stream == 1:
                    sys.exit(status(payload))

    def close(self):
        self.send_record(struct.pack(">BBII", 8, 0, 0, 1) + b"\0")
        self.socket.close()


def status(payload):
    """What a RESET says: code, reason and details, on one line."""
    length = struct.unpack(">H", payload[1:3])[0]
    reason, at = payload[3 : 3 + length].decode(), 4 + length
    details = []
    for _ in range(payload[at - 1]):
        key_end = at + 1 + payload[at]
        key = payload[at + 1 : key_end].decode()
        at = key_end + 2 + struct.unpack(">H", payload[key_end : key_end + 2])[0]
        details.append((key, payload[key_end + 2 : at].decode()))
    assert at == len(payload), "a RESET ends with its details"
    return f"status {payload[0]}: {reason} {details}"


def main():
    host, port, key_file, route, message = sys.argv[1:]
    with open(key_file, "rb") as file:
        key = urlsafe_b64decode(file.read().strip())
    connection = Connection(host, int(port), key)
    print(connection.call(route.encode(), message.encode()).decode())
    connection.close()


if __name__ == "__main__":
    main()
