"""`fazt drop`: files there and back, through a network that breaks, and encrypted."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner, Result

from fazt.cli import cli
from tests.apps.drops.flaky import FlakyProxy
from tests.program import Program

CHANCE = random.Random(7)


@pytest.fixture(autouse=True)
def own_cache(program: Program, tmp_path: Path) -> None:
    """What the command remembers is the test's own."""
    program.environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")


def run(program: Program, *arguments: str, check: bool = True, text: str = "") -> Result:
    """A command in this process, which is quicker than one of its own."""
    done = CliRunner().invoke(cli, arguments, env=program.environ(), input=text)
    assert not check or done.exit_code == 0, f"{arguments}: {done.output}{done.exception!r}"
    return done


def seen(program: Program, url: str) -> str:
    """The address as it is on this port: a command on the machine itself prints the one of the options."""
    parts = urlsplit(url.strip())
    return f"{program.url}{parts.path}" + (f"#{parts.fragment}" if parts.fragment else "")


def make_folder(folder: Path) -> dict[str, bytes]:
    """A folder with files of telling sizes."""
    sizes = {"empty": 0, "one": 1, "deep/er/65519": 65_519, "deep/65520.bin": 65_520, "deep/large \u00fc": 3_000_001}
    files = {name: CHANCE.randbytes(size) for name, size in sizes.items()}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


@pytest.mark.parametrize("options", [(), ("--encrypt",)])
def test_a_folder_there_and_back(program: Program, tmp_path: Path, options: tuple[str, ...]) -> None:
    files = make_folder(tmp_path / "papers")
    sent = run(program, "drop", str(tmp_path / "papers"), *options, "--title", "Papers", "--expires", "2h")
    url = seen(program, sent.stdout)
    got = run(program, "drop", "get", url, "-o", str(tmp_path / "got"))
    assert len(got.stdout.splitlines()) == len(files)
    for name, data in files.items():
        assert (tmp_path / "got" / "papers" / name).read_bytes() == data
    if options:
        with program.client() as stranger:
            facts = stranger.get(urlsplit(url).path, headers={"accept": "application/json"}).json()
        assert "papers" not in json.dumps(facts)
        assert facts["title"] == ""
        wrong = run(program, "drop", "get", url[:-22] + "A" * 22, "-o", str(tmp_path / "no"), check=False)
        assert wrong.exit_code == 2
        assert "key is wrong" in wrong.stderr


@pytest.mark.parametrize("options", [(), ("--encrypt",)])
def test_a_network_that_breaks(program: Program, tmp_path: Path, options: tuple[str, ...]) -> None:
    data = CHANCE.randbytes(2_000_000)
    (tmp_path / "large.bin").write_bytes(data)
    with program.owner() as owner:
        token = owner.post("/api/v1/tokens", json={"name": "t", "scopes": ["drops:rw"]}).json()["secret"]
    with FlakyProxy(program.port, 1, 100_000, 900_000) as proxy:
        send = ("drop", "send", str(tmp_path / "large.bin"), *options, "--server", proxy.url, "--token", token)
        url = seen(program, run(program, *send).stdout)
        assert proxy.cuts > 1
    with FlakyProxy(program.port, 2, 100_000, 900_000, down=True) as proxy:
        broken = url.replace(program.url, proxy.url)
        run(program, "drop", "get", broken, "-o", str(tmp_path / "got"))
        assert proxy.cuts > 1
    assert (tmp_path / "got").read_bytes() == data


@pytest.mark.parametrize("size", [0, 65_519, 500_000])
def test_a_get_goes_on_with_what_an_earlier_one_left(program: Program, tmp_path: Path, size: int) -> None:
    data = CHANCE.randbytes(size)
    (tmp_path / "a.bin").write_bytes(data)
    for number, options in enumerate(((), ("--encrypt",))):
        url = seen(program, run(program, "drop", "send", str(tmp_path / "a.bin"), *options).stdout)
        for left in {0, size // 2, size}:
            target = tmp_path / f"got-{number}-{left}"
            target.with_name(target.name + ".part").write_bytes(data[:left])
            run(program, "drop", "get", url, "-o", str(target))
            assert target.read_bytes() == data


def test_standard_input_and_output(program: Program, tmp_path: Path) -> None:
    url = seen(program, run(program, "drop", "-", "--encrypt", text="hello").stdout)
    assert run(program, "drop", "get", url, "-o", "-").stdout == "hello"


def test_a_request_is_answered_and_drops_are_looked_after(
    program: Program, owner: httpx.Client, tmp_path: Path
) -> None:
    link = seen(program, run(program, "drop", "request", "Papers", "--types", ".txt").stdout)
    (tmp_path / "a.txt").write_bytes(b"for you")
    (tmp_path / "a.exe").write_bytes(b"not for you")
    assert "arrived" in run(program, "drop", "send", str(tmp_path / "a.txt"), "--request", link).stdout
    refused = run(program, "drop", "send", str(tmp_path / "a.exe"), "--request", link, check=False)
    assert refused.exit_code == 2
    assert ".txt" in refused.stderr
    listed = json.loads(run(program, "drop", "list", "--json").stdout)
    (received,) = [row for row in listed if row["request"]]
    assert owner.get(f"/d/{received['id']}").content == b"for you"
    run(program, "drop", "delete", f"https://anywhere/d/{received['id']}/a.txt")
    assert owner.get(f"/d/{received['id']}").status_code == 404


def test_what_is_there_is_not_overwritten(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"1")
    url = seen(program, run(program, "drop", str(tmp_path / "a.txt")).stdout)
    refused = run(program, "drop", "get", url, "-o", str(tmp_path / "a.txt"), check=False)
    assert refused.exit_code == 2
    assert run(program, "drop", "get", "https://example.org/x", check=False).exit_code == 2
    assert run(program, "drop", "nothing-here", check=False).exit_code == 2


def test_the_program_in_the_guide_decrypts(program: Program, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs/guide/drops.md").read_text()
    code = guide.partition("```python\n")[2].partition("```")[0]
    data = CHANCE.randbytes(200_000)
    (tmp_path / "a \u00fc.bin").write_bytes(data)
    url = seen(program, run(program, "drop", str(tmp_path / "a \u00fc.bin"), "--encrypt").stdout)
    (tmp_path / "out").mkdir()
    subprocess.run([sys.executable, "-c", code, url], cwd=tmp_path / "out", check=True)
    assert (tmp_path / "out" / "a \u00fc.bin").read_bytes() == data
