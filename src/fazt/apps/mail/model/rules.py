"""Rules: what happens to a message that fits."""

from __future__ import annotations

from msgspec import Struct

from fazt.apps.mail.model.addresses import find_address
from fazt.apps.mail.model.message import Envelope, Facts, Verdicts
from fazt.core.errors import Invalid

FIELDS: dict[str, str] = {
    "recipient": "Recipient",
    "sender": "Sender",
    "subject": "Subject",
    "header": "Header",
    "verdict": "Verdict",
    "size": "Size",
    "file": "Attachment",
}
TESTS: dict[str, str] = {
    "is": "is",
    "contains": "contains",
    "begins": "begins with",
    "ends": "ends with",
    "like": "is like (* for anything)",
    "over": "is over",
    "under": "is under",
    "not": "is not",
}
KINDS: dict[str, str] = {
    "inbox": "Keep in the inbox",
    "archive": "Put into the archive",
    "junk": "Put into junk",
    "star": "Star it",
    "read": "Mark it as read",
    "label": "Label it",
    "function": "Run a site's email() function",
    "topic": "Publish on a topic",
    "textdb": "Write a document",
    "webhook": "Send to a web address",
    "forward": "Forward to an address",
    "save": "Save attachments to the drive",
    "reject": "Refuse it",
    "drop": "Drop it",
}
NEEDS_VALUE = frozenset({"label", "function", "topic", "textdb", "webhook", "forward", "save"})
ROUTES = frozenset({"function", "topic", "textdb", "webhook", "forward", "save"})
"""What a job does after the message was taken."""

PLACES = frozenset({"inbox", "archive", "junk"})
MAX_CONDITIONS, MAX_ACTIONS, MAX_TEXT = 20, 10, 1_000


class Condition(Struct, frozen=True):
    """A test of one field; `name` is which header, or which of spf, dkim, dmarc, arc."""

    field: str
    test: str = "is"
    value: str = ""
    name: str = ""


class Action(Struct, frozen=True):
    """What to do; `value` is the label, site, topic, collection, address or folder."""

    kind: str
    value: str = ""


class Rule(Struct, frozen=True):
    """Conditions that must all hold (none: always), and what is then done. `stop`: no later rule is asked."""

    id: str
    user_id: str
    name: str
    conditions: tuple[Condition, ...]
    actions: tuple[Action, ...]
    is_on: bool = True
    stop: bool = True
    position: int = 0
    hits: int = 0


class Outcome(Struct):
    """What all rules together want for one message."""

    folder: str = ""
    is_read: bool = False
    is_starred: bool = False
    labels: tuple[str, ...] = ()
    routes: tuple[Action, ...] = ()
    reject: str | None = None
    is_dropped: bool = False
    rules: tuple[str, ...] = ()


def check_rule(name: str, conditions: tuple[Condition, ...], actions: tuple[Action, ...]) -> None:
    """Raises Invalid, saying what is missing."""
    if not name.strip() or len(name) > 100:
        raise Invalid("A rule needs a name of at most 100 characters.")
    if not actions:
        raise Invalid("A rule needs something to do.")
    if len(conditions) > MAX_CONDITIONS or len(actions) > MAX_ACTIONS:
        raise Invalid(f"A rule may have {MAX_CONDITIONS} conditions and do {MAX_ACTIONS} things.")
    for condition in conditions:
        check_condition(condition)
    for action in actions:
        check_action(action)


def check_condition(condition: Condition) -> None:
    """Raises Invalid."""
    if condition.field not in FIELDS or condition.test not in TESTS or len(condition.value) > MAX_TEXT:
        raise Invalid(f"{condition.field} {condition.test} is not a condition.")
    if condition.field in {"header", "verdict"} and not condition.name:
        raise Invalid(f"Say which {condition.field}.", hint="A header's name, or spf, dkim, dmarc or arc.")
    if condition.field == "size" and (condition.test not in {"over", "under"} or not condition.value.isdigit()):
        raise Invalid("Size is over or under a number of bytes.")


def check_action(action: Action) -> None:
    """Raises Invalid."""
    if action.kind not in KINDS or len(action.value) > MAX_TEXT:
        raise Invalid(f"{action.kind!r} is nothing that a rule can do.")
    if action.kind in NEEDS_VALUE and not action.value.strip():
        raise Invalid(f"{KINDS[action.kind]}: say which.")
    if action.kind == "forward" and find_address(action.value) is None:
        raise Invalid(f"{action.value!r} is not an e-mail address.")
    if action.kind == "webhook" and not action.value.startswith(("https://", "http://")):
        raise Invalid("A web address begins with https:// or http://.")


def fits_text(condition: Condition, text: str) -> bool:
    """One text against one test, upper and lower case alike."""
    text, value = text[: MAX_TEXT * 4].casefold(), condition.value.casefold()
    match condition.test:
        case "contains":
            return value in text
        case "begins":
            return text.startswith(value)
        case "ends":
            return text.endswith(value)
        case "like":
            return fits_glob(value, text)
        case "not":
            return text != value
        case _:
            return text == value


def fits_glob(pattern: str, text: str) -> bool:
    """Whether `text` is like `pattern`, in time that grows with their lengths only: a greedy match, piece by piece."""
    pieces = pattern.split("*")
    if len(pieces) == 1:
        return pattern == text
    if not text.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(pieces[-1]) and text.endswith(pieces[-1])


def fits(condition: Condition, recipient: str, envelope: Envelope, facts: Facts, verdicts: Verdicts, size: int) -> bool:
    """Whether one condition holds."""
    match condition.field:
        case "recipient":
            return fits_text(condition, recipient)
        case "sender":
            return fits_text(condition, facts.from_address) or fits_text(condition, envelope.mail_from)
        case "subject":
            return fits_text(condition, facts.subject)
        case "header":
            values = [value for key, value in facts.headers if key.lower() == condition.name.lower()]
            return any(fits_text(condition, value) for value in values or [""])
        case "verdict":
            return fits_text(condition, str(getattr(verdicts, condition.name.lower(), "")))
        case "size":
            limit = int(condition.value)
            return size > limit if condition.test == "over" else size < limit
        case _:
            names = [part.name for part in facts.parts if part.name]
            return any(fits_text(condition, name) for name in names)


def apply_rules(
    rules: list[Rule], recipient: str, envelope: Envelope, facts: Facts, verdicts: Verdicts, size: int
) -> Outcome:
    """What the rules that fit want, in their order."""
    outcome = Outcome()
    for rule in rules:
        if not all(fits(condition, recipient, envelope, facts, verdicts, size) for condition in rule.conditions):
            continue
        outcome.rules += (rule.id,)
        for action in rule.actions:
            apply_action(outcome, action)
        if rule.stop or outcome.is_dropped or outcome.reject is not None:
            break
    return outcome


def apply_action(outcome: Outcome, action: Action) -> None:
    """Add one action to the outcome."""
    match action.kind:
        case "reject":
            outcome.reject = action.value or "The recipient does not want this message."
        case "drop":
            outcome.is_dropped = True
        case "star":
            outcome.is_starred = True
        case "read":
            outcome.is_read = True
        case "label":
            outcome.labels += (action.value.strip(),)
        case kind if kind in PLACES:
            outcome.folder = kind
        case _:
            outcome.routes += (action,)
