"""The live map of clicks, in a browser."""

from __future__ import annotations

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]
from playwright.sync_api import Browser

from tests.e2e.browser import find_faults_in, log_in, looks_of
from tests.program import Program

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def write_countries(path: Path) -> None:
    """A database in which this machine is in Brazil."""
    writer = MMDBWriter(ip_version=4, database_type="Countries")
    writer.insert_network(IPSet(["127.0.0.0/8"]), {"country": {"iso_code": "BR"}})
    writer.to_db_file(str(path))


def test_a_click_lights_up_on_the_map(browser: Browser, shared_program: Program, tmp_path: Path) -> None:
    write_countries(tmp_path / "countries.mmdb")
    with shared_program.owner() as owner:
        owner.put("/api/v1/settings/links.fetch_titles", json={"value": False}).raise_for_status()
        owner.post("/api/v1/links", json={"target": "https://example.org/", "slug": "on-the-map"}).raise_for_status()
    with browser.new_context() as context, shared_program.owner() as owner, shared_program.client() as visitor:
        log_in(context, shared_program)
        page = context.new_page()
        page.goto(f"{shared_program.url}/links/live")
        assert "country_database" in page.content()
        database = {"value": str(tmp_path / "countries.mmdb")}
        owner.put("/api/v1/settings/visits.country_database", json=database).raise_for_status()
        page.wait_for_selector("#live[data-live=yes]")
        visitor.get("/r/on-the-map", headers={"user-agent": FIREFOX, "referer": "https://news.example/"})
        page.wait_for_selector("#dots circle", state="attached")
        first = page.locator("#clicks li").first
        assert "Brazil · Firefox · Linux · news.example" in first.inner_text()
        visitor.get("/r/on-the-map", headers={"user-agent": "WhatsApp/2.23"})
        page.wait_for_selector("#clicks li:first-child .badge:text('preview')")
        assert page.locator("dd").first.inner_text() == "2"
        owner.put("/api/v1/settings/visits.country_database", json={"value": ""}).raise_for_status()


def test_its_pages_have_no_faults(browser: Browser, shared_program: Program) -> None:
    with looks_of(browser, shared_program) as looks:
        assert find_faults_in(looks, shared_program.url + "/links/live") == {}
