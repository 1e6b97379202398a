"""An HTTP client that looks at where a name leads before it goes there, at every redirect again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from fazt.core.errors import Forbidden, Invalid, TooLarge, Unavailable
from fazt.core.outbound.model import Allowed, is_public

if TYPE_CHECKING:
    from fazt.core import Core

USER_AGENT = "fazt"
MAX_REDIRECTS = 5


async def check_destination(core: Core, host: str, port: int) -> str:
    """The address to connect to for `host`. Raises Forbidden where that is not public, Unavailable for unknown names.

    Every address of the name has to be public, so that a name with two faces is refused at once.
    """
    allowed = Allowed.parse(core.settings.get("outbound.allow"))
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The name {host} leads nowhere.") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not allowed.has_host(host):
        domain = core.config.domain
        if host == domain or host.endswith(f".{domain}"):
            raise Forbidden(f"{host} is this cloud itself.", hint="The owner may allow it in outbound.allow.")
        for address in addresses:
            if not allowed.has_address(address) and (not is_public(address) or is_own(address)):
                raise Forbidden(
                    f"{host} leads to a private address, which may not be reached from here.",
                    hint="The owner may allow it in outbound.allow.",
                )
    return addresses[0]


def is_own(address: str) -> bool:
    """Whether this machine has this address: only its own can be bound to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


class Guarded(httpx.AsyncBaseTransport):
    """Connects to addresses that were looked at, with the name kept for TLS and the Host header."""

    def __init__(self, core: Core, max_bytes: int, timeout_s: float) -> None:
        # no connection is used twice: one address may serve several names, each with a certificate of its own
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._core = core
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. Raises Invalid, Forbidden and Unavailable besides httpx's own errors."""
        url = request.url
        if url.scheme not in {"http", "https"} or not url.host:
            raise Invalid(f"{url} is no address of the Web.")
        address = await check_destination(self._core, url.host, url.port or (443 if url.scheme == "https" else 80))
        inner = httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        response = await self._inner.handle_async_request(inner)
        response.stream = Measured(response.stream, self._max_bytes, self._timeout_s)
        return response

    async def aclose(self) -> None:
        """See httpx."""
        await self._inner.aclose()


class Measured(httpx.AsyncByteStream):
    """A body that ends in TooLarge or Unavailable where it grows too large or takes too long."""

    def __init__(self, inner: object, max_bytes: int, timeout_s: float) -> None:
        assert isinstance(inner, httpx.AsyncByteStream)
        self._inner = inner
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces as they come."""
        loop = asyncio.get_running_loop()
        end, size = loop.time() + self._timeout_s, 0
        async for piece in self._inner:
            size += len(piece)
            if size > self._max_bytes:
                raise TooLarge(f"The answer has more than {self._max_bytes} bytes.", max_bytes=self._max_bytes)
            if loop.time() > end:
                raise Unavailable(f"The answer took longer than {self._timeout_s:g} s.")
            yield piece

    async def aclose(self) -> None:
        """See httpx."""
        await self._inner.aclose()


@asynccontextmanager
async def open_client(
    core: Core, *, max_bytes: int = 10_000_000, timeout_s: float = 10.0, follow_redirects: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for addresses that a stranger named: public ones only, unless the owner allows more.

    `timeout_s` holds for connecting, for each pause, and for a whole body; bodies end at `max_bytes`. Requests
    raise Forbidden (a private address), Invalid (no address of the Web), TooLarge, Unavailable, and httpx.HTTPError.
    """
    async with httpx.AsyncClient(
        transport=Guarded(core, max_bytes, timeout_s),
        timeout=timeout_s,
        follow_redirects=follow_redirects,
        max_redirects=MAX_REDIRECTS,
        headers={"user-agent": USER_AGENT},
        trust_env=False,
    ) as client:
        yield client
