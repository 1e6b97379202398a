"""What links are, what they may be called, and where a click leads."""

from fazt.apps.links.model.links import (
    CLICK,
    ORPHAN,
    SLUG_MAX,
    STATUSES,
    Link,
    NewLink,
    check_slug,
    check_status,
    check_tags,
    check_target,
    state_of,
    with_query,
)
from fazt.apps.links.model.rules import Condition, Rule, Variant, Visitor, check_rules, choose_target

__all__ = [
    "CLICK",
    "ORPHAN",
    "SLUG_MAX",
    "STATUSES",
    "Condition",
    "Link",
    "NewLink",
    "Rule",
    "Variant",
    "Visitor",
    "check_rules",
    "check_slug",
    "check_status",
    "check_tags",
    "check_target",
    "choose_target",
    "state_of",
    "with_query",
]
