"""The import contracts of pyproject.toml hold, and each of them fires, for apps that come later too."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT, write_tree

SOUND = {
    "__init__.py": "",
    "cli.py": "import fazt.serve",
    "serve.py": "import fazt.apps",
    "ui/__init__.py": "",
    "core/__init__.py": "",
    "core/http/__init__.py": "",
    "apps/__init__.py": "import fazt.apps.old\nimport fazt.apps.late",
    "apps/old/__init__.py": "",
    "apps/old/model.py": "",
    "apps/late/__init__.py": "",
    "apps/late/model.py": "",
    "apps/late/schema.py": "",
    "apps/late/wire.py": "import fazt.apps.late.model",
    "apps/late/store.py": "import fazt.apps.late.schema\nimport fazt.core",
    "apps/late/engine.py": "import asyncio\nimport fazt.apps.late.store",
    "apps/late/actions.py": "import fazt.apps.late.engine",
    "apps/late/routes.py": "import fazt.apps.late.actions\nimport fazt.core.http",
    "apps/late/pages.py": "import fazt.ui",
}
BROKEN = [
    ("downwards", "core/db.py", "import fazt.apps"),
    ("downwards", "ui/__init__.py", "import fazt.apps.old"),
    ("downwards", "apps/late/routes.py", "import fazt.serve"),
    ("downwards", "serve.py", "import fazt.cli"),
    ("apps-apart", "apps/late/store.py", "import fazt.apps.old.model"),
    ("apps-apart", "apps/old/__init__.py", "import fazt.apps.late"),
    ("inside-an-app", "apps/late/model.py", "import fazt.apps.late.store"),
    ("inside-an-app", "apps/late/store.py", "import fazt.apps.late.engine"),
    ("inside-an-app", "apps/late/pages.py", "import fazt.apps.late.routes"),
    ("inside-an-app", "apps/late/schema.py", "import fazt.apps.late.wire"),
    ("inside-an-app", "apps/late/actions.py", "import fazt.apps.late.jobs"),
    *(
        ("the-middle-is-sync", f"apps/late/{module}.py", f"import {name}")
        for module, name in (
            ("store", "asyncio"),
            ("store", "fazt.core.http"),
            ("schema", "threading"),
            ("wire", "socket"),
            ("wire", "ssl"),
            ("model", "litestar"),
            ("model", "subprocess"),
        )
    ),
]


def check_contracts(tree: Path, *contracts: str) -> str:
    """What lint-imports says about the `fazt` below `tree`; empty when all contracts are kept."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    command += ["--config", str(ROOT / "pyproject.toml")]
    for contract in contracts:
        command += ["--contract", contract]
    environ = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def make_tree(folder: Path, extra: dict[str, str]) -> Path:
    """A small sound `fazt` with `extra` lines in some of its files."""
    files = {**SOUND, "apps/late/jobs.py": "import fazt.apps.late.actions" if not extra else ""}
    for name, line in extra.items():
        files[name] = f"{files.get(name, '')}\n{line}\n"
    return write_tree(folder, {f"fazt/{name}": text for name, text in files.items()})


def test_the_import_contracts_are_kept() -> None:
    assert check_contracts(ROOT / "src") == ""


def test_the_contracts_keep_a_sound_tree(tmp_path: Path) -> None:
    assert check_contracts(make_tree(tmp_path, {})) == ""


@pytest.mark.parametrize(("contract", "module", "line"), BROKEN)
def test_a_forbidden_import_is_refused(tmp_path: Path, contract: str, module: str, line: str) -> None:
    said = check_contracts(make_tree(tmp_path, {module: line}), contract)
    assert "BROKEN" in said, said


def test_there_are_no_exceptions_to_the_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == {contract for contract, _, _ in BROKEN}
    assert [contract["id"] for contract in contracts if "ignore_imports" in contract] == []
