"""«Connect a client»: each recipe of each panel is run as it stands there, with the password that the panel made."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from fazt.apps import APPS
from tests.e2e.joplin import Device
from tests.program import SRC, Program, free_port

CONNECTED = [app.name for app in APPS if app.connect is not None]
RECIPE = re.compile(r'data-recipe="(\w+)">.*?<code[^>]*>(.*?)</code>', re.DOTALL)
SECRET = re.compile(r'class="fact made".*?<code[^>]*>(fazt[^<]*)</code>', re.DOTALL)


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud that takes mail from mail programs."""
    folder = tmp_path_factory.mktemp("connect")
    shutil.copy(template_file, folder / "data.db")
    with closing(sqlite3.connect(folder / "data.db")) as data, data:
        row = ("mail.submission_listen", json.dumps(f"127.0.0.1:{free_port()}"), 0)
        data.execute("INSERT INTO core_setting (name, value, changed_at) VALUES (?, ?, ?)", row)
    with Program(folder, "--smtp-listen", "127.0.0.1:0") as program:
        yield program


class Desk:
    """A folder on somebody's machine, with the programs that recipes name."""

    def __init__(self, cloud: Program, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        (bin_folder / "fazt").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fazt "$@"\n')
        (bin_folder / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        for program in bin_folder.iterdir():
            program.chmod(0o755)
        self.environ = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(SRC),
            "RCLONE_CONFIG": str(folder / "rclone.conf"),
            "NODE_NO_WARNINGS": "1",
            "LANG": "C.UTF-8",
        }

    def open_panel(self, app: str) -> tuple[str, dict[str, str]]:
        """Make a password on the panel; it, and the recipes that hold it."""
        with self.cloud.owner() as owner:
            answer = owner.post(f"/connect/{app}", data={"name": "Test"})
        assert answer.status_code == 200, answer.text
        found = SECRET.search(answer.text)
        assert found is not None
        return found[1], {name: unescape(text) for name, text in RECIPE.findall(answer.text)}

    def read_line(self, recipe: str, wanted: str = '"message"') -> str:
        """The first line with this in it that a recipe prints, which then would go on for ever."""
        command = ["bash", "-euc", f"exec {recipe}"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, text=True) as running:
            try:
                assert running.stdout is not None
                return next(line for line in running.stdout if wanted in line)
            finally:
                running.kill()

    def run(self, recipe: str, *, by: str = "bash") -> str:
        """What a recipe prints, run as it is."""
        command = {"bash": ["bash", "-euc"], "python": ["python", "-c"], "node": ["node", "--input-type=module", "-e"]}
        done = subprocess.run(
            [*command[by], recipe],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{recipe}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def desk(cloud: Program, tmp_path: Path) -> Desk:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7")
    return Desk(cloud, tmp_path)


def test_the_drive(desk: Desk) -> None:
    secret, recipes = desk.open_panel("drive")
    assert "1 photos/a.jpg" in desk.run(recipes["rclone"])
    desk.run(recipes["curl"])
    with desk.cloud.client(auth=("owner@example.org", secret)) as client:
        assert client.get("/dav/files/photo.jpg").content == b"photo"
        assert client.get("/api/v1/links").status_code == 403


def test_notes(desk: Desk) -> None:
    _, recipes = desk.open_panel("joplin")
    Device(desk.folder, "notes").run(*(line.split()[1:] for line in recipes["joplin"].splitlines()))  # in one process
    with desk.cloud.owner() as owner:
        assert "Test" in owner.get("/joplin/devices").text
    desk.run(recipes["curl"])
    assert list(desk.folder.glob("*.jex"))


def test_mail(desk: Desk) -> None:
    _, recipes = desk.open_panel("mail")
    desk.run(recipes["swaks"])
    told = json.loads(desk.run(recipes["curl"]))
    assert told["queued"] == []
    assert len(told["local"]) == 1
    with desk.cloud.owner() as owner:
        inbox = owner.get("/api/v1/mail/messages", params={"view": "inbox"}).json()
    assert [message["subject"] for message in inbox] == ["It works", "It works"]


def test_documents(desk: Desk) -> None:
    _, recipes = desk.open_panel("textdb")
    assert desk.run(recipes["curl"]).count("Hello") == 2
    assert "Hello" in desk.run(recipes["javascript"], by="node")
    assert desk.run(recipes["python"], by="python").count("Hello") == 2


def test_topics(desk: Desk) -> None:
    _, recipes = desk.open_panel("pubsub")
    assert json.loads(desk.run(recipes["publish"]))["topic"] == "home/temp"
    assert json.loads(desk.read_line(recipes["listen"]))["topic"] == "home/temp"
    assert "21.5" in desk.run(recipes["fazt"])
    assert json.loads(desk.run(recipes["ntfy"]))["title"] == "Backup"


def test_links(desk: Desk) -> None:
    _, recipes = desk.open_panel("links")
    assert json.loads(desk.run(recipes["curl"]))["slug"] == "hello"
    assert '"shortCode":"hello"' in desk.run(recipes["shlink"]).replace(" ", "")
    assert "hello" in desk.run(recipes["fazt"])
    with desk.cloud.owner() as owner:
        page = owner.get("/links", params={"target": "https://example.com/?a=1&b=<c>"}).text
    assert 'value="https://example.com/?a=1&amp;b=&lt;c&gt;"' in page


def test_drops(desk: Desk) -> None:
    _, recipes = desk.open_panel("drops")
    links = [desk.run(recipes[name]).strip() for name in ("curl", "short")]
    said = desk.run(recipes["fazt"])
    links.append(re.findall(r"http://\S+/d/\S+", said)[0])
    upload = json.loads(recipes["sharex"])
    with httpx.Client() as client:
        files = {upload["FileFormName"]: ("shot.png", b"%PDF-1.7")}
        links.append(client.post(upload["RequestURL"], headers=upload["Headers"], files=files).text.strip())
        assert [client.get(link).content for link in links] == [b"%PDF-1.7"] * 4
        assert client.get(links[1]).status_code == 404


def test_pads(desk: Desk) -> None:
    (desk.folder / "report.md").write_text("# Report\n")
    (desk.folder / "todo.md").write_text("- bread\n")
    _, recipes = desk.open_panel("pads")
    assert desk.run(recipes["curl"]).endswith("# Report\n- milk")
    assert "- milk" in desk.read_line(recipes["follow"], "data: ")
    desk.run(f"{recipes['fazt']} --once")
    with desk.cloud.owner() as owner:
        assert owner.get("/pad/todo").text == "- bread\n"
    editor = Path(__file__).parent / "node_modules" / ".recipe.mjs"  # beside the packages that it asks for
    editor.write_text(recipes["javascript"])
    try:
        assert "- milk" in desk.read_line(f"node --experimental-websocket {editor}", "milk")
    finally:
        editor.unlink()


def test_sites_and_functions(desk: Desk) -> None:
    (desk.folder / "public").mkdir()
    (desk.folder / "public" / "index.html").write_text("<h1>Mine</h1>")
    (desk.folder / "hello").mkdir()
    (desk.folder / "hello" / "main.js").write_text("export default { fetch: () => new Response('Hi') };")
    _, sites = desk.open_panel("sites")
    secret, functions = desk.open_panel("runtime")
    for recipe in (sites["fazt"], sites["curl"], f"FAZT_TOKEN={secret}\n{sites['ci']}", sites["windows"]):
        desk.run(recipe.replace("curl.exe", "curl"))
        assert ask(desk.cloud, "blog").text == "<h1>Mine</h1>"
    for recipe in (functions["curl"], functions["fazt"]):
        desk.run(recipe)
        assert ask(desk.cloud, "hello").text == "Hi"


def ask(cloud: Program, site: str) -> httpx.Response:
    """A visitor's request."""
    with cloud.client() as client:
        return client.get("/", headers={"host": f"{site}.localhost"})


def test_calls_without_a_relay_say_so(desk: Desk) -> None:
    _, recipes = desk.open_panel("turn")
    told: Any = json.loads(desk.run(recipes["curl"]))
    assert told["status"] == 503


@pytest.mark.parametrize("app", CONNECTED)
def test_every_panel_has_steps_for_every_system_and_ends_what_it_made(desk: Desk, app: str) -> None:
    secret, _ = desk.open_panel(app)
    listed = next(one for one in APPS if one.name == app)
    with desk.cloud.owner() as owner:
        page = owner.get(f"/connect/{app}").text
        for system in ("Windows", "macOS", "Linux", "iPhone and iPad", "Android"):
            assert re.search(f'class="strong">[^<]*({system}|Everywhere)', page), system
        assert secret not in page
        assert 'id="connect"' in owner.get(listed.path, follow_redirects=True).text
        made = owner.get("/api/v1/tokens").json()[0]
        assert listed.connect is not None
        assert (made["name"], set(made["scopes"])) == ("Test", set(listed.connect.scopes))
        assert owner.post(f"/connect/{app}/end", data={"id": made["id"]}).status_code == 303
        assert made["id"] not in {one["id"] for one in owner.get("/api/v1/tokens").json()}
    with desk.cloud.client(headers={"authorization": f"Bearer {secret}"}) as client:
        assert client.get("/api/v1/me").status_code == 401
