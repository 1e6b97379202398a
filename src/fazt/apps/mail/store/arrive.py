"""Messages that came at the same moment, in one transaction: they share its commit, not their fate."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection

from fazt.apps.mail.model.message import Envelope, Facts, Stored, Verdicts
from fazt.apps.mail.store.deliver import Policy, Taken, take
from fazt.apps.mail.store.outgoing import find_by_header, note_return
from fazt.apps.mail.wire.reports import Report


class Arrival(Struct, frozen=True):
    """A message at the door with all that is known of it; `about` is the Message-ID that its `reports` are about."""

    envelope: Envelope
    facts: Facts
    stored: Stored
    verdicts: Verdicts
    policy: Policy
    about: str
    reports: list[Report]
    now: int


def take_arrivals(conn: Connection, arrivals: Sequence[Arrival]) -> list[list[Taken]]:
    """What became of each for its recipients, in their order."""
    return [take_arrival(conn, arrival) for arrival in arrivals]


def take_arrival(conn: Connection, one: Arrival) -> list[Taken]:
    """The message for everybody it is for, and what a delivery report says about one of ours."""
    out_id = find_by_header(conn, one.about) if one.about else None
    if out_id is not None:
        for report in one.reports:
            if report.is_final:
                note_return(conn, out_id, report.address, "bounced", report.detail, is_hard=report.is_hard, now=one.now)
    return take(conn, one.envelope, one.facts, one.stored, one.verdicts, one.policy, now=one.now)
