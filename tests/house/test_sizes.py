"""Small files, short functions, one-line module docstrings, and a reason beside every exception."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.rims import RIMS
from tests.house.tree import ROOT, VENDOR, list_functions, list_python, list_tracked, parse, write_tree

MAX_LINES = 400
MAX_FUNCTION_LINES = 40
STEPS = "src/fazt/migrations/versions/"
OWN_TEXT = (".py", ".js", ".html", ".sh", ".ts")
"""What has to be short. One style sheet for all pages is one request, so it may be long."""
NOQA = re.compile(r"#\s*noqa\b(?!: PLC0415$|: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)* - \S)")
"""PLC0415, an import inside a function, always has the same reason: commands start quickly."""


def find_long_files(tree: Path, names: list[str]) -> list[str]:
    """Files of ours with more than MAX_LINES lines."""
    own = [
        name for name in names if name.endswith(OWN_TEXT) and VENDOR not in name and not name.startswith("examples/")
    ]
    counts = {name: len((tree / name).read_text().splitlines()) for name in own}
    return [f"{name}: {count} lines" for name, count in counts.items() if count > MAX_LINES]


def count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from its `def`, without its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


def find_long_functions(tree: Path) -> list[str]:
    """Functions with more than MAX_FUNCTION_LINES lines. A migration step is a list, however long."""
    return [
        f"{name}:{function.lineno}: {function.name} has {count_lines(function)} lines"
        for name, path in list_python(tree)
        if not name.startswith(STEPS)
        for function in list_functions(parse(path))
        if count_lines(function) > MAX_FUNCTION_LINES
    ]


def find_silent_modules(tree: Path) -> list[str]:
    """Modules whose docstring does not open with one line that says what they are."""
    silent = []
    for name, path in list_python(tree):
        docstring = ast.get_docstring(parse(path)) or ""
        opening = docstring.partition("\n\n")[0]
        if not opening or "\n" in opening:
            silent.append(name)
    return silent


def is_blanket(handler: ast.ExceptHandler) -> bool:
    """`except:`, `except Exception` or `except BaseException`, alone or in a tuple, that ends without a `raise`."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in kinds)


def find_blankets(tree: Path, rims: dict[str, str]) -> list[str]:
    """Places that catch everything and are not listed, and listed files that no longer do."""
    found: dict[str, list[int]] = {}
    for name, path in list_python(tree, ("src",)):
        lines = [
            node.lineno for node in ast.walk(parse(path)) if isinstance(node, ast.ExceptHandler) and is_blanket(node)
        ]
        if lines:
            found[name] = lines
    unlisted = [f"{name}:{lines[0]}: catches everything" for name, lines in found.items() if name not in rims]
    return unlisted + [f"{name}: catches nothing blindly any more" for name in rims if name not in found]


def find_unreasoned(tree: Path) -> list[str]:
    """`noqa` without a code, or without ` - ` and a reason."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, path in list_python(tree)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if NOQA.search(line) and "NOQA = re" not in line
    ]


def test_no_file_is_too_long() -> None:
    assert find_long_files(ROOT, list_tracked(ROOT)) == []


def test_a_long_file_is_refused(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, {"a.py": "\n" * 401, "b.py": "\n" * 400, "static/vendor/c.js": "\n" * 999})
    assert find_long_files(tree, ["a.py", "b.py", "static/vendor/c.js"]) == ["a.py: 401 lines"]


def test_no_function_is_too_long() -> None:
    assert find_long_functions(ROOT) == []


def test_a_long_function_is_refused(tmp_path: Path) -> None:
    body = "\n    x = 1" * 40
    code = f'class A:\n  async def b(self):{body}\n\n\ndef c():\n    """D.\n\n    E.\n    """{body[:-10]}\n'
    tree = write_tree(tmp_path, {"src/fazt/a.py": code, f"{STEPS}0001_a.py": code})
    assert find_long_functions(tree) == ["src/fazt/a.py:2: b has 41 lines"]


def test_every_module_says_what_it_is() -> None:
    assert find_silent_modules(ROOT) == []


def test_a_module_without_a_line_of_its_own_is_refused(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, {"src/a.py": "", "src/b.py": '"""B.\nC."""', "src/c.py": '"""C.\n\nD.\n"""'})
    assert find_silent_modules(tree) == ["src/a.py", "src/b.py"]


def test_only_rims_catch_everything() -> None:
    assert find_blankets(ROOT, RIMS) == []


def test_catching_everything_is_refused(tmp_path: Path) -> None:
    blanket = "try:\n    x\nexcept (KeyError, Exception):\n    pass\n"
    tree = write_tree(
        tmp_path, {"src/a.py": blanket, "src/b.py": blanket, "src/c.py": blanket.replace("pass", "raise")}
    )
    assert find_blankets(tree, {"src/b.py": "why", "src/c.py": "why"}) == [
        "src/a.py:3: catches everything",
        "src/c.py: catches nothing blindly any more",
    ]


def test_every_noqa_has_its_reason() -> None:
    assert find_unreasoned(ROOT) == []


@pytest.mark.parametrize("remark", ["", ": S101", ": S101 -", " - because"])
def test_a_noqa_without_a_reason_is_refused(tmp_path: Path, remark: str) -> None:
    sound = "a = 1  # no" + "qa: S105, S106 - a test's own\n"
    tree = write_tree(tmp_path, {"src/a.py": f"{sound}b = 2  # no" + f"qa{remark}\n"})
    assert len(find_unreasoned(tree)) == 1


def test_every_ignored_rule_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    rules = re.findall(r'^  "([A-Z]+[0-9]*)",(.*)$', text, re.MULTILINE)
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    ignored = lint["ignore"] + [rule for rules in lint["per-file-ignores"].values() for rule in rules]
    assert sorted(rule for rule, _ in rules) == sorted(ignored)
    assert [rule for rule, reason in rules if not re.fullmatch(r"  # .+", reason)] == []
    assert lint["select"] == ["ALL"]


def test_complicated_code_is_refused(tmp_path: Path) -> None:
    branches = "".join(f"    if a == {n}:\n        return {n}\n" for n in range(10))
    (tmp_path / "a.py").write_text(f"def a(a):\n{branches}    return 0\n")
    command = [str(Path(sys.executable).with_name("ruff")), "check", "--no-cache", "--output-format", "concise"]
    command += ["--config", str(ROOT / "pyproject.toml"), str(tmp_path / "a.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "C901" in done.stdout
    assert done.returncode == 1
