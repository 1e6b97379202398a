"""Pages of backups, for the owner."""

from __future__ import annotations

from typing import Any

PAGES: list[Any] = []
