"""Where code may connect to: nowhere on this machine or beside it, in whatever way it tries."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.apps.runtime.conftest import Cloud, attempts

HOSTS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0.0.0.0",
    "0",
    "localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[fd00::1]",
    "[fe80::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "neighbour.localhost",
    socket.gethostname(),  # a name that leads to loopback
    socket.gethostbyname(socket.gethostname()),
]


class Inner(BaseHTTPRequestHandler):
    """A service on this machine that no code may reach."""

    def do_GET(self) -> None:
        """Say that it was reached, or send on."""
        self.send_response(302 if self.path == "/go" else 200)
        if self.path == "/go":
            self.send_header("location", "http://169.254.169.254/latest/meta-data/")
        self.end_headers()
        self.wfile.write(b"REACHED")

    def log_message(self, *_arguments: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def inner() -> Iterator[int]:
    """The port of a service on loopback."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), Inner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def ways_to(inner: int) -> dict[str, str]:
    """Code that tries to reach the service, by each notation and by each interface."""
    works = {f"fetch {host}": f"return (await fetch('http://{host}:{inner}/')).text()" for host in HOSTS}
    return works | {
        "connect": f"return Deno.connect({{ hostname: 'localhost', port: {inner} }})",
        "connect name": f"return Deno.connect({{ hostname: '{socket.gethostname()}', port: {inner} }})",
        "tls": f"return Deno.connectTls({{ hostname: '{socket.gethostname()}', port: {inner} }})",
        "websocket": f"return socket((yes, no) => {{ const w = new WebSocket('ws://{socket.gethostname()}:{inner}/');"
        "w.onopen = () => yes(1); w.onerror = (e) => no(e.message) })",
        "node": f"const net = await import('node:net'); return socket((yes, no) => net.connect({inner}, 'localhost')"
        ".on('connect', yes).on('error', no))",
        "node http": f"const http = await import('node:http'); return socket((yes, no) => http.get("
        f"'http://{socket.gethostname()}:{inner}/', yes).on('error', no))",
        "client": f"const client = Deno.createHttpClient({{ proxy: {{ url: 'http://127.0.0.1:{inner}' }} }});"
        "return (await fetch('http://example.com/', { client })).text()",
        "listen": "return Deno.listen({ port: 0 })",
        "serve": "return Deno.serve({ port: 0 }, () => new Response()).addr",
        "dns": f"return Deno.resolveDns('a.com', 'A', {{ nameServer: {{ ipAddr: '127.0.0.1', port: {inner} }} }})",
    }


def test_no_form_of_a_private_address_is_reached(cloud: Cloud, inner: int) -> None:
    works = ways_to(inner)
    found = attempts(cloud, "reacher", works)
    assert {name: what for name, what in found.items() if "open" in what} == {}
    assert len(found) == len(works)


def test_a_redirect_to_a_private_address_is_not_followed(cloud: Cloud, inner: int) -> None:
    name = socket.gethostname()
    allowed = socket.gethostbyname(name)
    if allowed.startswith("127."):
        allowed = "127.0.0.77"  # this host alone is let through, and sends on to the metadata service
    cloud.owner.put("/api/v1/settings/outbound.allow", json={"value": [f"{allowed}/32"]})
    works = {
        "allowed": f"return (await fetch('http://{allowed}:{inner}/')).text()",
        "redirected": f"return (await fetch('http://{allowed}:{inner}/go')).text()",
        "neighbour": f"return (await fetch('http://127.0.0.78:{inner}/')).text()",
    }
    found = attempts(cloud, "redirected", works)
    cloud.owner.delete("/api/v1/settings/outbound.allow")
    assert found["allowed"] == {"open": "REACHED"}
    assert "169.254.169.254" in found["redirected"]["shut"]
    assert "shut" in found["neighbour"]
    again = attempts(cloud, "redirected", works)
    assert "shut" in again["allowed"]


def test_fetches_are_counted_and_measured(cloud: Cloud, inner: int) -> None:
    address = "127.0.0.79"
    cloud.owner.put("/api/v1/settings/outbound.allow", json={"value": [f"{address}/32"]})
    cloud.code(
        "asker",
        f"""
  let done = 0;
  try {{ for (; done < 10; done++) await (await fetch("http://{address}:{inner}/")).text(); }}
  catch (error) {{ return Response.json([done, error.message]); }}""",
        scopes=[],
    )
    cloud.limit("asker", fetches=3)
    done, message = cloud.ask("asker").json()
    cloud.owner.delete("/api/v1/settings/outbound.allow")
    assert done == 3
    assert "runtime.fetches" in message
