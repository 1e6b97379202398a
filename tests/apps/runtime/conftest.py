"""A cloud with code on it: deploy a few files, ask the site, read its log."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from fazt.cli import cli
from tests.program import Program, wait_until


class Cloud:
    """The program, seen by who writes code for it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.owner = program.owner()
        self.visitor = program.client()

    def close(self) -> None:
        """Close the connections."""
        self.owner.close()
        self.visitor.close()

    def deploy(self, site: str, files: Mapping[str, str | bytes], **manifest: Any) -> None:
        """Put files up as the next version of a site; `manifest` is its fazt.json."""
        named = {**files, "fazt.json": json.dumps(manifest)} if manifest else files
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, content in named.items():
                data = content.encode() if isinstance(content, str) else content
                info = tarfile.TarInfo(path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        answer = self.owner.put(f"/api/v1/sites/{site}", content=buffer.getvalue())
        assert answer.status_code == 200, answer.text
        if manifest:
            version = answer.json()["version"]["number"]
            wait_until(lambda: self.show(site)["function"]["version"] == version, what="the new fazt.json")

    def code(self, site: str, body: str, **manifest: Any) -> None:
        """Deploy a site whose fetch() is this body."""
        self.deploy(
            site, {"main.js": f"export default {{ async fetch(request, env, ctx) {{\n{body}\n}} }};"}, **manifest
        )

    def ask(self, site: str, path: str = "/", method: str = "GET", **options: Any) -> httpx.Response:
        """A visitor's request."""
        headers = {"host": f"{site}.localhost", **options.pop("headers", {})}
        return self.visitor.request(method, path, headers=headers, **options)

    def show(self, site: str) -> Any:
        """What the API says of a site's code."""
        answer = self.owner.get(f"/api/v1/functions/{site}")
        return answer.json() if answer.status_code == 200 else {"function": {"version": 0}}

    def log(self, site: str) -> str:
        """All of a site's log that is written by now."""
        lines = self.owner.get(f"/api/v1/functions/{site}/logs", params={"limit": 1000}).json()
        return "\n".join(f"{line['level']} {line['text']}" for line in lines)

    def wait_for_log(self, site: str, text: str) -> str:
        """The log, once it holds `text`."""
        return str(wait_until(lambda: text in (said := self.log(site)) and said, what=f"{text!r} in the log"))

    def runs(self, site: str) -> list[dict[str, Any]]:
        """The runs of a site, newest first."""
        found: list[dict[str, Any]] = self.owner.get(f"/api/v1/functions/{site}/runs").json()
        return found

    def limit(self, site: str, **limits: float) -> None:
        """Set limits of a site."""
        answer = self.owner.put(f"/api/v1/functions/{site}/limits", json=limits)
        assert answer.status_code == 200, answer.text

    def run(self, *arguments: str, check: bool = True, typed: str = "") -> Result:
        """A command of `fazt`, in this process, on the running program."""
        done = CliRunner().invoke(cli, arguments, input=typed, env={"FAZT_DATA": str(self.program.data)})
        assert not check or done.exit_code == 0, f"{arguments}: {done.output}"
        return done

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a script function of the program, by a site that may."""
        answer = self.ask("caller", "/", "POST", json={"name": function, "given": arguments})
        return answer.json()


CALLER = """
export default { async fetch(request) {
  const { name, given } = await request.json();
  const call = name.split(".").reduce((at, part) => at[part], fazt);
  try { return Response.json({ value: await call(given) }); }
  catch (error) { return Response.json({ kind: error.kind, message: error.message, hint: error.hint }); }
} };
"""


@pytest.fixture(scope="session")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One program for all tests of the app, with a site `caller` that may call everything."""
    folder = tmp_path_factory.mktemp("runtime")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        clouded = Cloud(program)
        yield clouded
        clouded.close()


@pytest.fixture(scope="session")
def caller(cloud: Cloud) -> Callable[..., Any]:
    """`Cloud.call`, with the site that does it in place."""
    scopes = ["runtime:call", "runtime:read", "sites:read", "textdb:rw"]
    cloud.deploy("caller", {"main.js": CALLER}, scopes=scopes)
    assert cloud.owner.put("/api/v1/functions/caller/scopes", json={"scopes": scopes}).status_code == 200
    return cloud.call


ATTEMPTS = """
async function attempt(work) {
  try { return { open: String(await work()).slice(0, 200) }; }
  catch (error) { return { shut: String(error).slice(0, 200) }; }
}
const socket = (open) => new Promise((resolve, reject) => { open(resolve, reject); });
"""


def attempts(cloud: Cloud, site: str, works: dict[str, str]) -> dict[str, dict[str, str]]:
    """Run pieces of code, each by itself; what came of them."""
    lines = "".join(f"out[{name!r}] = await attempt(async () => {{ {work} }});\n" for name, work in works.items())
    cloud.deploy(
        site,
        {
            "main.js": f"{ATTEMPTS}\nexport default {{ async fetch() {{ const out = {{}};\n{lines}\n"
            "return Response.json(out); } };"
        },
    )
    found: dict[str, dict[str, str]] = cloud.ask(site).json()
    return found
