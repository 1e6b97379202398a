"""A network that breaks: a proxy that cuts every connection after some bytes."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

PIECE = 1 << 16


class FlakyProxy:
    """Listens on a free port of loopback; each connection carries between `least` and `most` bytes up, then breaks."""

    def __init__(self, port: int, seed: int, least: int, most: int, *, down: bool = False) -> None:
        self.target = port
        self.chance = random.Random(seed)
        self.least, self.most, self.down = least, most, down
        self.cuts = 0
        self.is_calm = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                room = self.chance.randrange(self.least, self.most)
                for source, sink, counts in ((client, server, not self.down), (server, client, self.down)):
                    limit = room if counts else 1 << 62
                    threading.Thread(target=self._carry, args=(source, sink, limit), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, limit: int) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if not self.is_calm and len(piece) > limit:
                    sink.sendall(piece[:limit])
                    self.cuts += 1
                    break
                limit -= len(piece)
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
