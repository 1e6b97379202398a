"""What a client says over its WebSocket: subscribe, unsubscribe, publish, who listens, ping."""

from __future__ import annotations

from typing import Any

import msgspec

from fazt.apps.pubsub import actions
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.engine.reader import Reader
from fazt.apps.pubsub.model.since import NOW, Since, parse_last, parse_since
from fazt.apps.pubsub.routes.call import Call
from fazt.apps.pubsub.routes.listening import check_patterns
from fazt.apps.pubsub.routes.presence import describe_listeners
from fazt.apps.pubsub.wire.asking import MAX_PATTERNS, Item, item_to_publication, parse_patterns
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid, TooLarge

KNOWN = "subscribe, unsubscribe, publish, presence or ping"


class Command(Item, kw_only=True):
    """One line of a client. `ref` comes back with the answer."""

    topic: str = ""
    do: str
    topics: list[str] = msgspec.field(default_factory=list)
    since: str | int = ""
    last: int | None = None
    ref: str | int | None = None
    messages: list[Item] = msgspec.field(default_factory=list)


class Talk:
    """The client of one WebSocket."""

    def __init__(self, call: Call, caller: Caller | None, reader: Reader) -> None:
        self.core = call.core
        self.call = call
        self.caller = caller
        self.reader = reader

    async def hear(self, text: str) -> None:
        """Do what the client says, and answer; what is wrong is said, and the connection stays."""
        ref: Any = None
        try:
            command = msgspec.json.decode(text, type=Command)
            ref = command.ref
            await self._do(command)
        except (msgspec.DecodeError, RecursionError) as error:
            self._refuse(
                Invalid(f"This is no command: {error}", hint='Send {"do": "subscribe", "topics": ["home/#"]}.'), ref
            )
        except FaztError as error:
            self._refuse(error, ref)

    def _refuse(self, error: FaztError, ref: Any) -> None:
        facts = {"kind": error.kind, "message": error.message, "hint": error.hint, **error.details}
        self.say("error", facts, ref)

    def say(self, event: str, facts: dict[str, Any], ref: Any) -> None:
        """An answer."""
        self.reader.notice(event, facts if ref is None else {**facts, "ref": ref})

    async def _do(self, command: Command) -> None:
        match command.do:
            case "subscribe":
                self._subscribe(command)
            case "unsubscribe":
                had = hub_of(self.core).leave(self.reader, self._patterns(command))
                self.say("unsubscribed", {"topics": had}, command.ref)
            case "publish":
                await self._publish(command)
            case "presence":
                hub_of(self.core).rules.check(self.caller, command.topic, "read")
                self.say("presence", describe_listeners(self.core, command.topic), command.ref)
            case "ping":
                self.say("pong", {}, command.ref)
            case _:
                raise Invalid(f"There is no command {command.do[:40]!r}.", hint=f"It is {KNOWN}.")

    def _patterns(self, command: Command) -> list[str]:
        return parse_patterns(",".join([*command.topics, command.topic]))

    def _subscribe(self, command: Command) -> None:
        hub, reader = hub_of(self.core), self.reader
        patterns = self._patterns(command)
        if len(reader.patterns) + len(patterns) > MAX_PATTERNS:
            raise TooLarge(f"One connection hears up to {MAX_PATTERNS} patterns.", limit=MAX_PATTERNS)
        check_patterns(hub, self.call, self.caller, patterns)
        reader.join(
            patterns,
            self._since(command),
            lambda seq: self.say("subscribed", {"topics": patterns, "seq": seq}, command.ref),
        )

    def _since(self, command: Command) -> Since:
        if command.last is not None:
            return parse_last(str(command.last))
        return parse_since(str(command.since), self.core.clock()) if command.since != "" else NOW

    async def _publish(self, command: Command) -> None:
        user_id = self.caller.user_id if self.caller is not None else ""
        items: list[Item] = command.messages or [command]
        most, now = actions.max_message_bytes(self.core), self.core.clock()
        publications = [item_to_publication(one, user_id=user_id, max_bytes=most, now=now) for one in items]
        answers = await actions.publish(self.core, self.caller, publications, visitor=self.call.visitor)
        if command.messages:
            self.say("published", {"receipts": [actions.to_facts(one) for one in answers]}, command.ref)
        elif isinstance(answers[0], FaztError):
            raise answers[0]
        else:
            self.say("published", actions.to_facts(answers[0]), command.ref)
