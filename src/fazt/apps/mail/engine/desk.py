"""The parts of mail that live as long as the program, and what the owner chose about them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from fazt.apps.mail.engine.limits import Gate
from fazt.apps.mail.store.arrive import Arrival, take_arrivals
from fazt.apps.mail.store.deliver import Policy, Taken
from fazt.core.db import Batch

if TYPE_CHECKING:
    from fazt.apps.mail.engine.dns import Names
    from fazt.apps.mail.engine.verdicts import Judge
    from fazt.core import Core


GATHER_S = 0.004
"""What comes in a burst waits so long for its neighbours: a commit writes some 200 KB, however few it is for."""


class Desk:
    """One for the program; made when first asked for, and made anew where a setting that it rests on has changed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.gate = make_gate(core)
        self.arrivals: Batch[Arrival, list[Taken]] = Batch(core.db, take_arrivals, gather_s=GATHER_S)
        """Messages that wait for the disk: what comes while a commit is under way shares the next."""
        self.certificates: dict[str, bytes] = {}
        """Of SNS, by their addresses."""
        for name in GATE_SETTINGS:
            core.settings.watch(name, self._renew_gate)

    @cached_property
    def names(self) -> Names:
        """The resolver."""
        from fazt.apps.mail.engine.dns import Names  # noqa: PLC0415 - dnspython is large; many clouds get no mail

        return Names(self._core.settings.get("mail.dns_servers"))

    @cached_property
    def judge(self) -> Judge:
        """The checks of senders."""
        from fazt.apps.mail.engine.verdicts import Judge  # noqa: PLC0415 - as above

        return Judge(self.names)

    def _renew_gate(self, _value: object) -> None:
        fresh = make_gate(self._core)
        fresh.open = self.gate.open
        self.gate = fresh

    @property
    def policy(self) -> Policy:
        """What counts as ours, as chosen now."""
        settings = self._core.settings
        return Policy(own_domains(self._core), settings.get("mail.catch_all"), settings.get("mail.junk_failures"))

    def close(self) -> None:
        """End the threads."""
        if "judge" in vars(self):
            self.judge.close()


GATE_SETTINGS = (
    "mail.max_connections",
    "mail.max_connections_per_address",
    "mail.max_messages_per_minute",
    "mail.trusted_networks",
)


def make_gate(core: Core) -> Gate:
    """The limits as chosen now."""
    get = core.settings.get
    return Gate(get(GATE_SETTINGS[0]), get(GATE_SETTINGS[1]), get(GATE_SETTINGS[2]), get(GATE_SETTINGS[3]))


def own_domains(core: Core) -> tuple[str, ...]:
    """The domains whose mail is for us, the cloud's own first."""
    return tuple(dict.fromkeys((core.config.domain, *(name.lower() for name in core.settings.get("mail.domains")))))


def get_desk(core: Core) -> Desk:
    """The desk of this program."""
    if Desk not in core.engines:
        core.add(Desk(core))
    return core.get(Desk)
