"""Pages of sites without a browser: forms, redirects, and who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.apps.sites.archives import make_zip
from tests.apps.sites.conftest import Deploy
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.fixture(scope="module")
def browser(program: Program) -> Iterator[httpx.Client]:
    """The owner, logged in by the form, as a browser without scripts."""
    with program.client(headers={"accept": "text/html", "origin": program.url}) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        assert client.get("/").status_code == 200
        yield client


def test_the_list(browser: httpx.Client, deploy: Deploy) -> None:
    assert "Your first site" in browser.get("/sites").text
    deploy("listed", {"index.html": b"x"})
    page = browser.get("/sites").text
    assert "/sites/listed" in page
    assert "listed.localhost" in page


def test_a_new_site_from_a_zip(browser: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    files = {"file": ("site.zip", make_zip({"index.html": b"from a form"}), "application/zip")}
    answer = browser.post("/sites", data={"name": "formed"}, files=files)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sites/formed")
    assert visit("formed").get("/").content == b"from a form"
    again = {"file": ("site.zip", make_zip({"index.html": b"next"}), "application/zip")}
    assert browser.post("/sites/formed", files=again).status_code == 303
    assert visit("formed").get("/").content == b"next"
    assert "Show this one" in browser.get("/sites/formed").text
    assert browser.post("/sites/formed/rollback", data={"version": "1"}).status_code == 303
    assert visit("formed").get("/").content == b"from a form"


def test_an_empty_site(browser: httpx.Client, visit: Callable[[str], httpx.Client]) -> None:
    assert browser.post("/sites", data={"name": "blank"}).status_code == 303
    assert "Nothing is here yet" in visit("blank").get("/").text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("not a name", b"x", "cannot be the name"),
        ("fine", b"no zip", "neither a zip"),
        ("formless", b"", "neither a zip"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(browser: httpx.Client, name: str, content: bytes, said: str) -> None:
    answer = browser.post("/sites", data={"name": name}, files={"file": ("a.zip", content, "application/zip")})
    assert answer.status_code == 400
    assert said in answer.text


def test_settings(browser: httpx.Client, deploy: Deploy, owner: httpx.Client) -> None:
    deploy("tuned", {"index.html": b"x"})
    address = "/sites/tuned/settings"
    assert browser.post(address, data={"do": "options", "spa": "on", "keep": "3"}).status_code == 303
    assert owner.get("/api/v1/sites/tuned").json()["options"] == {"spa": True, "keep": 3, "track": False}
    assert browser.post(address, data={"do": "add-domain", "host": "tuned.example"}).status_code == 303
    assert "tuned.example" in browser.get(address).text
    assert "not a host name" in browser.post(address, data={"do": "add-domain", "host": "a b"}).text
    assert browser.post(address, data={"do": "remove-domain", "host": "tuned.example"}).status_code == 303
    assert browser.post(address, data={"do": "password", "password": "abc"}).status_code == 400
    assert browser.post(address, data={"do": "password", "password": "abcd"}).status_code == 303
    assert owner.get("/api/v1/sites/tuned").json()["is_protected"]
    assert browser.post(address, data={"do": "password", "password": ""}).status_code == 303
    assert browser.post(address, data={"do": "nothing"}).status_code == 400
    renamed = browser.post(address, data={"do": "rename", "name": "tuned2"})
    assert renamed.headers["location"] == "/sites/tuned2/settings"


def test_delete_and_bring_back(browser: httpx.Client, deploy: Deploy, visit: Callable[[str], httpx.Client]) -> None:
    deploy("fleeting", {"index.html": b"x"})
    assert browser.post("/sites/fleeting/delete").headers["location"] == "/sites"
    assert visit("fleeting").get("/").status_code == 404
    assert "Bring back" in browser.get("/sites").text
    assert browser.post("/sites/-/restore", data={"name": "fleeting"}).headers["location"] == "/sites/fleeting"
    assert visit("fleeting").get("/").status_code == 200
    browser.post("/sites/fleeting/delete")
    assert browser.post("/sites/-/forget", data={"name": "fleeting"}).status_code == 303
    assert "fleeting" not in browser.get("/sites").text.replace("fleeting is gone", "")


def test_files(browser: httpx.Client, deploy: Deploy) -> None:
    deploy("filed", {"index.html": b"x", "a/<b>.txt": b"y"})
    page = browser.get("/sites/filed/files")
    assert page.status_code == 200
    assert "a/&lt;b&gt;.txt" in page.text
    assert browser.get("/sites/filed/files?version=9").status_code == 404


@pytest.mark.parametrize("path", ["/sites", "/sites/x", "/sites/x/files", "/sites/x/settings", "/sites/x/visits"])
def test_strangers_are_sent_to_the_login(program: Program, path: str) -> None:
    with program.client(headers={"accept": "text/html"}) as stranger:
        answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_members_see_their_own_sites_only(program: Program, deploy: Deploy, owner: httpx.Client) -> None:
    deploy("owners", {"index.html": b"x"})
    body = {"email": "bea@example.org", "name": "Bea", "password": "four quiet words here"}
    owner.post("/api/v1/users", json=body).raise_for_status()
    with program.client(auth=("bea@example.org", "four quiet words here")) as bea:
        assert bea.get("/api/v1/sites").json() == []
        assert bea.get("/api/v1/sites/owners").status_code == 404
        assert bea.put("/api/v1/sites/owners", content=make_zip({"index.html": b"mine"})).status_code == 403
        assert bea.put("/api/v1/sites/beas", content=make_zip({"index.html": b"mine"})).status_code == 200
        assert [site["name"] for site in bea.get("/api/v1/sites").json()] == ["beas"]
    assert "beas" in [site["name"] for site in owner.get("/api/v1/sites").json()]


def test_another_sites_page_cannot_delete(browser: httpx.Client, deploy: Deploy, program: Program) -> None:
    deploy("target", {"index.html": b"x"})
    evil = {"origin": f"http://evil.localhost:{program.port}", "sec-fetch-site": "same-site"}
    assert browser.post("/sites/target/delete", headers=evil).status_code == 403
    assert browser.delete("/api/v1/sites/target", headers=evil).status_code == 403
