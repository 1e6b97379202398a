"""Messages on their way to everybody who hears them: a frame is made once, and a listener written to once for a batch.

The price of a message is the system call for each listener, so what comes together goes out together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prometheus_client import Counter

from fazt.apps.pubsub.model.message import Message
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from fazt.apps.pubsub.engine.hub import Hub
    from fazt.apps.pubsub.engine.reader import Reader

DELIVERED = Counter("fazt_pubsub_delivered", "Messages written to listeners.", registry=REGISTRY)


class Spread:
    """Writes messages to listeners, in their order."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._soon: list[Message] = []

    def soon(self, message: Message) -> None:
        """Write it with whatever else this turn of the loop brings."""
        if not self._soon:
            self._hub.loop.call_soon(self._flush)
        self._soon.append(message)

    def _flush(self) -> None:
        messages, self._soon = self._soon, []
        self.all(messages)

    def all(self, messages: Sequence[Message]) -> None:
        """Write these now."""
        if not messages:
            return
        topic = messages[0].topic
        if all(message.topic == topic for message in messages):
            self._same_topic(topic, messages)
        else:
            self._many_topics(messages)

    def _same_topic(self, topic: str, messages: Sequence[Message]) -> None:
        """All who hear one hear all: the bytes of the batch are the same for everybody at a door."""
        fanout = self._hub.fanout(topic)
        joined: dict[str, bytes] = {}
        for reader in tuple(fanout):
            if reader.is_direct:
                form = reader.format
                frames = joined.get(form.name)
                if frames is None:
                    frames = joined[form.name] = b"".join(map(form.message, messages))
                reader.write(frames)
            else:
                for message in messages:
                    reader.take(message)
        DELIVERED.inc(len(fanout) * len(messages))

    def _many_topics(self, messages: Sequence[Message]) -> None:
        """Each hears its own part of the batch."""
        parts: dict[Reader, list[Message]] = {}
        for message in messages:
            for reader in self._hub.fanout(message.topic):
                parts.setdefault(reader, []).append(message)
        for reader, mine in parts.items():
            if reader.is_direct:
                reader.write(b"".join(map(reader.format.message, mine)))
            else:
                for message in mine:
                    reader.take(message)
            DELIVERED.inc(len(mine))
