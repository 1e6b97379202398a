"""The same file names in every app, no vague names anywhere, and manifests that say what is there."""

from __future__ import annotations

from pathlib import Path

from fazt.apps import APPS
from fazt.core.app import App
from tests.house.tree import ROOT, list_apps, list_python, parse, write_tree

MODULES = frozenset(
    {"model", "schema", "wire", "store", "engine", "actions", "routes", "pages", "server", "jobs", "script", "cli"}
)
FOLDERS = frozenset({"templates", "static"})
VAGUE = frozenset(
    {"util", "utils", "helper", "helpers", "common", "base", "service", "services", "handler", "handlers"}
    | {"manager", "managers", "misc", "lib"}
)
PARTS = {"routes": "ROUTES", "pages": "PAGES", "jobs": "JOBS", "script": "SCRIPT", "cli": "COMMANDS"}
"""What each part has to hold, so that a file that holds it is a part."""


def find_odd_names(tree: Path) -> list[str]:
    """Files and folders of apps whose name is not one of a role."""
    odd = []
    for app in list_apps(tree):
        for path in sorted(app.iterdir()):
            role = path.name.removesuffix(".py") if path.is_file() else path.name
            is_role = role in MODULES and (path.suffix == ".py" or (path / "__init__.py").exists())
            if not is_role and path.name not in FOLDERS | {"__init__.py", "__pycache__"}:
                odd.append(f"{path.relative_to(tree)}: no role has this name (see CONTRIBUTING)")
    return odd


def find_vague_names(tree: Path) -> list[str]:
    """Modules and folders named after nothing."""
    return [
        f"{name}: say what is in it"
        for name, _ in list_python(tree, ("src",))
        if VAGUE.intersection(name.removesuffix(".py").split("/"))
    ]


def defined_names(path: Path) -> set[str]:
    """What a module assigns, defines or imports at its top."""
    names: set[str] = set()
    for node in parse(path).body:
        if hasattr(node, "name"):
            names.add(node.name)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            names.add(getattr(target, "id", ""))
        names.update(alias.asname or alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name"))
    return names


def find_module(folder: Path, role: str) -> Path | None:
    """`role.py` or `role/__init__.py`."""
    return next((path for path in (folder / f"{role}.py", folder / role / "__init__.py") if path.exists()), None)


def find_silent_parts(tree: Path, apps: tuple[App, ...]) -> list[str]:
    """Manifests that differ from the files: apps not listed, parts not named, parts that are not there."""
    listed = {app.name: app for app in apps}
    wrong = [f"{path.name}: not in APPS" for path in list_apps(tree) if path.name not in listed]
    for app in apps:
        folder = tree / "src/fazt/apps" / app.name
        wrong += [f"{app.name}: no {part}.py" for part in app.parts if find_module(folder, part) is None]
        for part, constant in [*PARTS.items(), ("engine", "run"), ("server", "run"), ("store", "on_event")]:
            module = find_module(folder, part)
            if module is not None and part not in app.parts and constant in defined_names(module):
                wrong.append(f"{app.name}: {part} has {constant}, but the manifest does not name {part!r}")
            if part in app.parts and part in PARTS and module is not None and constant not in defined_names(module):
                wrong.append(f"{app.name}: {part} has no {constant}")
    return wrong


def test_every_file_of_an_app_has_the_name_of_a_role() -> None:
    assert find_odd_names(ROOT) == []


def test_an_odd_file_name_is_refused(tmp_path: Path) -> None:
    files = {"__init__.py": "", "store.py": "", "routes/__init__.py": "", "routes/read.py": "", "tools.py": ""}
    tree = write_tree(tmp_path, {f"src/fazt/apps/x/{name}": text for name, text in files.items()})
    (tree / "src/fazt/apps/x/pages").mkdir()
    assert [line.partition(":")[0] for line in find_odd_names(tree)] == [
        "src/fazt/apps/x/pages",
        "src/fazt/apps/x/tools.py",
    ]


def test_no_module_has_a_vague_name() -> None:
    assert find_vague_names(ROOT) == []


def test_a_vague_name_is_refused(tmp_path: Path) -> None:
    tree = write_tree(tmp_path, {"src/fazt/core/utils.py": "", "src/fazt/common/x.py": "", "src/fazt/core/db.py": ""})
    assert len(find_vague_names(tree)) == 2


def test_manifests_say_what_is_there() -> None:
    assert find_silent_parts(ROOT, APPS) == []


def test_a_manifest_that_leaves_something_out_is_refused(tmp_path: Path) -> None:
    names = {"x/__init__.py": "", "x/jobs.py": "JOBS = ()", "x/store.py": "def on_event(): ...", "y/__init__.py": ""}
    tree = write_tree(tmp_path, {f"src/fazt/apps/{name}": text for name, text in names.items()})
    write_tree(tree, {"src/fazt/apps/x/routes.py": "routes = ()"})
    app = App(name="x", title="X", does="Nothing.", parts=("pages", "routes"))
    assert find_silent_parts(tree, (app,)) == [
        "y: not in APPS",
        "x: no pages.py",
        "x: routes has no ROUTES",
        "x: jobs has JOBS, but the manifest does not name 'jobs'",
        "x: store has on_event, but the manifest does not name 'store'",
    ]


def test_the_apps_have_names_of_their_own() -> None:
    names = [app.name for app in APPS]
    assert len(names) == len(set(names))
    assert "core" not in names
