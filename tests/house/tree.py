"""Reading a tree of source files, without importing it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("src", "tests", "tools", "bench")
VENDOR = "static/vendor/"


def list_python(tree: Path, folders: tuple[str, ...] = CODE) -> Iterator[tuple[str, Path]]:
    """Every Python file below these folders, with its path from the top of the tree."""
    for folder in folders:
        for path in sorted((tree / folder).rglob("*.py")):
            name = path.relative_to(tree).as_posix()
            if "node_modules/" not in name and VENDOR not in name:
                yield name, path


def list_apps(tree: Path) -> list[Path]:
    """The folders of the apps."""
    return sorted(path.parent for path in (tree / "src/fazt/apps").glob("*/__init__.py"))


def list_tracked(tree: Path) -> list[str]:
    """Every file of the project that git knows or would add."""
    command = ["git", "-c", "core.quotepath=off", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if (tree / name).is_file()]


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def write_tree(tree: Path, files: dict[str, str]) -> Path:
    """Make files below `tree` from their texts, for the broken examples."""
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree


def list_functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def call_name(call: ast.Call) -> str:
    """`insert` for `insert(…)` and for `db.insert(…)`; "" for what has no name."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def first_text(call: ast.Call) -> str | None:
    """The first argument of a call, where it is a plain text."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
