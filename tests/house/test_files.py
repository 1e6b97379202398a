"""What may stand in a file that is handed on: no address of a registry, no path of one machine, one lock file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.house.tree import ROOT, list_tracked, write_tree

LOCKS = frozenset(
    {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "package-lock.json", "npm-shrinkwrap.json"}
    | {"yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock"}
)
FORBIDDEN = {
    "the address of a registry": re.compile(
        r"pypi\.(?:org|python\.org)/simple|files\.pythonhosted|registry\.(?:npmjs|yarnpkg)|artifactory|nexus/repository"
        r"|--(?:extra-)?index-url[ =]|\bindex-url\s*="
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:root|home/(?!user\b|you\b)\w+|Users/\w+|work|tmp/w)/[\w.]"),
    "the field `resolved` of a lock file": re.compile(r'"resolved"\s*:\s*"http'),
    "a private key": re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY"),
}
ALLOWED = {
    "tests/house/test_files.py": "names what it forbids",
}
"""Files that may hold one of these, and why."""


def find_foreign(tree: Path, names: list[str]) -> list[str]:
    """Lines that hold something of FORBIDDEN, and lock files of other tools."""
    found = [f"{name}: a lock file" for name in names if PurePosixPath(name).name in LOCKS]
    for name in names:
        text = (tree / name).read_bytes().decode("utf-8", "replace")
        for what, pattern in FORBIDDEN.items():
            match = pattern.search(text)
            if match is not None and name not in ALLOWED and "/vendor/" not in name:
                found.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}")
    return found


def test_nothing_of_one_machine_is_handed_on() -> None:
    assert find_foreign(ROOT, list_tracked(ROOT)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", ""),
        ("sub/package-lock.json", "{}"),
        ("a.toml", 'index-url = "x"'),
        ("a.txt", "--extra-index-url https://example.org/simple"),
        ("a.lock", "https://registry.npmjs.org/x"),
        ("a.py", 'DATA = "/root/data"'),
        ("a.md", "see /home/anna/fazt"),
        ("a.json", '{"resolved": "https://example.org/x.tgz"}'),
        ("a.pem", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_what_belongs_to_one_machine_is_refused(tmp_path: Path, name: str, text: str) -> None:
    assert len(find_foreign(write_tree(tmp_path, {name: text}), [name])) == 1


def test_harmless_files_pass(tmp_path: Path) -> None:
    text = "/home/you/site, /home/user/x, ~/site, https://pypi.org/project/fazt, work/x, index-urls"
    assert find_foreign(write_tree(tmp_path, {"a.md": text}), ["a.md"]) == []


def test_the_lock_names_versions_and_hashes_only() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    entry = re.compile(r"(?:[a-z0-9.-]+==[\w.+!-]+(?: ; [^\\]+)?|    --hash=sha256:[0-9a-f]{64})(?: \\)?|#.*|")
    assert [line for line in lines if not entry.fullmatch(line)] == []


def find_unlocked(project: dict[str, Any], lock: str) -> list[str]:
    """Packages that pyproject.toml names and the lock does not, or only among those for tests and benchmarks."""
    own, _, others = lock.partition("# For tests and benchmarks")
    wanted = [(name, own) for name in project["dependencies"]]
    wanted += [(name, own + others) for extra in project["optional-dependencies"].values() for name in extra]
    names = [(re.split(r"[^A-Za-z0-9._-]", name)[0].lower(), part) for name, part in wanted]
    return [name for name, part in names if not re.search(rf"^{re.escape(name)}==", part, re.MULTILINE)]


def test_the_lock_has_everything_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert find_unlocked(project, (ROOT / "requirements.lock").read_text()) == [], "run `make lock`"


def test_a_package_that_the_lock_lacks_is_refused() -> None:
    lock = "a==1 \\\n    --hash=sha256:0\n# For tests and benchmarks:\nb==2\n"
    project = {"dependencies": ["A[x]>=1", "b", "c~=3"], "optional-dependencies": {"test": ["b>1", "d"]}}
    assert find_unlocked(project, lock) == ["b", "c", "d"]


def test_the_npm_packages_of_the_tests_are_pinned() -> None:
    text = (ROOT / "tests/e2e/package.json").read_text()
    assert [line for line in text.splitlines() if re.search(r'"[\^~>*]|"latest"|"x"', line)] == []


def test_ci_does_nothing_but_call_make_test() -> None:
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]
