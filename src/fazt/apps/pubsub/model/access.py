"""Who may read and write which topics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from fazt.apps.pubsub.model.topic import check_pattern, is_system, matches, weigh
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Forbidden, Invalid, Unauthorized

Action = Literal["read", "write"]
May = Literal["none", "read", "write", "rw"]
CHOICES = ("none", "read", "write", "rw")
EVERYONE, MEMBERS = "everyone", "members"
DOES = {"read": "listen to", "write": "publish to"}


class Rule(msgspec.Struct, frozen=True):
    """`who` (everyone, members, or a person's id) may do `may` with the topics of `pattern`."""

    pattern: str
    who: str
    may: May


def check_rule(pattern: str, who: str, may: str) -> Rule:
    """A rule. Raises Invalid."""
    if may not in CHOICES:
        raise Invalid(f"A rule allows one of {', '.join(CHOICES)}.")
    if not who or len(who) > 64:
        raise Invalid("A rule is for everyone, members, or one person.")
    return Rule(check_pattern(pattern), who, may)  # type: ignore[arg-type] # looked at above


def allows(may: str, action: Action) -> bool:
    """Whether what a rule says includes this."""
    return may in {"rw", action}


class Rules:
    """All rules, and what members may where none says anything: with topics below their own name, everything.

    The rule about a person counts before one about all members, that before one about everyone; among those, the one
    that says most about the topic.
    """

    def __init__(self, rules: Iterable[Rule], members: str = "rw") -> None:
        self.members = members
        self.all = sorted(rules, key=lambda rule: (rank(rule.who), *(-weight for weight in weigh(rule.pattern))))

    def find(self, topic: str, user_id: str, *, is_member: bool) -> Rule | None:
        """The rule that counts, or None."""
        for rule in self.all:
            is_meant = rule.who == EVERYONE or (rule.who == MEMBERS and is_member) or (rule.who == user_id != "")
            if is_meant and matches(rule.pattern, topic):
                return rule
        return None

    def may(self, caller: Caller | None, topic: str, action: Action) -> bool:
        """Whether `caller` (None: a stranger) may do this with the topic."""
        if caller is not None and not holds_scope(caller, topic, action):
            return False
        if is_system(topic) and action == "write":
            return False
        if caller is not None and caller.is_owner:
            return True
        rule = self.find(topic, caller.user_id if caller is not None else "", is_member=caller is not None)
        if rule is not None:
            return allows(rule.may, action)
        if caller is not None and caller.handle and (topic + "/").startswith(f"{caller.handle}/"):
            return True
        return caller is not None and not is_system(topic) and allows(self.members, action)

    def check(self, caller: Caller | None, topic: str, action: Action) -> None:
        """Raises Unauthorized for a stranger, Forbidden for others, unless `may`."""
        if not self.may(caller, topic, action):
            raise refused(caller, topic, action)


def rank(who: str) -> int:
    """Persons first, then members, then everyone."""
    return {EVERYONE: 2, MEMBERS: 1}.get(who, 0)


def holds_scope(caller: Caller, topic: str, action: Action) -> bool:
    """Whether the credential allows it. What an app tells needs the right to read that app, too."""
    if not caller.may(f"pubsub:{action}:{topic}"):
        return False
    first, _, rest = topic.partition("/")
    if first == "db":
        return caller.may(f"textdb:read:{rest}")
    return first != "fazt" or caller.may(f"{rest.partition('.')[0]}:read")


def refused(caller: Caller | None, topic: str, action: Action) -> FaztError:
    """Not for you: who is unknown may log in first."""
    if caller is None:
        return Unauthorized("Log in, or send a token.", hint="`fazt token create NAME --scope pubsub:rw` makes one.")
    return Forbidden(f"You may not {DOES[action]} {topic}.", hint="The owner can make a rule for this topic.")
