"""The steps that bring a file's tables up to date: one linear history in the order of their names."""

from pathlib import Path


def step_before(file: str) -> str | None:
    """The name of the step before the one in `file` (its `__file__`), or None for the first."""
    here = Path(file)
    earlier = sorted(p.stem for p in here.parent.glob("[0-9]*.py") if p.stem < here.stem)
    return earlier[-1] if earlier else None
