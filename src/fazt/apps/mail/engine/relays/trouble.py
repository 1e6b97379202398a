"""How handing over fails: because of the relay, or because of the message."""

from __future__ import annotations


class Trouble(Exception):
    """The relay cannot take it now, or not from us: another one may. `is_unsure`: it may have taken it after all."""

    def __init__(self, message: str, *, is_unsure: bool = False, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.is_unsure = is_unsure
        self.retry_after_s = retry_after_s


class Refused(Exception):
    """The relay will never take this message; another one would not, either. `stop`: addresses that take no mail."""

    def __init__(self, message: str, stop: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.stop = stop
