"""The API and the page of upgrades, of a running cloud."""

from __future__ import annotations

from pathlib import Path

from fazt import __version__
from tests.apps.upgrade.trees import Release, serving
from tests.program import Program


def test_a_look_finds_what_is_newer_and_the_page_tells_it(shared_program: Program, tmp_path: Path) -> None:
    release = Release(tmp_path, "99.0.0")
    with serving([release]) as server, shared_program.owner() as owner, shared_program.client() as stranger:
        assert stranger.get("/api/v1/upgrade").status_code == 401
        assert "Where releases are" in owner.get("/upgrade").text
        asked = owner.post("/api/v1/upgrade/check")
        assert asked.status_code == 400
        assert "Nobody has said" in asked.json()["detail"]
        owner.put("/api/v1/settings/upgrade.releases_url", json={"value": server.releases_url}).raise_for_status()
        found = owner.post("/api/v1/upgrade/check").json()
        assert (found["version"], found["way"], found["is_newer"]) == (__version__, "source", True)
        assert found["newest"]["version"] == "99.0.0"
        page = owner.get("/upgrade").text
        assert "fazt 99.0.0 is there" in page
        assert "It is <em>newer</em>" in page
        assert "git pull" in page
        assert owner.post("/api/v1/upgrade/note").json()["runs"] == []
        server.releases = []
        server.listed = [{"what": "ever"}]
        assert owner.post("/api/v1/upgrade/check").status_code == 400
        assert "not a list of releases" in owner.get("/upgrade").text


def test_from_source_the_command_says_what_to_do(shared_program: Program) -> None:
    refused = shared_program.run("upgrade", "--from", "x.tar.gz", check=False)
    assert refused.returncode == 5
    assert "git pull" in refused.stderr
