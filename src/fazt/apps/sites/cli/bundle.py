"""Code of a site on its way up: packages are bundled here, with `deno bundle`, so that the cloud fetches nothing."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from fazt.apps.sites.cli.folder import read_facts
from fazt.apps.sites.model import find_code
from fazt.core.errors import Invalid, Unavailable

Files = dict[str, tuple[str, int]]

CODE = (".js", ".mjs", ".ts", ".mts", ".jsx", ".tsx")
FOREIGN = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](?![./]|node:|data:)([^"'\n]+)["']""")
MAX_READ = 2 << 20


def needs_bundle(folder: Path, files: Files) -> bool:
    """Whether the code imports packages, or something from the Web."""
    code = [path for path, (_, size) in files.items() if path.endswith(CODE) and size <= MAX_READ]
    return any(FOREIGN.search((folder / path).read_text(errors="replace")) for path in code)


def find_deno() -> str:
    """Where Deno is. Raises Unavailable."""
    import shutil  # noqa: PLC0415 - only for who bundles

    with suppress(ImportError, FileNotFoundError):
        from deno import find_deno_bin  # noqa: PLC0415

        return str(find_deno_bin())
    found = shutil.which("deno")
    if found is None:
        raise Unavailable(
            "Bundling packages needs Deno.", hint="`pip install deno` brings it; --no-bundle does without."
        )
    return found


def bundle(folder: Path, files: Files, *, wanted: bool | None) -> tuple[Files, dict[str, Path]]:
    """The files to deploy, and where those lie that are not in `folder`: the bundle in place of the code's sources.

    `wanted` None decides by what the code imports. Raises Invalid with what Deno said.
    """
    entry = find_code(files)
    if not entry or wanted is False or not (wanted or needs_bundle(folder, files)):
        return files, {}
    target = Path(tempfile.mkdtemp(prefix="fazt-bundle-")) / "main.js"
    command = [find_deno(), "bundle", "--quiet", "--platform=deno", "--output", str(target), str(folder / entry)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not target.exists():
        raise Invalid(f"The code could not be bundled:\n{done.stderr.strip()[-3_000:]}")
    kept = {path: facts for path, facts in files.items() if path != entry and not is_source(path)}
    return kept | {"main.js": read_facts(target)}, {"main.js": target}


def is_source(path: str) -> bool:
    """Whether a file is only of use to what was bundled."""
    return path.endswith((".ts", ".mts", ".tsx", ".jsx")) or path in {"package.json", "package-lock.json", "deno.lock"}


def read_scopes(folder: Path, files: Files) -> list[str]:
    """The scopes that the code asks for in its fazt.json; none where there is no code, or the file is wrong."""
    if not find_code(files) or "fazt.json" not in files:
        return []
    with suppress(ValueError, OSError):
        said: Any = json.loads((folder / "fazt.json").read_text())
        scopes = said.get("scopes", []) if isinstance(said, dict) else []
        return [scope for scope in scopes if isinstance(scope, str)] if isinstance(scopes, list) else []
    return []
