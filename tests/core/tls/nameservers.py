"""A real name server that takes updates (BIND), and stand-ins for the APIs of two others."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.core.tls.authorities import Foreign, free_port

CONFIG = """
options {{
  directory "{folder}"; pid-file none; session-keyfile none; managed-keys-directory "{folder}";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no;
}};
controls {{ }};
key "fazt" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "example.org" {{ type primary; file "{folder}/zone"; allow-update {{ key "fazt"; }}; }};
"""
ZONE = """$TTL 60
@ IN SOA ns.example.org. me.example.org. 1 60 60 3600 60
@ IN NS ns.example.org.
* IN A 127.0.0.1
ns IN A 127.0.0.1
"""


class Bind(Foreign):
    """Primary server of example.org, changed by who has `key` (as tls.rfc2136_key wants it)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        secret = base64.b64encode(os.urandom(32)).decode()
        self.key = f"fazt:hmac-sha256:{secret}"
        port = free_port()
        (folder / "named.conf").write_text(CONFIG.format(folder=folder, port=port, secret=secret))
        (folder / "zone").write_text(ZONE)
        super().__init__("/usr/sbin/named", "-g", "-c", folder / "named.conf", port=port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class Api(BaseHTTPRequestHandler):
    """Answers as `server.answer(method, path, headers, body)` says."""

    server: Any

    def do_GET(self) -> None:
        size = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(size) or b"null")
        status, answer = self.server.answer(self.command, self.path, self.headers, body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_DELETE = do_GET  # noqa: N815 - as above

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def api(answer: Any) -> Iterator[str]:
    """A little HTTP API on loopback for the length of a block; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.answer = answer  # type: ignore[attr-defined] # see Api
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
