"""The front door of code: a request without a body, to a process that runs and has a connection free.

What is whole when it comes is answered at once. All else (an answer in pieces, a process that ends, a time-out) is the
rest of a Relay's work, in a task of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.runtime.engine.answer import Relay, head_of
from fazt.core.errors import TooLarge

if TYPE_CHECKING:
    from fazt.apps.runtime.engine.folders import Code
    from fazt.apps.runtime.engine.functions import Functions
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.http.front import Reply

HAS_BODY = frozenset({b"content-length", b"transfer-encoding"})


def answer_now(functions: Functions, code: Code, scope: Scope, reply: Reply) -> bool:
    """Whether the request was handed on; its answer follows. See core.http.front."""
    if scope["method"] != "GET":
        return False
    for name, _ in scope["headers"]:
        if name in HAS_BODY:
            return False
    run = functions.name_run()
    head = head_of(scope, 0, run)
    found = functions.open_now(code)
    if found is None:
        return False
    process, exchange = found
    exchange.send_now(head, Asked(Relay(functions, process, exchange, code, run), reply).hear)
    return True


class Asked:
    """A request on its way."""

    __slots__ = ("_relay", "_reply")

    def __init__(self, relay: Relay, reply: Reply) -> None:
        self._relay, self._reply = relay, reply

    def hear(self) -> None:
        """There is an answer, or there will be none."""
        relay = self._relay
        if relay.exchange.is_plain:
            try:
                answer = relay.take_whole()
            except TooLarge as error:
                relay.release()
                self._reply.fail(error)
                return
            if answer is not None:
                relay.is_whole = True
                relay.release()
                self._reply.answer(answer)
                return
        self._reply.go_on(self._go_on)

    async def _go_on(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._relay.go_on(receive, send)
        finally:
            self._relay.release()
