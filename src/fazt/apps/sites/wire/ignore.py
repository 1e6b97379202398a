"""What stays behind at every deploy: secrets, repositories, and what `.faztignore` names."""

from __future__ import annotations

from collections.abc import Iterable

from pathspec import GitIgnoreSpec

ALWAYS = [
    ".env",
    ".env.*",
    ".git",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".hg",
    ".svn",
    "node_modules",
    ".DS_Store",
    "._*",
    "__MACOSX",
    "Thumbs.db",
    "desktop.ini",
    ".faztignore",
    ".npmrc",
    ".netrc",
    ".htpasswd",
    ".ssh",
    ".aws",
    ".venv",
    "__pycache__",
]
IGNORE_FILE = ".faztignore"


class Ignore:
    """The rules of one folder: gitignore's syntax, with the list above always in force."""

    def __init__(self, text: str = "") -> None:
        self._own = GitIgnoreSpec.from_lines(text.splitlines())
        self._always = GitIgnoreSpec.from_lines(ALWAYS)

    def has(self, path: str) -> bool:
        """Whether the file or folder (with a slash at its end) at `path` stays behind."""
        return self._always.match_file(path) or self._own.match_file(path)

    def keep(self, paths: Iterable[str]) -> list[str]:
        """Those of `paths` that are deployed."""
        return [path for path in paths if not self.has(path)]
