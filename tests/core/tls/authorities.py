"""Real certificate authorities and name servers for tests: pebble with its DNS, caddy, BIND."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from fazt.core.tls.wire import create_leaf, create_root
from tests.program import wait_until

BIN = Path(sys.executable).parent


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Foreign:
    """A foreign server for the length of a block; what it says is in `log`."""

    def __init__(self, *command: str | Path, port: int, environ: dict[str, str] | None = None) -> None:
        self.command = [str(word) for word in command]
        self.port = port
        self.environ = {**os.environ, **(environ or {})}
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        self.process = subprocess.Popen(
            self.command, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        process = self.process
        try:
            wait_until(lambda: is_open(self.port) or process.poll() is not None, 20)
        except AssertionError:
            self.stop()  # nobody else would: `with` has not begun
            raise
        assert process.poll() is None, self.log

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.lines.extend(process.stdout)
        process.stdout.close()

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Names(Foreign):
    """pebble-challtestsrv as a DNS server: every name leads to `default`, but for what is told otherwise."""

    def __init__(self, default: str = "127.0.0.1") -> None:
        self.dns_port = free_port(socket.SOCK_DGRAM)
        listen = ("-dns01", f"127.0.0.1:{self.dns_port}", "-defaultIPv4", default, "-defaultIPv6", "")
        off = [word for name in ("http01", "https01", "tlsalpn01") for word in (f"-{name}", "")]
        port = free_port()
        super().__init__("pebble-challtestsrv", "-management", f"127.0.0.1:{port}", *listen, *off, port=port)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.dns_port}"

    def tell(self, what: str, **facts: Any) -> None:
        """Change it: `add-a`, `set-servfail`, `set-txt`, `set-default-ipv4`."""
        httpx.post(f"http://127.0.0.1:{self.port}/{what}", json=facts).raise_for_status()

    def asked(self, name: str) -> list[dict[str, Any]]:
        """The DNS questions about a name."""
        answer = httpx.post(f"http://127.0.0.1:{self.port}/dns-request-history", json={"host": name})
        found: list[dict[str, Any]] = answer.json()
        return found


class Pebble(Foreign):
    """A real authority. It looks at `http_port` of names, as `dns` knows them."""

    def __init__(
        self, folder: Path, http_port: int, dns: str, eab: dict[str, str] | None = None, days: int = 90
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = int(time.time() * 1_000)
        root = create_root("pebble", ["localhost"], now)
        chain, key = create_leaf(*root, ["localhost", "127.0.0.1"], now)
        self.roots_file = folder / "roots.pem"
        self.roots_file.write_text(root[0])
        (folder / "chain.pem").write_text(chain)
        (folder / "key.pem").write_text(key)
        port, self.management = free_port(), free_port()
        config = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(folder / "chain.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": http_port,
            "tlsPort": 5001,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": bool(eab),
            "externalAccountMACKeys": eab or {},
            "certificateValidityPeriod": days * 86_400,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        fast = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0"}
        command = ("pebble", "-config", folder / "pebble.json", "-dnsserver", dns)
        self.http_port = http_port
        super().__init__(*command, port=port, environ=fast)

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/dir"

    def root(self) -> str:
        """The root that it issues from, as PEM."""
        trusting = ssl.create_default_context(cafile=self.roots_file)
        return httpx.get(f"https://localhost:{self.management}/roots/0", verify=trusting).text

    def issued(self) -> int:
        """How many certificates it has issued."""
        return self.log.count("Issued certificate serial")


class Caddy(Foreign):
    """Another authority: caddy's acme_server, over HTTPS of its own making."""

    def __init__(self, folder: Path, dns: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        text = (
            f"{{\nadmin off\nauto_https disable_redirects\nskip_install_trust\nstorage file_system {folder}/store\n}}\n"
            f"https://localhost:{port} {{\ntls internal\nacme_server {{\nresolvers {dns}\n}}\n}}\n"
        )
        (folder / "Caddyfile").write_text(text)
        self.folder = folder
        home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        super().__init__(BIN / "caddy", "run", "--config", folder / "Caddyfile", port=port, environ=home)

    @property
    def directory(self) -> str:
        return f"https://localhost:{self.port}/acme/local/directory"

    @property
    def roots_file(self) -> Path:
        return self.folder / "store/pki/authorities/local/root.crt"


@contextmanager
def running(*servers: Foreign) -> Iterator[None]:
    """All of them for the length of a block."""
    started: list[Foreign] = []
    try:
        for server in servers:
            server.start()
            started.append(server)
        yield
    finally:
        for server in reversed(started):
            server.stop()
