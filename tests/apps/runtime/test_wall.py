"""The second wall alone: Deno without any rule of its own, which still reaches nothing that is not its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fazt.apps.runtime.engine.launch import build_order, find_deno, spawn

ESCAPED = """
const out = {};
async function attempt(name, work) {
  try { out[name] = "open: " + String(await work()).slice(0, 100); } catch (error) { out[name] = "shut"; }
}
const [home, data] = Deno.args;
await attempt("own code", () => Deno.readTextFile(new URL(import.meta.url)));
await attempt("data", () => Deno.readFile(data));
await attempt("passwd", () => Deno.readTextFile("/etc/passwd"));
await attempt("other code", () => Deno.readTextFile(home + "/../../other/main.js"));
await attempt("list", () => [...Deno.readDirSync("/tmp")].length);
await attempt("write", () => Deno.writeTextFile(home + "/x", "x"));
await attempt("write data", () => Deno.writeTextFile(data, "x"));
await attempt("remove data", () => Deno.remove(data));
await attempt("memory of the program", () => Deno.readFile(`/proc/${Deno.ppid}/mem`));
await attempt("its environment", () => Deno.readTextFile(`/proc/${Deno.ppid}/environ`));
await attempt("shell", () => new Deno.Command("/bin/sh", { args: ["-c", "id"] }).outputSync().code);
await attempt("deno", () => new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync().code);
await attempt("signal", () => Deno.kill(Deno.ppid, "SIGUSR1"));
await attempt("ipv6", () => Deno.listen({ hostname: "::1", port: 0 }));
await attempt("listen", () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
await attempt("ffi", () => Deno.dlopen("libc.so.6", { getppid: { parameters: [], result: "i32" } }).symbols.getppid());
console.log(JSON.stringify(out));
"""


async def run_escaped(folder: Path) -> dict[str, Any]:
    code, home, data = folder / "code", folder / "homes" / "p", folder / "data.db"
    for each in (code, home, folder / "other"):
        each.mkdir(parents=True)
    data.write_text("gold")
    (folder / "other" / "main.js").write_text("gold")
    (code / "main.js").write_text(ESCAPED)
    command = [
        find_deno(),
        "run",
        "-A",
        "--quiet",
        "--no-config",
        "--no-lock",
        str(code / "main.js"),
        str(home),
        str(data),
    ]
    process = await spawn(build_order(command, code / "main.js", home, code, 64))
    assert process.stdout is not None
    said = await process.stdout.read()
    await process.wait()
    assert data.read_text() == "gold"
    found: dict[str, Any] = json.loads(said.decode().strip().splitlines()[-1])
    return found


async def test_code_that_has_escaped_deno_reaches_nothing(tmp_path: Path) -> None:
    found = await run_escaped(tmp_path)
    opened = {name for name, what in found.items() if what != "shut"}
    assert opened == {"own code", "ffi"}, found
