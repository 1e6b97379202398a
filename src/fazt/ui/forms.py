"""What a page's form sent."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict

from fazt.core.errors import Invalid

LONGEST_TEXT = 100_000


class Form:
    """Fields by name; what was not sent is empty."""

    def __init__(self, fields: FormMultiDict) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """The field without blanks around it. Raises Invalid where it is a file or has more than 100,000 characters."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The field as it was typed: passwords may begin with a blank. Raises as `text`."""
        value: Any = self._fields.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise Invalid(f"The field {name} is too long, or not text.")
        return value.replace("\r\n", "\n")

    def texts(self, name: str) -> list[str]:
        """All values of boxes of one name."""
        return [value for value in self._fields.getall(name, []) if isinstance(value, str)]

    def is_on(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self._fields

    def number(self, name: str, default: int = 0) -> int:
        """A whole number. Raises Invalid for other text; an empty field is `default`."""
        text = self.text(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError as error:
            raise Invalid(f"{text[:40]!r} is not a whole number.") from error


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form in the body of `request` (URL-encoded or multipart)."""
    return Form(await request.form())
