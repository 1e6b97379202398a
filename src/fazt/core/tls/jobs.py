"""Background work of certificates."""

from __future__ import annotations

from fazt.core.app import Job

JOBS: tuple[Job, ...] = ()
