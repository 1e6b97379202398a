"""The process that does the work, so that no request waits for it: an order comes in, words about it go out."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, BinaryIO

import msgspec

from fazt.apps.backup.engine.drill import drill
from fazt.apps.backup.engine.making import create
from fazt.apps.backup.engine.orders import Order, Tell, foreseen
from fazt.apps.backup.engine.restoring import bring, prepare, verify
from fazt.core.errors import FaztError

NICE = 10
TELL_S = 0.2

WORK = {"create": create, "verify": verify, "restore": prepare, "drill": drill, "bring": bring}


def do(order: Order, tell: Tell) -> Any:
    """Do it here and now. Raises FaztError for all that can be foreseen."""
    with foreseen():
        return WORK[order.work](order, tell)


class Teller:
    """Writes how far it is, a few times a second."""

    def __init__(self, writer: BinaryIO) -> None:
        self._writer = writer
        self._doing, self._told_at = "", 0.0

    def tell(self, doing: str, done: int, size: int) -> None:
        """See Tell."""
        now = time.monotonic()
        if doing != self._doing or now - self._told_at > TELL_S:
            self._doing, self._told_at = doing, now
            self.write({"doing": doing, "done": done, "size": size})

    def write(self, value: Any) -> None:
        """One line."""
        self._writer.write(msgspec.json.encode(value) + b"\n")
        self._writer.flush()


def end_with_input() -> None:
    """When the program that gave the order ends, this ends."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def main() -> None:
    """Read one order, do it, answer with `result` or `error`."""
    os.nice(NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=end_with_input, daemon=True).start()
    teller = Teller(sys.stdout.buffer)
    try:
        teller.write({"result": msgspec.to_builtins(do(order, teller.tell))})
    except FaztError as error:
        teller.write({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}})


if __name__ == "__main__":
    main()
