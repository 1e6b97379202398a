"""Names of topics, and patterns over them: `home/temp`, `home/+/temp`, `home/#`."""

from __future__ import annotations

import re

from fazt.core.errors import Invalid

MAX_TOPIC_BYTES = 200
MAX_LEVELS = 16
LEVEL = re.compile(r"[^\s/+#*,?&%\\\x00-\x1f\x7f]+")
SYSTEM = frozenset({"fazt", "db"})
"""First levels that only the program itself writes."""
ONE, REST = "+", "#"
ALIASES = {"*": ONE, "**": REST}
"""A shell and an address leave these alone, where `#` has to be quoted."""


def check_topic(name: str) -> str:
    """`name` itself. Raises Invalid where it is no topic's name."""
    levels = name.split("/")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_TOPIC_BYTES:
        raise Invalid(f"The name of a topic has at most {MAX_TOPIC_BYTES} bytes.", max_bytes=MAX_TOPIC_BYTES)
    if len(levels) > MAX_LEVELS:
        raise Invalid(f"The name of a topic has at most {MAX_LEVELS} levels.", max_levels=MAX_LEVELS)
    for level in levels:
        if not LEVEL.fullmatch(level) or not level.isprintable() or level in {".", ".."}:
            raise Invalid(
                f"{name[:80]!r} is not the name of a topic.",
                hint="Words with / between them, such as home/temp, without blanks or any of + # * , ? & % \\.",
            )
    return name


def check_pattern(text: str) -> str:
    """The pattern in its plain form. Raises Invalid. `+` and `*` are one level, `#` and `**` all that follow."""
    levels = [ALIASES.get(level, level) for level in text.split("/")]
    for place, level in enumerate(levels):
        if level == REST and place != len(levels) - 1:
            raise Invalid("# and ** stand for all levels that follow, so they come last.")
    check_topic("/".join("x" if level in {ONE, REST} else level for level in levels))
    return "/".join(levels)


def is_pattern(text: str) -> bool:
    """Whether it is more than the name of one topic."""
    return ONE in text or REST in text


def is_system(name: str) -> bool:
    """Whether only the program itself publishes here."""
    return name.partition("/")[0] in SYSTEM


def matches(pattern: str, topic: str) -> bool:
    """Whether a checked pattern means this topic. A wildcard in front never means what the program itself tells."""
    if pattern == topic:
        return True
    wanted, levels = pattern.split("/"), topic.split("/")
    if wanted[0] in {ONE, REST} and levels[0] in SYSTEM:
        return False
    if wanted[-1] == REST:
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        level in {ONE, there} for level, there in zip(wanted, levels, strict=True)
    )


def literal_prefix(pattern: str) -> str:
    """What every topic of a pattern begins with."""
    levels = pattern.split("/")
    first = next((place for place, level in enumerate(levels) if level in {ONE, REST}), len(levels))
    return "/".join(levels[:first])


def weigh(pattern: str) -> tuple[int, int]:
    """The more it says, the larger: for the rule that counts is the one that says most."""
    levels = pattern.split("/")
    return (sum(level not in {ONE, REST} for level in levels), REST not in levels)
