"""On PostgreSQL pg_dump makes the backup, and pg_restore proves it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from fazt.apps.backup.engine.making import create
from fazt.apps.backup.engine.restoring import prepare, verify
from fazt.core.db.postgres import parse_url
from fazt.core.errors import Invalid
from tests.apps.backup.test_engine import IDENTITY, make_order, tell
from tests.postgres import Cluster


def test_there_and_back_by_the_programs_of_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.create_database(template="tables")
    engine = create_engine(parse_url(url))
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO core_setting VALUES ('a', '1', 1)"))
    engine.dispose()
    order = make_order(tmp_path / "data.db", database_url=url)
    made = create(order, tell)
    assert made.name.endswith(".pgdump")
    assert (made.engine, made.step != "", len(made.epoch)) == ("postgresql", True, 20)
    assert verify(order, tell).problems == []
    with pytest.raises(Invalid, match="PostgreSQL"):
        prepare(order, tell)

    other = cluster.create_database()
    subprocess.run(["pg_restore", "--no-owner", "--dbname", other, str(tmp_path / "backups" / made.name)], check=True)
    engine = create_engine(parse_url(other))
    with engine.begin() as conn:
        assert conn.execute(text("SELECT name FROM core_setting")).all() == [("a",)]
    engine.dispose()

    path = tmp_path / "backups" / made.name
    path.write_bytes(path.read_bytes()[:-2_000])
    path.with_name(path.name + ".json").unlink()
    assert verify(order, tell).problems


def test_a_dump_can_be_encrypted(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.create_database(template="tables")
    order = make_order(tmp_path / "data.db", database_url=url, recipients=[str(IDENTITY.to_public())])
    assert create(order, tell).name.endswith(".pgdump.age")
    opened = make_order(tmp_path / "data.db", database_url=url, identities=[str(IDENTITY)])
    assert verify(opened, tell).problems == []
