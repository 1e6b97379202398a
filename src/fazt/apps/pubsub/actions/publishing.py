"""Publishing for somebody: access first, then the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.message import Publication, Receipt
from fazt.apps.pubsub.store.log import Answer
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


def max_message_bytes(core: Core) -> int:
    """How large a message may be."""
    return int(core.settings.get("pubsub.max_message_kb") * 1024)


async def publish(
    core: Core, caller: Caller | None, publications: list[Publication], *, visitor: str = ""
) -> list[Answer]:
    """Publish them in their order; a receipt or an error for each. What access refuses, fails alone.

    `visitor` is the address of a stranger, who is held to a measure. Raises TooMany.
    """
    hub = hub_of(core)
    if caller is None:
        for _ in publications:
            hub.strangers.spend(visitor, core.settings.get("pubsub.visitor_burst"), hub.loop.time())
    refused: dict[int, FaztError] = {}
    for place, one in enumerate(publications):
        try:
            hub.rules.check(caller, one.topic, "write")
        except FaztError as error:
            refused[place] = error
    allowed = [one for place, one in enumerate(publications) if place not in refused]
    answers = iter(await hub.publish(allowed) if allowed else ())
    return [refused.get(place) or next(answers) for place in range(len(publications))]


async def publish_one(core: Core, caller: Caller | None, publication: Publication, *, visitor: str = "") -> Receipt:
    """Publish one message. Raises what keeps it from being published."""
    (answer,) = await publish(core, caller, [publication], visitor=visitor)
    if isinstance(answer, FaztError):
        raise answer
    return answer


def to_facts(answer: Answer) -> dict[str, Any]:
    """A receipt, or an error, as JSON."""
    if isinstance(answer, FaztError):
        return {"error": {"kind": answer.kind, "message": answer.message, **answer.details}}
    facts: dict[str, Any] = {"id": answer.id, "topic": answer.topic, "at": to_iso(answer.at)}
    if answer.seq:
        facts |= {"seq": answer.seq, "n": answer.n}
    if answer.repeated:
        facts["repeated"] = True
    if answer.due_at is not None:
        facts["due"] = to_iso(answer.due_at)
    return facts
