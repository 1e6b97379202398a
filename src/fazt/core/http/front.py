"""The front door: what is asked most is answered as soon as its head has come, without a task and without ASGI.

An endpoint puts a plain function beside itself: `Mount(…, front=answer_now)`, or for whole hosts `front_host` beside
`find_host` in its routes. `answer_now(core, scope, reply)` is called on the loop for GET and HEAD, with the scope that
the endpoint would get. It answers with `reply.answer(…)` or `reply.fail(error)`, and returns True; or it does neither,
returns False, and the request goes the general way as if there were no front. So it takes the plain case only: no
body, no I/O, some microseconds. It may also keep `reply`, return True, and answer later on the loop, e.g. when a Batch
has written what the answer promises; until then the connection's next requests wait. An endpoint whose reads do not
wait needs no front of its own: `front=partial(begin, answer)`, of core.http.eager, runs it as it is.

`Mount(…, front_post=…)` and `front_put` are the same for POST and PUT: called when a short body has come as a whole,
as `reply.body`.

Which answer is given has to be decided by the code that the endpoint uses, too, and a test compares both doors.
What else an answer needs is seen to here: security headers, HSTS, the way to HTTPS, proxies, errors, figures.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HEADER_VALUE_RE, STATUS_LINE

from fazt.core.app import Receive, Scope, Send
from fazt.core.http.held import COPIED
from fazt.core.http.messages import Answer, Header, measure
from fazt.core.log import get_logger
from fazt.core.metrics import CODE_CLASSES, count_request

if TYPE_CHECKING:
    from fazt.core.http.protocol import LimitedProtocol
    from fazt.core.http.root import Root

METHODS = frozenset({"GET", "HEAD", "POST", "PUT"})
WITH_BODY = frozenset({"POST", "PUT"})
SHORT = 60_000
"""Bytes of a body that is waited for before its request is begun; uvicorn stops reading a little above."""

SLOW = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""Headers of requests whose body may be long in coming, or none."""

log = get_logger(__name__)


class Reply:
    """The answer that one request is owed. To be used on the loop, once."""

    __slots__ = ("_added", "_cycle", "_kind", "_protocol", "_root")

    def __init__(self, protocol: LimitedProtocol, cycle: Any) -> None:
        self._protocol = protocol
        self._cycle = cycle
        self._root: Root | None = None
        self._kind = ""
        self._added: tuple[Header, ...] = ()

    def begin(self, root: Root, kind: str, added: tuple[Header, ...]) -> None:
        """As which kind of request this is counted, and which headers the answer is given besides its own."""
        self._root, self._kind, self._added = root, kind, added

    def with_body(self, front: Callable[[], bool]) -> bool:
        """Run a front when the whole body has come; whether it takes the request, or may yet. False for long bodies."""
        cycle = self._cycle
        if not is_short(cycle):
            return False
        if not cycle.more_body:
            return front()
        self._protocol.awaited = partial(self._take_body, front)
        return True

    def _take_body(self, front: Callable[[], bool]) -> None:
        if not front():
            self.pass_on()

    def pass_on(self) -> None:
        """Have the general way answer, from the start: for a front that took a request and finds that it cannot."""
        self._protocol.start_task(self._cycle, self._protocol.app)

    @property
    def body(self) -> bytes:
        """The whole body, in a `front_post` or `front_put`."""
        return bytes(self._cycle.body)

    def answer(self, answer: Answer) -> None:
        """Send a whole answer; nothing, where the client has gone meanwhile. Header names are in small letters."""
        cycle = self._cycle
        try:
            said = encode(answer, self._added, self._protocol.server_state.default_headers, cycle)
        except RuntimeError as error:
            self.fail(error)
            return
        count_request(self._kind, CODE_CLASSES[answer.status // 100])
        if not cycle.disconnected:
            self._protocol.finish(cycle, *said)

    def say(self, status: int, head: bytes, body: bytes) -> None:
        """As `answer`, with headers that are lines already, Content-Length among them.

        There is nothing in them that came from outside, and none of those that every answer is given. The status
        is one that has a body.
        """
        cycle = self._cycle
        lines = [STATUS_LINE[status]]
        for name, value in self._protocol.server_state.default_headers:
            lines += (name, b": ", value, b"\r\n")
        lines += (head, encode_known(self._added)[1], b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        if cycle.scope["method"] == "HEAD":
            body = b""
        if len(body) <= COPIED:
            lines.append(body)
            body = b""
        count_request(self._kind, CODE_CLASSES[status // 100])
        if not cycle.disconnected:
            self._protocol.finish(cycle, b"".join(lines), body)

    @property
    def receive(self) -> Receive:
        """See ASGI 3."""
        receive: Receive = self._cycle.receive
        return receive

    def fail(self, error: Exception) -> None:
        """Answer as the general way does when `error` is raised there."""
        if self._cycle.response_complete:
            log.error("a request failed after its answer", exc_info=error)
            return

        async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise error

        self.go_on(fail)

    def go_on(self, answer: Callable[[Scope, Receive, Send], Awaitable[None]], context: Context | None = None) -> None:
        """Have `answer` answer, in a task and by ASGI, as the general way would."""
        assert self._root is not None, "begin comes first"
        guarded = self._root.guarded(answer, self._kind, self._added)
        self._protocol.start_task(self._cycle, guarded, context)


def is_short(cycle: Any) -> bool:
    """Whether the body of a request is announced as a short one."""
    size = -1
    for name, value in cycle.scope["headers"]:
        if name in SLOW:
            return False
        if name == b"content-length" and value.isdigit() and len(value) < 6:
            size = int(value)
    return 0 <= size <= SHORT


def encode(answer: Answer, added: tuple[Header, ...], default: list[Header], cycle: Any) -> tuple[bytes, bytes]:
    """An answer as its bytes, the same that uvicorn makes of its messages. Raises RuntimeError where it is none.

    A large body is apart and as it was given: however many read it slowly, there is one in memory.
    """
    status, headers, body = answer
    is_head = cycle.scope["method"] == "HEAD"
    lines = [STATUS_LINE[status]]
    for name, value in default:
        lines += (name, b": ", value, b"\r\n")
    headers = measure(status, headers, body)
    present, block, length = encode_known(headers) if isinstance(headers, tuple) else encode_headers(headers)
    if length is not None and length != len(body) and not is_head:
        raise RuntimeError("The body is not as long as Content-Length says.")
    lines.append(block)
    if added:
        names, block, _ = encode_known(added)
        if not names.isdisjoint(present):
            _, block, _ = encode_headers([pair for pair in added if pair[0] not in present])
        lines.append(block)
    lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
    if is_head:
        body = b""
    if len(body) <= COPIED:
        lines.append(body)
        body = b""
    return b"".join(lines), body


def encode_headers(headers: Iterable[Header]) -> tuple[frozenset[bytes], bytes, int | None]:
    """The names of headers, their lines, and what Content-Length says. Raises RuntimeError for what is no header."""
    lines: list[bytes] = []
    length = None
    for name, value in headers:
        if HEADER_VALUE_RE.search(value):
            raise RuntimeError("Invalid HTTP header value.")
        if name == b"content-length":
            length = int(value)
        lines += (name, b": ", value, b"\r\n")
    return frozenset(lines[::4]), b"".join(lines), length


encode_known = lru_cache(maxsize=64)(encode_headers)
"""The same for headers that many answers have, which come as tuples."""
