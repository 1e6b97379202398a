"""Every failure fazt foresees; each edge turns a kind into its own protocol's code."""


class FaztError(Exception):
    """Base of them all. `str(error)` is for the person who asked; the cause is for the log.

    `hint` says what to do about it, `details` are JSON-able facts that a program may want.
    """

    kind = "internal"

    def __init__(self, message: str, *, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class Invalid(FaztError):
    """What was sent makes no sense."""

    kind = "invalid"


class Unauthorized(FaztError):
    """Nobody knows who is asking."""

    kind = "unauthorized"


class Forbidden(FaztError):
    """It is known who is asking, and they may not."""

    kind = "forbidden"


class NotFound(FaztError):
    """No such thing, or not for you."""

    kind = "not_found"


class Conflict(FaztError):
    """It clashes with what is there."""

    kind = "conflict"


class PreconditionFailed(FaztError):
    """It changed since you looked (If-Match and its kin)."""

    kind = "precondition_failed"


class Locked(FaztError):
    """Somebody holds it."""

    kind = "locked"


class TooLarge(FaztError):
    """More bytes, rows or levels than are allowed."""

    kind = "too_large"


class TooMany(FaztError):
    """Asked too often; `details["retry_after"]` is in seconds."""

    kind = "too_many"


class OverQuota(FaztError):
    """No room: the quota, or the disk itself, is full."""

    kind = "over_quota"


class Unavailable(FaztError):
    """Not now: starting, stopping, or something this needs is away."""

    kind = "unavailable"
