"""A Postfix of the test's own, on loopback: takes mail from anybody here, and passes it on by a table."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from tests.program import wait_until

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
local_recipient_maps =
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtputf8_enable = yes
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_maps = inline:{{ {routes} }}
default_transport = error:5.1.2 nobody knows this domain
smtpd_client_connection_rate_limit = 0
"""


class Postfix:
    """A running instance. `log` is what it has written."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def log(self) -> str:
        """All that it has said."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def is_empty(self) -> bool:
        """Whether nothing waits in its queue."""
        found = subprocess.run(
            ["postqueue", "-c", str(self.folder / "conf"), "-p"], capture_output=True, text=True, check=False
        )
        return "is empty" in found.stdout


@contextmanager
def postfix(routes: dict[str, int]) -> Iterator[Postfix]:
    """Postfix that passes mail for each domain to a port of loopback."""
    folder = Path(mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = folder / "conf"
    conf.mkdir()
    for name in ("queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    table = ", ".join(f"{{{domain} = smtp:[127.0.0.1]:{to}}}" for domain, to in routes.items())
    (conf / "main.cf").write_text(MAIN.format(folder=folder, routes=table))
    (conf / "master.cf").write_text(MASTER.format(port=port))
    environment = {**os.environ, "MAIL_CONFIG": str(conf)}
    started = subprocess.run(
        ["postfix", "-c", str(conf), "start"], capture_output=True, text=True, check=False, env=environment
    )
    running = Postfix(folder, port)
    assert started.returncode == 0, started.stderr + running.log
    try:
        wait_until(lambda: can_connect(port), 20, "Postfix")
        yield running
    finally:
        subprocess.run(["postfix", "-c", str(conf), "stop"], capture_output=True, check=False, env=environment)
        shutil.rmtree(folder, ignore_errors=True)


def can_connect(port: int) -> bool:
    """Whether something listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False
