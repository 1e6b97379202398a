"""The body of SMTP's DATA: where it ends, which dots go, and line ends that no sender may use.

A message that ends at `\\r\\n.\\r\\n` for one server and at `\\n.\\n` for another is how a second message is smuggled
past the first one's checks. So a bare CR or LF anywhere spoils the message, and only CR LF . CR LF ends it.
"""

from __future__ import annotations

END = b"\r\n.\r\n"


class DataReader:
    """Takes the bytes after 354 and gives the message: dots undone, nothing else changed.

    `is_done` after the end; `rest` is then what the client sent behind it (the next commands).
    """

    def __init__(self) -> None:
        self.is_done = False
        self.is_bare = False
        """A bare CR or LF was seen: the message must be refused."""
        self.rest = b""
        self.size = 0
        self._held = b"\r\n"  # the end of the line before: at the start a lone dot ends the message too
        self._is_first = True

    def feed(self, data: bytes) -> bytes:
        """The bytes of the message that are certain now."""
        if self.is_done:
            self.rest += data
            return b""
        buffer = self._held + data
        end = buffer.find(END)
        if end >= 0:
            self.is_done = True
            self.rest = buffer[end + len(END) :]
            ready, self._held = buffer[: end + 2], b""
        else:
            keep = self._undecided(buffer)
            ready, self._held = buffer[: len(buffer) - keep], buffer[len(buffer) - keep :]
        return self._release(ready)

    def _undecided(self, buffer: bytes) -> int:
        """How many bytes at the end could still become the end of the message, or a dot that goes."""
        for length in range(min(len(END) - 1, len(buffer)), 0, -1):
            if END.startswith(buffer[-length:]):
                return length
        return 0

    def _release(self, ready: bytes) -> bytes:
        if not ready:
            return b""
        if not self.is_bare and not ready.count(b"\n") == ready.count(b"\r") == ready.count(b"\r\n"):
            self.is_bare = True
        clean = ready.replace(b"\r\n.", b"\r\n")
        if self._is_first:  # the line end that stands for the one after 354
            clean = clean[2:]
            self._is_first = False
        self.size += len(clean)
        return clean
