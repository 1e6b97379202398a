"""What stands around the cloud in the tests of flows: a web server with a feed, and a push service, on loopback."""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.apps.turn.relays import certificate

FEED = """<?xml version="1.0"?>
<rss version="2.0"><channel><title>News</title>
<item><title>Bread &amp; salt</title><link>https://example.org/1</link><guid>1</guid>
<pubDate>Fri, 27 Nov 2026 10:00:00 GMT</pubDate></item>
<item><title><![CDATA[Second <one>]]></title><link>https://example.org/2</link><guid>2</guid>
<pubDate>Fri, 27 Nov 2026 11:00:00 GMT</pubDate></item>
</channel></rss>"""


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Neighbour:
    """A server of its own thread; `get` is what it answers, `posted` what it was sent."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.get = b""
        self.posted: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(outer.get)))
                self.end_headers()
                self.wfile.write(outer.get)

            def do_POST(self) -> None:
                outer.posted.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(201)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class PushService(Neighbour):
    """A push service, and the browser that subscribed there: it reads what was encrypted for it."""

    def __init__(self, folder: Path) -> None:
        chain, key = certificate()
        self.authority = folder / "push.pem"
        self.authority.write_text(chain)
        (folder / "push-pair.pem").write_text(chain + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "push-pair.pem")
        super().__init__(context)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    def subscription(self) -> dict[str, str]:
        """What the page of notices sends."""
        public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        address = f"https://127.0.0.1:{self.port}/wake/1"
        return {"endpoint": address, "public_key": encode(public), "auth_secret": encode(self._auth)}

    def notices(self) -> list[dict[str, Any]]:
        """What the browser would show."""
        return [
            json.loads(http_ece.decrypt(data, private_key=self._key, auth_secret=self._auth, version="aes128gcm"))
            for data in self.posted
        ]
