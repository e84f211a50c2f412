"""Python's way: a socket, JSON and Fernet, a thread for each connection. Its two halves speak to the runner as all peers do."""

import itertools
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import deque

from cryptography.fernet import Fernet

KEY = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="


def send(stream, fernet, value):
    token = fernet.encrypt(json.dumps(value).encode())
    stream.sendall(struct.pack(">I", len(token)) + token)


def receive(reader, fernet):
    header = reader.read(4)
    if len(header) < 4:
        return None
    return json.loads(fernet.decrypt(reader.read(struct.unpack(">I", header)[0])))


def answer(stream):
    fernet, reader = Fernet(KEY), stream.makefile("rb")
    try:
        while (value := receive(reader, fernet)) is not None:
            send(stream, fernet, value)
    except OSError:
        pass  # the client is done


def serve():
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept():
        while True:
            stream, _ = listener.accept()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=answer, args=(stream,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    host, port = listener.getsockname()
    print(json.dumps({"pid": os.getpid(), "address": f"{host}:{port}"}), flush=True)
    sys.stdin.read()


def person(number):
    return {"id": number, "first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org", "height": 1.65,
            "tags": ["mathematics", "poetry"]}


def block(number):
    return {"id": number, "text": ("Sealed in clay, carried by donkey, broken by the one it was for. " * 1100)[:65536]}


def ask(stream, question, window, begin, end, latencies):
    fernet, reader, sent = Fernet(KEY), stream.makefile("rb"), deque()
    value, numbers, permits = question(0), itertools.count(), threading.Semaphore(window)
    over = threading.Event()

    def write():
        for number in numbers:
            permits.acquire()
            if over.is_set():
                return
            value["id"] = number
            sent.append((number, time.perf_counter()))
            send(stream, fernet, value)

    # With one in flight a thread takes turns with itself; a window of large values needs one that reads while another writes.
    writer = threading.Thread(target=write, daemon=True)
    if window > 1:
        writer.start()
    while True:
        if window == 1:
            number = next(numbers)
            value["id"] = number
            sent.append((number, time.perf_counter()))
            send(stream, fernet, value)
        reply = receive(reader, fernet)
        number, asked = sent.popleft()
        assert reply["id"] == number
        now = time.perf_counter()
        if now >= end:
            over.set()
            return
        if now >= begin:
            latencies.append(now - asked)
        permits.release()


def drive(address, size, connections, window, warm_up, duration):
    host, port = address.rsplit(":", 1)
    streams = [socket.create_connection((host, int(port))) for _ in range(connections)]
    begin = time.perf_counter() + warm_up
    latencies, threads = [[] for _ in streams], []
    for stream, mine in zip(streams, latencies):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        question = person if size == "small" else block
        threads.append(threading.Thread(target=ask, args=(stream, question, window, begin, begin + duration, mine), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print(json.dumps([round(latency * 1e9) for mine in latencies for latency in mine]))


if sys.argv[1] == "serve":
    serve()
else:
    drive(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]), float(sys.argv[7]))
