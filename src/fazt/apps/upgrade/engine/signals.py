"""Signals in mid-upgrade: a lost terminal stops nothing, and whoever interrupts gets the version before."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Handler = Callable[[int, Any], Any] | signal.Handlers


def ignore(_number: int, _frame: object) -> None:
    """Unlike SIG_IGN, not handed on to the programs that are started meanwhile."""


@contextmanager
def steady() -> Iterator[None]:
    """Inside the block a terminal may go, as SSH's does, and SIGTERM is an interruption like Ctrl-C."""
    with handled({signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: signal.default_int_handler}):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside the block nothing but SIGKILL interrupts: there is nothing left to go back to."""
    with handled({signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: ignore, signal.SIGINT: ignore}):
        yield


@contextmanager
def handled(handlers: dict[signal.Signals, Handler]) -> Iterator[None]:
    """Other handlers for the length of a block."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
