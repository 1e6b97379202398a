"""`fazt dev`: a folder is served as it will be, anew after each change."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.program import SRC, wait_until


def test_a_folder_is_served_and_follows_its_changes(tmp_path: Path) -> None:
    (tmp_path / "main.ts").write_text("const n: number = 1;\nres.send(`<p>version ${n} ${await db.add('seen')}`);")
    (tmp_path / "fazt.json").write_text('{"static": ["a.txt"], "scopes": ["textdb:rw"]}')
    (tmp_path / "a.txt").write_text("a file")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fazt", "dev", str(tmp_path), "--port", str(port)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FAZT_")}
    process = subprocess.Popen(command, env={**kept, "PYTHONPATH": str(SRC)}, stdout=subprocess.PIPE, text=True)

    def look(text: str) -> httpx.Response | None:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=20)
        except httpx.HTTPError:
            return None
        return answer if text in answer.text else None

    try:
        page = wait_until(lambda: look("version 1"), 60)
        assert "EventSource" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/a.txt").text == "a file"
        with httpx.stream("GET", f"http://127.0.0.1:{port}/-/fazt-live", timeout=30) as live:
            lines = live.iter_lines()
            assert next(lines) == ": here"
            (tmp_path / "main.ts").write_text("res.json({ version: 2 })")
            assert "event: reload" in list(lines)
        wait_until(lambda: look('"version":2'), 30)
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
