"""What an app tells, reads and offers stands in its manifest, under its own name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from fazt.apps import APPS
from fazt.core.app import App, Connect, EventKind, Setting
from fazt.serve import CORE_PARTS, declared_settings, load_all
from tests.house.tree import ROOT, call_name, first_text, list_apps, list_python, parse, write_tree

CORE_EVENTS = {event.name for part in CORE_PARTS for event in getattr(part, "EVENTS", ())}


def list_calls(tree: Path, folder: str, name: str) -> list[tuple[str, str]]:
    """Every call of `name` below a folder whose first argument is a plain text: where, and that text."""
    return [
        (f"{file}:{node.lineno}", said)
        for file, path in list_python(tree, (folder,))
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and call_name(node) == name and (said := first_text(node)) is not None
    ]


def find_untold_events(tree: Path, apps: tuple[App, ...]) -> list[str]:
    """Events that an app emits and its manifest does not name."""
    told = {app.name: {event.name for event in app.events} for app in apps}
    return [
        f"{where}: {event} is not in the manifest of {folder.name}"
        for folder in list_apps(tree)
        for where, event in list_calls(tree, folder.relative_to(tree).as_posix(), "Event")
        if event not in told.get(folder.name, set())
    ]


def find_unknown_settings(tree: Path, known: set[str]) -> list[str]:
    """Settings that are read and nobody declares."""
    unknown = []
    for file, path in list_python(tree, ("src",)):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and call_name(node) in {"get", "put", "watch"}:
                owner = getattr(node.func, "value", None)
                holder = getattr(owner, "attr", getattr(owner, "id", ""))
                name = first_text(node)
                if holder in {"settings", "_settings"} and name is not None and name not in known:
                    unknown.append(f"{file}:{node.lineno}: nobody declares the setting {name}")
    return unknown


def find_foreign_names(apps: tuple[App, ...]) -> list[str]:
    """Settings and events that do not begin with the name of their app."""
    named = [(app.name, setting.name) for app in apps for setting in app.settings]
    named += [(app.name, event.name) for app in apps for event in app.events]
    return [f"{name} is declared by {app}" for app, name in named if not name.startswith(f"{app}.")]


def find_twins(names: list[str]) -> list[str]:
    """Names that stand for two things."""
    return [name for name, count in Counter(names).items() if count > 1]


def test_every_event_is_told_in_the_manifest() -> None:
    assert find_untold_events(ROOT, APPS) == []


def test_every_setting_that_is_read_is_declared() -> None:
    assert find_unknown_settings(ROOT, {setting.name for setting in declared_settings(APPS)}) == []


def test_settings_and_events_begin_with_the_name_of_their_app() -> None:
    assert find_foreign_names(APPS) == []


def test_every_name_is_given_once() -> None:
    assert find_twins([setting.name for setting in declared_settings(APPS)]) == []
    assert find_twins([command for app in APPS for command in app.commands]) == []
    assert find_twins([scope.name for app in APPS for scope in app.scopes]) == []
    assert find_twins([function.name for function in load_all(APPS, "script", "SCRIPT")]) == []
    jobs = [job for part in CORE_PARTS for job in getattr(part, "JOBS", ())] + load_all(APPS, "jobs", "JOBS")
    assert find_twins([job.name for job in jobs]) == []


def find_unconnected(tree: Path, apps: tuple[App, ...]) -> list[str]:
    """Apps that clients connect to without steps for them, or with scopes that no app declares."""
    declared = {scope.name for app in apps for scope in app.scopes}
    wrong = []
    for app in apps:
        if app.connect is None:
            continue
        if not (tree / "src/fazt/apps" / app.name / "templates" / "connect.html").is_file():
            wrong.append(f"{app.name}: no templates/connect.html")
        for scope in app.connect.scopes:
            halves = {scope.replace(":rw", ":read"), scope.replace(":rw", ":write")}
            if scope not in declared and not halves <= declared:
                wrong.append(f"{app.name}: nobody declares the scope {scope}")
    return wrong


def test_every_app_that_clients_connect_to_says_how() -> None:
    assert find_unconnected(ROOT, APPS) == []


def test_an_app_without_steps_for_its_clients_is_refused(tmp_path: Path) -> None:
    app = App(name="x", title="X", does="X.", parts=(), connect=Connect("app", ("x:rw",)))
    assert find_unconnected(tmp_path, (app,)) == ["x: no templates/connect.html", "x: nobody declares the scope x:rw"]


def test_an_untold_event_is_refused(tmp_path: Path) -> None:
    code = 'emit(conn, Event("x.told", {}))\nemit(conn, Event("x.untold", {}))\n'
    tree = write_tree(tmp_path, {"src/fazt/apps/x/__init__.py": "", "src/fazt/apps/x/store.py": code})
    app = App(name="x", title="X", does="X.", parts=(), events=(EventKind("x.told", "Told."),))
    assert find_untold_events(tree, (app,)) == ["src/fazt/apps/x/store.py:2: x.untold is not in the manifest of x"]


def test_an_undeclared_setting_is_refused(tmp_path: Path) -> None:
    code = 'core.settings.get("x.known")\ncore.settings.get("x.unknown")\n{}.get("x.other")\n'
    tree = write_tree(tmp_path, {"src/fazt/apps/x/jobs.py": code})
    assert find_unknown_settings(tree, {"x.known"}) == [
        "src/fazt/apps/x/jobs.py:2: nobody declares the setting x.unknown"
    ]


def test_a_foreign_name_is_refused() -> None:
    app = App(name="x", title="X", does="X.", parts=(), settings=(Setting("y.a", 1, "A."), Setting("x.b", 1, "B.")))
    assert find_foreign_names((app,)) == ["y.a is declared by x"]
    assert find_twins(["a", "b", "a"]) == ["a"]
