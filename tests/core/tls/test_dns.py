"""Proofs in the DNS: a real BIND, a second authority (caddy), and the APIs of DNS providers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fazt.core.clock import DAY
from fazt.core.errors import Invalid
from fazt.core.tls.engine.dns import Look
from fazt.core.tls.engine.dns.acme_dns import AcmeDns
from fazt.core.tls.engine.dns.cloudflare import Cloudflare
from fazt.core.tls.engine.dns.look import parse_server
from fazt.core.tls.engine.dns.rfc2136 import Rfc2136
from fazt.core.tls.engine.dns.script import Script
from fazt.core.tls.model.outcomes import Trouble
from tests.core.tls.authorities import Caddy, Pebble, free_port
from tests.core.tls.clouds import DOMAIN, cloud
from tests.core.tls.nameservers import Bind, api
from tests.core.tls.test_acme import add_site

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")
NAME = "_acme-challenge.cloud.example.org"


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with Bind(tmp_path_factory.mktemp("bind")) as server:
        yield server


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, bind: Bind) -> Iterator[Pebble]:
    with Pebble(tmp_path_factory.mktemp("pebble"), free_port(), bind.address) as server:
        yield server


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory, bind: Bind) -> Iterator[Caddy]:
    with Caddy(tmp_path_factory.mktemp("caddy"), bind.address) as server:
        yield server


def options(bind: Bind, authority: Pebble | Caddy) -> dict[str, Any]:
    """Settings by which BIND is changed, and this authority asked."""
    return {
        "tls_dns_provider": "rfc2136",
        "tls_rfc2136_server": bind.address,
        "tls_rfc2136_key": bind.key,
        "tls_resolvers": [bind.address],
        "tls_directory": authority.directory,
        "tls_roots_file": str(authority.roots_file),
    }


async def test_a_wildcard_covers_every_site_at_once(data_file: Path, bind: Bind, pebble: Pebble) -> None:
    async with cloud(data_file, free_port(), **options(bind, pebble)) as here:
        await here.until(lambda: here.has(DOMAIN))
        assert set(here.certificate().names) == {DOMAIN, f"*.{DOMAIN}"}
        issued = pebble.issued()
        await add_site(here, "blog")
        assert here.certificate(f"blog.{DOMAIN}") == here.certificate()
        await here.until(lambda: here.state(f"blog.{DOMAIN}").first_at, "that it is noted as being on HTTPS")
        before = here.certificate()
        here.jump(70 * DAY)
        await here.until(lambda: here.certificate().fingerprint != before.fingerprint, "a renewed wildcard")
        assert pebble.issued() == issued + 1
    assert Look([bind.address]).ask(NAME, "TXT") == []


async def test_a_second_authority_issues_while_the_first_is_away(data_file: Path, bind: Bind, caddy: Caddy) -> None:
    chosen = options(bind, caddy) | {
        "tls_directory": f"https://localhost:{free_port()}/dir",
        "tls_second_directory": caddy.directory,
    }
    async with cloud(data_file, free_port(), **chosen) as here:
        await here.until(lambda: here.has(DOMAIN))
        found = here.certificate(f"any.{DOMAIN}")
        assert found.authority == caddy.directory
        assert found.issuer.startswith("Caddy Local Authority")
        here.jump(DAY)  # caddy's live for half a day: renewed, and not in circles
        await here.until(lambda: here.certificate().fingerprint != found.fingerprint)


def test_bind_takes_our_updates_and_nobody_elses(bind: Bind) -> None:
    look, ours = Look([bind.address]), Rfc2136(bind.address, bind.key)
    for value in ("one", "two"):
        ours.put(NAME, value)
    assert look.has_text(NAME, "one")
    assert look.has_text(NAME, "two")
    ours.remove(NAME, "one")
    assert not look.has_text(NAME, "one")
    ours.remove(NAME, "two")
    wrong = bind.key.rpartition(":")[0] + ":" + "A" * 43 + "="
    with pytest.raises(Trouble, match=r"took no update|refused the update"):
        Rfc2136(bind.address, wrong).put(NAME, "x")
    with pytest.raises(Trouble, match=r"refused the update: REFUSED"):
        Rfc2136(bind.address, "").put(NAME, "x")
    with pytest.raises(Trouble, match="has no zone"):
        ours.put("_acme-challenge.example.com", "x")
    with pytest.raises(Trouble, match="does not answer"):
        Rfc2136(f"127.0.0.1:{free_port()}", bind.key).put(NAME, "x")


@pytest.mark.parametrize("key", ["x", "a:b:c", "fazt:hmac-sha256:***"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises((Invalid, Trouble)):
        Rfc2136(f"127.0.0.1:{free_port()}", key).put(NAME, "x")


def test_cloudflare_is_asked_as_its_api_wants_it() -> None:
    records: dict[str, dict[str, Any]] = {}

    def answer(method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        url = urlsplit(path)
        if headers["authorization"] != "Bearer good":
            return 403, {"success": False, "errors": [{"code": 9109, "message": "Invalid access token"}]}
        if url.path == "/zones":
            is_ours = parse_qs(url.query)["name"] == ["example.org"]
            return 200, {"success": True, "result": [{"id": "z1"}] if is_ours else []}
        if method == "POST":
            records["r1"] = {"id": "r1", **body}
        if method == "DELETE":
            del records[path.rpartition("/")[2]]
        return 200, {"success": True, "result": list(records.values()) if method == "GET" else {"id": "r1"}}

    with api(answer) as url:
        ours = Cloudflare("good", url)
        ours.put(NAME, "value")
        assert records["r1"] == {"id": "r1", "type": "TXT", "name": NAME, "content": '"value"', "ttl": 60}
        ours.remove(NAME, "another")
        assert records
        ours.remove(NAME, "value")
        assert not records
        with pytest.raises(Trouble, match="Invalid access token"):
            Cloudflare("bad", url).put(NAME, "x")
        with pytest.raises(Trouble, match="no zone"):
            ours.put("_acme-challenge.example.com", "x")
    with pytest.raises(Trouble, match="cannot be reached"):
        ours.put(NAME, "x")


def test_acme_dns_is_asked_as_its_api_wants_it() -> None:
    kept: list[Any] = []

    def answer(_method: str, path: str, headers: Any, body: Any) -> tuple[int, Any]:
        if headers["x-api-key"] != "k":
            return 401, {"error": "forbidden"}
        kept.append((path, headers["x-api-user"], body))
        return 200, {"txt": body["txt"]}

    with api(answer) as url:
        AcmeDns(url + "/", "u", "k", "sub").put(NAME, "v" * 43)
        assert kept == [("/update", "u", {"subdomain": "sub", "txt": "v" * 43})]
        with pytest.raises(Trouble, match="401"):
            AcmeDns(url, "u", "wrong", "sub").put(NAME, "v")


def test_a_script_is_called_as_lego_calls_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, seen = tmp_path / "hook", tmp_path / "seen"
    lines = ['echo "$@" ${FAZT_OWNER_PASSWORD-none} >> ' + str(seen), '[ "$3" != bad ] || { echo no >&2; exit 3; }']
    program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    program.chmod(0o755)
    monkeypatch.setenv("FAZT_OWNER_PASSWORD", "secret")
    hook = Script(str(program))
    hook.put(NAME, "value; rm -rf /")
    hook.remove(NAME, "value; rm -rf /")
    assert seen.read_text().splitlines() == [f"{what} {NAME}. value; rm -rf / none" for what in ("present", "cleanup")]
    with pytest.raises(Trouble, match="ended with 3: no"):
        hook.put(NAME, "bad")
    with pytest.raises(Invalid):
        Script(os.fspath(tmp_path / "nothing"))


def test_addresses_of_name_servers_are_read() -> None:
    assert parse_server("192.0.2.1") == ("192.0.2.1", 53)
    assert parse_server("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert parse_server("2001:db8::1") == ("2001:db8::1", 53)
    assert parse_server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    for wrong in ("", ":53", "a:b"):
        with pytest.raises(Invalid):
            parse_server(wrong)
