"""The document of a pad: a Yjs document by pycrdt, and its text.

Positions in pycrdt are bytes of UTF-8. A document is for one thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fazt.apps.pads.model.edits import Edit, find_edits
from fazt.core.errors import Invalid

if TYPE_CHECKING:
    from pycrdt import Doc, Text

ROOT = "text"
"""The name of the shared text, as our page calls it; `find_root` knows what to do where a client has another."""
NOTHING = b"\x00\x00"


class Broken(Exception):
    """An update was applied in part, so the document is of no use any more."""


class Document:
    """A live document. `apply` and `edit` answer what is new as an update, b"" for nothing."""

    def __init__(self, updates: Iterable[bytes] = (), *, client_id: int | None = None) -> None:
        from pycrdt import Doc, Text  # noqa: PLC0415 - megabytes that only open pads need

        self._text = Text
        self._doc: Doc[Any] = Doc(client_id=client_id)
        heard: list[bytes] = []
        self._heard = heard
        # Not a method of ours: the garbage collector does not see the library's objects, so a ring would stay.
        self._observing = self._doc.observe(lambda event: heard.append(event.update))
        self._root = ""
        with self._doc.transaction():
            for update in updates:
                self._doc.apply_update(update)
        self._heard.clear()

    def _take(self) -> bytes:
        found = [update for update in self._heard if update != NOTHING]
        self._heard.clear()
        assert len(found) <= 1, "a transaction makes one update"
        return found[0] if found else b""

    def apply(self, *updates: bytes) -> bytes:
        """Apply what came from elsewhere, in one transaction.

        Raises Invalid where it is no update and nothing was changed, and Broken where that is not certain.
        """
        self._heard.clear()
        try:
            with self._doc.transaction():
                for update in updates:
                    self._doc.apply_update(update)
        except ValueError as error:  # it could not be decoded
            if len(updates) > 1:
                raise Broken from error
            raise Invalid("This is no Yjs update.") from error
        except RuntimeError as error:
            raise Broken from error
        return self._take()

    @property
    def root(self) -> str:
        """The name of the shared text: ours, or where that is empty the first other one with something in it."""
        if not self._root:
            self._root = self._find_root()
        return self._root or ROOT

    def _find_root(self) -> str:
        names = sorted(self._doc.keys())
        if ROOT in names and len(self._text_of(ROOT)):
            return ROOT
        return next((name for name in names if name != ROOT and len(self._text_of(name))), "")

    def _text_of(self, name: str) -> Text:
        found: Text = self._doc.get(name, type=self._text)
        return found

    @property
    def text(self) -> str:
        """What stands in it."""
        return str(self._text_of(self.root))

    @property
    def size(self) -> int:
        """Bytes of the text, without looking at them."""
        return len(self._text_of(self.root))

    @property
    def state(self) -> bytes:
        """The state vector: what is here of each client's work."""
        return self._doc.get_state()

    def missing(self, state: bytes | None = None) -> bytes:
        """What somebody with this state vector lacks, as an update; everything without one. Raises Invalid."""
        try:
            return self._doc.get_update(state)
        except (ValueError, RuntimeError) as error:
            raise Invalid("This is no state vector.") from error

    def edit(self, edits: Sequence[Edit]) -> bytes:
        """Change the text. The edits are in order, and their places those of the text before all of them."""
        self._heard.clear()
        text = self._text_of(self.root)
        with self._doc.transaction():
            for change in reversed(edits):
                if change.end > change.start:
                    del text[change.start : change.end]
                if change.text:
                    text.insert(change.start, change.text)
        return self._take()


def rewrite(updates: Iterable[bytes], text: str) -> bytes:
    """The update that makes `text` of what a document of these updates says; b"" where it says so already."""
    document = Document(updates)
    return document.edit(find_edits(document.text, text))
