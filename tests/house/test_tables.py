"""Tables belong to one app each, and the migrated schema is the one that the code believes in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, Table, text
from sqlalchemy.exc import DBAPIError

from fazt.apps import APPS
from fazt.core.config import Config
from fazt.core.db import open_database
from fazt.core.db.opening import STEPS, list_steps
from fazt.core.schema import metadata
from tests.house.tree import ROOT, list_functions, list_python, parse, write_tree

STEP_NAME = re.compile(r"\d{4}[a-z]?_[a-z_]+")


def load_schemas() -> Iterator[tuple[str, ModuleType]]:
    """Every schema module, with the name that its tables have to begin with."""
    for name, _ in list_python(ROOT, ("src",)):
        match = re.fullmatch(r"src/(fazt/(core|apps)/(\w+)/(?:[\w/]+/)?schema(?:/\w+)?)\.py", name)
        if match is not None:
            module = match[1].replace("/", ".").removesuffix(".__init__")
            yield match[3] if match[2] == "apps" else "core", import_module(module)


SCHEMAS = list(load_schemas())


def find_misnamed_tables(schemas: list[tuple[str, Any]]) -> list[str]:
    """Tables whose name does not begin with that of their app."""
    return [
        f"{table.name} belongs to {owner}"
        for owner, module in schemas
        for table in vars(module).values()
        if isinstance(table, Table) and not table.name.startswith(f"{owner}_")
    ]


def find_broken_steps(folder: Path) -> list[str]:
    """Steps that are misnamed, fork the history, go down, or name another step than the one before by hand."""
    broken = []
    for path in sorted(folder.glob("[!_]*.py")):
        tree = parse(path)
        values = {
            target.id: node.value
            for node in tree.body
            for target in getattr(node, "targets", ())
            if hasattr(node, "value")
        }
        revision = getattr(values.get("revision"), "value", None)
        before = getattr(getattr(values.get("down_revision"), "func", None), "id", None)
        if not STEP_NAME.fullmatch(path.stem):
            broken.append(f"{path.name}: is not NNNN_name")
        if revision != path.stem:
            broken.append(f"{path.name}: revision is {revision!r}")
        if before != "step_before":
            broken.append(f"{path.name}: down_revision is not step_before(__file__)")
        if {function.name for function in list_functions(tree)} & {"upgrade", "downgrade"} != {"upgrade"}:
            broken.append(f"{path.name}: has upgrade() and nothing to go down")
    return broken


def is_known(conn: Connection, name: str) -> bool:
    """Whether a table that is not in the metadata has a reason to be there: Alembic's, or a full-text index."""
    if name == "alembic_version" or conn.dialect.name == "postgresql":
        return name == "alembic_version"
    virtual = conn.scalars(text("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")).all()
    return any(name == index or name.startswith(f"{index}_") for index in virtual)


def compare_schema(conn: Connection, expected: MetaData) -> list[str]:
    """How the tables of `conn` differ from `expected`."""

    def include(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        return not (kind == "table" and reflected and compare_to is None and is_known(conn, name or ""))

    options = {"compare_type": True, "include_object": include}
    return [
        repr(difference) for difference in compare_metadata(MigrationContext.configure(conn, opts=options), expected)
    ]


def test_tables_begin_with_the_name_of_their_app() -> None:
    assert find_misnamed_tables(SCHEMAS) == []


def test_every_table_is_in_a_schema_module() -> None:
    found = {table.name for _, module in SCHEMAS for table in vars(module).values() if isinstance(table, Table)}
    assert set(metadata.tables) - found == set()


def test_a_misnamed_table_is_refused() -> None:
    table = Table("drops_share", MetaData(), Column("id", Integer, primary_key=True))
    assert find_misnamed_tables([("lists", SimpleNamespace(table=table)), ("drops", SimpleNamespace(table=table))]) == [
        "drops_share belongs to lists"
    ]


def test_no_app_is_named_like_a_part_of_another() -> None:
    """The guard reads the owner of `sites_x` off what stands before the first underscore."""
    assert [app.name for app in APPS if "_" in app.name or app.name == "core"] == []


def test_the_history_is_one_line() -> None:
    assert find_broken_steps(STEPS) == []
    assert list_steps() == sorted(list_steps())


def test_a_forked_history_is_refused(tmp_path: Path) -> None:
    sound = "revision = '0001_a'\ndown_revision = step_before(__file__)\ndef upgrade(): ..."
    files = {
        "0001_a.py": sound,
        "0002_b.py": sound,
        "0003_c.py": "revision = '0003_c'\ndown_revision = '0001_a'\ndef upgrade(): ...",
        "0004_d.py": sound.replace("0001_a", "0004_d") + "\ndef downgrade(): ...",
        "later.py": sound.replace("0001_a", "later"),
    }
    found = [line.split(":")[0] for line in find_broken_steps(write_tree(tmp_path, files))]
    assert found == ["0002_b.py", "0003_c.py", "0004_d.py", "later.py"]


def test_the_migrated_schema_is_the_one_in_the_code(conn: Connection) -> None:
    assert compare_schema(conn, metadata) == []


def test_a_table_that_no_step_makes_is_refused(conn: Connection) -> None:
    expected = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(expected)
    Table("lists_forgotten", expected, Column("id", Integer, primary_key=True))
    (found,) = compare_schema(conn, expected)
    assert "add_table" in found
    conn.exec_driver_sql("CREATE TABLE lists_forgotten (id INTEGER NOT NULL PRIMARY KEY, more TEXT)")
    (found,) = compare_schema(conn, expected)
    assert "remove_column" in found


def make_tables(conn: Connection) -> None:
    """A table for each of two apps, and one of core's."""
    for name in ("lists_link", "drops_share", "core_thing"):
        conn.exec_driver_sql(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)")


def touch(conn: Connection, statement: str) -> None:
    """Any statement, on behalf of the app whose module this function claims to be from."""
    conn.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement", ["INSERT INTO {} VALUES (1)", "SELECT id FROM {}", "DELETE FROM {}", "UPDATE {} SET id = 2"]
)
@pytest.mark.parametrize("how", ["read", "point", "write"])
async def test_a_store_is_refused_the_tables_of_another_app(
    data_file: Path, monkeypatch: pytest.MonkeyPatch, statement: str, how: str
) -> None:
    db = open_database(Config(data=data_file), ["lists", "drops"])
    await db.write(make_tables)
    monkeypatch.setattr(touch, "__module__", "fazt.apps.lists.store")
    run = getattr(db, how)
    with pytest.raises(DBAPIError, match=r"prohibited|not authorized"):
        await run(touch, statement.format("drops_share"))
    if how == "write":
        for own in ("lists_link", "core_thing"):
            await run(touch, statement.format(own))
    await db.close()
