"""What authorities say when something is wrong, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from acme import errors, messages

from fazt.core.tls.model.outcomes import Limited, Refused, Trouble

HINTS = {
    "connection": "Port 80 of this name must reach this machine from everywhere: see router, firewall and provider.",
    "unauthorized": "Another server answers at this name: its A and AAAA records must name this machine only.",
    "incorrectResponse": "Another server answers at this name: its A and AAAA records must name this machine only.",
    "dns": "Add an A (or AAAA) record for this name that names this machine, then wait until it is known everywhere.",
    "unknownHost": "Add an A (or AAAA) record for this name that names this machine.",
    "caa": "A CAA record of the domain names other authorities only: add this one to it.",
    "dnssec": "The domain's DNSSEC is broken: ask who runs its DNS.",
    "rejectedIdentifier": "This authority issues no certificates for this name: choose another name or authority.",
    "unsupportedIdentifier": "This authority issues no certificates for such a name.",
    "externalAccountRequired": "Set tls.eab_key_id and tls.eab_key to what the authority gave you.",
}
OF_NAMES = {
    "caa",
    "connection",
    "dns",
    "dnssec",
    "incorrectResponse",
    "rejectedIdentifier",
    "tls",
    "unauthorized",
    "unknownHost",
    "unsupportedIdentifier",
}
"""Kinds of problems that names have; all others are between us and the authority."""

RETRY_AFTER_S = 3_600


def kind_of(problem: messages.Error) -> str:
    """`rateLimited` of `urn:ietf:params:acme:error:rateLimited`."""
    return str(problem.typ).rpartition(":")[2]


def to_refusal(problem: messages.Error | None) -> tuple[str, str]:
    """What is wrong with a name, and what to do about it."""
    if problem is None:
        return "The authority could not see that this name is ours.", HINTS["unauthorized"]
    told = problem.detail or problem.description or kind_of(problem)
    return f"The authority says: {one_line(told)}.", HINTS.get(kind_of(problem), "")


def to_outcome(error: Exception, names: Sequence[str], retry_after: str) -> Refused | Limited | Trouble:
    """What an error of the conversation means for an order of `names`."""
    if isinstance(error, messages.Error):
        return judge(error, names, retry_after)
    if isinstance(error, errors.IssuanceError):
        return judge(error.error, names, retry_after)
    if isinstance(error, OSError):
        return Trouble(f"The authority cannot be reached: {innermost(error)}.")
    return Trouble(f"The authority answered what makes no sense: {type(error).__name__} {one_line(str(error))}.")


def innermost(error: Exception) -> str:
    """What the system said, of an error that libraries have wrapped several times over."""
    reason = getattr(error.args[0], "reason", error) if error.args else error
    told = str(reason).partition(" (_ssl")[0].rpartition(": ")[2]
    return one_line(told.rpartition("] ")[2] or type(error).__name__)


def judge(problem: messages.Error, names: Sequence[str], retry_after: str) -> Refused | Limited | Trouble:
    """Whose fault it is."""
    kind = kind_of(problem)
    if kind == "rateLimited":
        return Limited(one_line(str(problem.detail)), retry_after=read_retry_after(retry_after))
    if problem.subproblems:
        hosts = {str(one.identifier.value): to_refusal(one) for one in problem.subproblems if one.identifier}
        if hosts:
            return Refused(
                {host: hosts[host] for host in hosts if host in names} or dict.fromkeys(names, to_refusal(problem))
            )
    if kind in OF_NAMES and names:
        return Refused(dict.fromkeys(names, to_refusal(problem)))
    return Trouble(one_line(f"{problem.detail or problem.description or kind}"), hint=HINTS.get(kind, ""), acme=kind)


def read_retry_after(text: str) -> int:
    """Seconds to wait, of a Retry-After header in either form."""
    if text.isdigit():
        return int(text)
    try:
        return max(0, int((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return RETRY_AFTER_S


def one_line(text: str) -> str:
    """Text for a table: no line breaks, not too long, no dot at its end."""
    return " ".join(text.split())[:400].rstrip(".")
