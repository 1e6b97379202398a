"""Logging: one line a fact, on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being answered, in every line that is logged meanwhile."""


def get_logger(name: str) -> logging.Logger:
    """The logger of a module, below `fazt`."""
    return logging.getLogger(name)


class TextFormat(logging.Formatter):
    """`10:00:00 warning core.db: slow write … [request id]`."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        at = self.formatTime(record, "%H:%M:%S")
        line = f"{at} {record.levelname.lower()} {short_name(record)}: {record.getMessage()}"
        if rid := request_id.get():
            line += f" [{rid}]"
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class JsonFormat(logging.Formatter):
    """One JSON object a line, for collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        entry: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": short_name(record),
            "message": record.getMessage(),
        }
        if rid := request_id.get():
            entry["request"] = rid
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def short_name(record: logging.LogRecord) -> str:
    """The logger's name without the program's."""
    return record.name.removeprefix("fazt.")


def set_up_logging(level: str, *, as_json: bool) -> None:
    """Send everything from `level` up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormat() if as_json else TextFormat())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "asyncio", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
