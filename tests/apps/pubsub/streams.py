"""Listening with nothing but sockets: what a line of a stream is, and until when to wait."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.program import Program


class Stream:
    """An answer that does not end. `lines` are without the sizes of chunks."""

    def __init__(self, program: Program, path: str, *, small: bool = False, **headers: str) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(10)
        if small:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect(("127.0.0.1", program.port))
        head = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers: dict[str, str] = {}
        self.buffer = b""
        while line := self.file.readline().strip().decode():
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value

    def close(self) -> None:
        """End it."""
        self.file.close()
        self.socket.close()

    def line(self) -> str:
        """The next line that says something, "" at the end."""
        while True:
            at = self.buffer.find(b"\n")
            if at >= 0:
                text, self.buffer = self.buffer[:at].decode().strip("\r"), self.buffer[at + 1 :]
                if text:
                    return text
                continue
            size = int(self.file.readline().strip() or b"0", 16)
            if not size:
                return ""
            self.buffer += self.file.read(size)
            self.file.readline()

    def event(self) -> dict[str, Any]:
        """The next object of JSON."""
        while text := self.line():
            text = text.removeprefix("data: ")
            if text.startswith("{"):
                found: dict[str, Any] = json.loads(text)
                return found
        return {}

    def message(self) -> dict[str, Any]:
        """The next message."""
        while (found := self.event()) and found.get("event") != "message":
            pass
        return found


@contextmanager
def listening(program: Program, path: str, **headers: str) -> Iterator[Stream]:
    """A Stream for the length of a block."""
    stream = Stream(program, path, small=False, **headers)
    try:
        yield stream
    finally:
        stream.close()
