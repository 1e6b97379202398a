"""The relay's own process: orders come in on standard input, reports go out on standard output.

Both are JSON, one object a line. The end of the input is the end of the relay, so that it never outlives the program.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys

import msgspec

from fazt.apps.turn.engine.relay import Relay
from fazt.apps.turn.model import Figures, Note, Orders, Report

_MAX_WAITING = 1_000_000


class Voice:
    """Writes reports without ever waiting: a program that is busy must not hold up a call."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._waiting = bytearray()

    def tell(self, report: Report) -> None:
        """Write a report, or keep it; figures that cannot be written now are superseded by the next."""
        if self._waiting and isinstance(report, Figures):
            self._flush()
            return
        if len(self._waiting) < _MAX_WAITING:
            self._waiting += msgspec.json.encode(report) + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            written = os.write(self._descriptor, self._waiting)
        except BlockingIOError:
            return
        except OSError:  # the reader is gone; the end of the input will tell
            written = len(self._waiting)
        del self._waiting[:written]


class Ear:
    """Reads orders as they come."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._heard = bytearray()

    def wait(self) -> Orders | None:
        """The first orders, waited for; None at the end of the input."""
        while b"\n" not in self._heard:
            data = os.read(self.descriptor, 65_536)
            if not data:
                return None
            self._heard += data
        return self.take()

    def listen(self) -> bool:
        """Read what is there; False at the end of the input."""
        data = os.read(self.descriptor, 65_536)
        self._heard += data
        return bool(data)

    def take(self) -> Orders | None:
        """The newest orders that are complete, or None."""
        whole, newline, rest = self._heard.rpartition(b"\n")
        if not newline:
            return None
        self._heard = bytearray(rest)
        return msgspec.json.decode(whole.rpartition(b"\n")[2], type=Orders)


def main() -> int:
    """Relay until the input ends or SIGTERM comes; the exit code is 1 when it cannot listen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the program says when to end
    raise_file_limit()
    voice, ear = Voice(sys.stdout.fileno()), Ear(sys.stdin.fileno())
    orders = ear.wait()
    if orders is None:
        return 0
    try:
        relay = Relay(orders, voice.tell)
    except OSError as error:
        voice.tell(Note("error", f"cannot listen at {', '.join(orders.listen)} port {orders.port}: {error.strerror}"))
        return 1
    signal.signal(signal.SIGTERM, lambda *_: relay.loop.stop())

    def on_orders(_events: int) -> None:
        if not ear.listen():
            relay.loop.stop()
        newer = ear.take()
        if newer is not None:
            relay.learn(newer)
            voice.tell(relay.ready)

    relay.loop.watch(ear.descriptor, on_orders, select.EPOLLIN)
    voice.tell(relay.ready)
    relay.loop.run()
    relay.close()
    return 0


def raise_file_limit() -> None:
    """Each allocation needs a descriptor: take as many as the system lets us."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
