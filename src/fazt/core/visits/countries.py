"""Countries of addresses, from a database that the owner supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.core.log import get_logger

if TYPE_CHECKING:
    from maxminddb import Reader

log = get_logger(__name__)


class Countries:
    """Looks addresses up in the file at a path, which may change at any time; an empty path knows nothing."""

    def __init__(self) -> None:
        self._path = ""
        self._reader: Reader | None = None

    def find(self, path: str, address: str) -> str:
        """The country's two letters (ISO 3166), or "" where it is not known. 10 µs."""
        if path != self._path:
            self._open(path)
        if self._reader is None or not address:
            return ""
        try:
            found = self._reader.get(address)
        except ValueError:
            return ""
        return code_in(found)

    def _open(self, path: str) -> None:
        """A file that cannot be read is told once, and then nothing is known."""
        self.close()
        self._path = path
        if not path:
            return
        import maxminddb  # noqa: PLC0415 - only where the owner has a database

        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            log.warning("visits.country_database is %r, which cannot be read: %s", path, error)

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
        self._path, self._reader = "", None


def code_in(found: object) -> str:
    """The code in a record of GeoLite2 or DB-IP (`country.iso_code`), or of IPinfo (`country`)."""
    country = found.get("country") if isinstance(found, dict) else None
    code = country.get("iso_code") if isinstance(country, dict) else country
    return code.upper() if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha() else ""
