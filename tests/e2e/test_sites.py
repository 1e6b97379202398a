"""The main job: a person deploys real web sites from the command line, and they are served byte for byte."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import brotli
import httpx
import pytest

from tests.postgres import Cluster
from tests.program import Program

ROOT = Path(__file__).parents[2]
MODULES = Path(__file__).parent / "node_modules"
HELLO = ROOT / "examples" / "hello"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def list_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("package", ["swagger-ui-dist", "reveal.js", "bootstrap-icons"])
def test_every_byte_of_a_real_site(cloud: Program, package: str) -> None:
    folder = MODULES / package
    name = package.replace(".", "-")
    assert folder.is_dir(), "run npm install in tests/e2e"
    said = cloud.run("deploy", str(folder), "--name", name).stdout
    files = list_files(folder)
    assert f"{len(files)} files" in said
    with cloud.client(headers={"host": f"{name}.localhost", "accept-encoding": "identity"}) as plain:
        for path, data in files.items():
            answer = plain.get("/" + quote(path))
            assert (answer.status_code, answer.content) == (200, data), path
    with cloud.client(headers={"host": f"{name}.localhost", "accept-encoding": "br"}) as packed:
        for path, data in list(files.items())[:200]:
            with packed.stream("GET", "/" + quote(path)) as answer:
                raw = b"".join(answer.iter_raw())
            assert (brotli.decompress(raw) if "content-encoding" in answer.headers else raw) == data, path


def test_only_changed_files_travel(cloud: Program, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(HELLO, site)
    first = json.loads(cloud.run("deploy", str(site), "--name", "hello", "--json").stdout)
    assert (first["version"]["number"], first["sent_files"]) == (1, len(list_files(HELLO)))
    (site / "about.html").write_text("changed")
    (site / ".env").write_text("SECRET=1")
    (site / "node_modules").mkdir()
    (site / "node_modules" / "x.js").write_text("x")
    second = json.loads(cloud.run("deploy", str(site), "--name", "hello", "--json").stdout)
    assert (second["version"]["number"], second["sent_files"], second["version"]["changed_files"]) == (2, 1, 1)
    again = cloud.run("deploy", str(site), "--name", "hello").stdout
    assert "up to date" in again
    with cloud.client(headers={"host": "hello.localhost"}) as visitor:
        assert visitor.get("/about").text == "changed"
        assert visitor.get("/.env").status_code == 404
        assert visitor.get("/start").headers["location"] == "/"
        assert visitor.get("/").headers["x-frame-options"] == "SAMEORIGIN"
    assert "version 1" in cloud.run("sites", "rollback", "hello").stdout
    with cloud.client(headers={"host": "hello.localhost"}) as visitor:
        assert "About" in visitor.get("/about").text


def test_commands(cloud: Program, tmp_path: Path) -> None:
    site = tmp_path / "shop"
    site.mkdir()
    (site / "index.html").write_text("shop")
    cloud.run("deploy", str(site))
    assert "shop.localhost" in cloud.run("sites", "list").stdout
    assert cloud.run("sites", "domain", "shop", "--add", "shop.example").stdout.strip() == "shop.example"
    assert "spa: True" in cloud.run("sites", "set", "shop", "--spa").stdout
    assert "protected" in cloud.run("sites", "password", "shop", input="open sesame\n").stdout
    with cloud.client(headers={"host": "shop.example"}) as visitor:
        assert visitor.get("/").status_code == 401
        assert visitor.get("/", auth=("", "open sesame")).text == "shop"
    assert "open" in cloud.run("sites", "password", "shop", "--off").stdout
    cloud.run("sites", "rename", "shop", "store")
    cloud.run("sites", "delete", "store")
    assert "store" in cloud.run("sites", "list", "--deleted").stdout
    cloud.run("sites", "restore", "store")
    versions = json.loads(cloud.run("sites", "versions", "store", "--json").stdout)
    assert [version["number"] for version in versions] == [1]
    assert cloud.run("sites", "prune", "store", "--keep", "1").stdout.startswith("0 versions")
    refused = cloud.run("deploy", str(tmp_path / "shop"), "--name", "not a name", check=False)
    assert (refused.returncode, "cannot be the name" in refused.stderr) == (2, True)
    cloud.run("sites", "delete", "store", "--forever", "--yes")
    assert cloud.run("sites", "restore", "store", check=False).returncode == 4


def test_links_out_of_the_folder_are_refused(cloud: Program, tmp_path: Path) -> None:
    site = tmp_path / "linked"
    site.mkdir()
    (site / "index.html").write_text("x")
    (site / "passwd").symlink_to("/etc/passwd")
    refused = cloud.run("deploy", str(site), check=False)
    assert refused.returncode == 2
    assert "is a link to /etc/passwd" in refused.stderr
    (site / ".faztignore").write_text("passwd\n")
    assert cloud.run("deploy", str(site)).returncode == 0


def test_deploying_with_a_token_from_elsewhere(cloud: Program, tmp_path: Path) -> None:
    token = cloud.run("token", "create", "ci", "--scope", "sites:rw").stdout.strip()
    elsewhere = Program(tmp_path / "elsewhere")
    done = elsewhere.run("deploy", str(HELLO), "--name", "remote", "--server", cloud.url, "--token", token)
    assert f"http://remote.localhost:{cloud.port} shows version 1" in done.stdout
    refused = elsewhere.run("deploy", str(HELLO), "--name", "remote", "--server", cloud.url, check=False)
    assert refused.returncode == 3


def test_deploying_while_no_server_runs(tmp_path: Path) -> None:
    cloud = Program(tmp_path)
    with cloud:
        pass
    cloud.run("deploy", str(HELLO), "--name", "quiet")
    with cloud, cloud.client(headers={"host": "quiet.localhost"}) as visitor:
        assert "<h1>Hello</h1>" in visitor.get("/").text


def test_the_same_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    with Program(tmp_path, FAZT_DATABASE_URL=cluster.create_database()) as program:
        program.run("deploy", str(MODULES / "reveal.js"), "--name", "slides")
        program.run("deploy", str(HELLO), "--name", "slides")
        program.run("sites", "rollback", "slides")
        with program.client(headers={"host": "slides.localhost", "accept-encoding": "identity"}) as visitor:
            for path, data in list_files(MODULES / "reveal.js").items():
                assert visitor.get("/" + quote(path)).content == data, path


def test_chromium_shows_it(cloud: Program, tmp_path: Path) -> None:
    cloud.run("deploy", str(HELLO), "--name", "shown")
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's package chromium"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", f"--user-data-dir={tmp_path}"]
    url = f"http://shown.localhost:{cloud.port}/"
    done = subprocess.run([chromium, *flags, "--dump-dom", url], capture_output=True, text=True, timeout=90, check=True)
    assert "<h1>Hello</h1>" in done.stdout
    assert re.search(r'id="time"[^>]*>It is ', done.stdout), "the site's own script has run"


def test_a_stranger_on_the_dashboards_host_sees_no_site(cloud: Program) -> None:
    with httpx.Client(base_url=cloud.url, headers={"host": "nobody.localhost"}) as visitor:
        assert visitor.get("/").status_code == 404
