"""Documents on PostgreSQL, over HTTP: saved at the front door or not, each is there once it was acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.program import Program

MANY = 40


@pytest.mark.slow
def test_documents_are_saved_and_refused_on_postgresql_as_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    with Program(tmp_path, FAZT_DATABASE_URL=cluster.create_database()) as program:
        token = program.run("token", "create", "t", "--scope", "textdb:rw").stdout.strip()
        with program.client(headers={"authorization": f"Bearer {token}"}) as client:
            saved = [client.post("/db/notes", json={"id": f"n{n}", "n": n}) for n in range(MANY)]
            assert {answer.status_code for answer in saved} == {201}
            again = client.post("/db/notes", json={"id": "n7", "n": 0})
            assert again.status_code == 409
            assert client.post("/db/notes", content=b"{").status_code == 400
            found = client.get("/db/notes", params={"_limit": MANY, "_sort": "n"})
            assert [one["n"] for one in found.json()] == list(range(MANY))
            for answer in saved:
                kept = client.get(answer.headers["location"])
                assert (kept.json(), kept.headers["etag"]) == (answer.json(), answer.headers["etag"])
