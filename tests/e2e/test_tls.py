"""HTTPS as clients of other makers find it: a scanner, curl, a browser, and a machine whose clock is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.core.tls.authorities import Names, Pebble, free_port
from tests.core.tls.clouds import choose
from tests.e2e.browser import ARGUMENTS, Watched, log_in
from tests.house.tree import ROOT
from tests.program import Program, running_program, wait_until

SSLYZE = ROOT / ".cache/judges/sslyze/bin/sslyze"
SECURE = ("ECDHE", "TLS_AES", "TLS_CHACHA20")


@pytest.fixture(scope="module")
def local(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud on localhost, its own authority."""
    folder = tmp_path_factory.mktemp("local")
    shutil.copy(template_file, folder / "data.db")
    with running_program(folder, "--https-listen", "127.0.0.1:0") as program:
        yield program


def https_port(program: Program) -> int:
    with program.owner() as client:
        port: int = client.get("/api/v1/tls").json()["https_port"]
    return port


def commands(result: dict[str, Any], name: str) -> list[str]:
    """The cipher suites that sslyze was granted in one version of the protocol."""
    accepted = result[name]["result"]["accepted_cipher_suites"]
    return [suite["cipher_suite"]["name"] for suite in accepted]


def test_sslyze_finds_nothing_old_or_weak(local: Program, tmp_path: Path) -> None:
    scans = ["--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--compression", "--reneg"]
    weaknesses = ["--heartbleed", "--openssl_ccs", "--robot", "--fallback"]
    target = f"localhost:{https_port(local)}{{127.0.0.1}}"
    report = tmp_path / "report.json"
    done = subprocess.run(
        [SSLYZE, *scans, *weaknesses, f"--json_out={report}", target], capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_text())["server_scan_results"][0]
    assert found["scan_status"] == "COMPLETED", found
    result = found["scan_result"]
    for old in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
        assert commands(result, f"{old}_cipher_suites") == [], old
    for version in ("tls_1_2", "tls_1_3"):
        suites = commands(result, f"{version}_cipher_suites")
        assert suites
        assert all(any(word in suite for word in SECURE) and "CBC" not in suite for suite in suites), suites
    assert not result["heartbleed"]["result"]["is_vulnerable_to_heartbleed"]
    assert not result["openssl_ccs_injection"]["result"]["is_vulnerable_to_ccs_injection"]
    assert result["robot"]["result"]["robot_result"].startswith("NOT_VULNERABLE")
    assert not result["tls_compression"]["result"]["supports_compression"]
    assert not result["session_renegotiation"]["result"]["is_vulnerable_to_client_renegotiation_dos"]


def test_curl_accepts_the_cloud_once_it_trusts_its_root(local: Program, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_text(local.run("tls", "root").stdout)
    port = https_port(local)

    def curl(host: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = ["curl", "-sS", "--max-time", "10", "--resolve", f"{host}:{port}:127.0.0.1", *options]
        return subprocess.run([*command, f"https://{host}:{port}/health"], capture_output=True, text=True, check=False)

    trusting = ("--cacert", str(tmp_path / "root.pem"))
    assert curl("localhost").returncode == 60, "nobody trusts it unasked"
    assert '"ok"' in curl("localhost", *trusting).stdout
    assert '"ok"' in curl("127.0.0.1", *trusting).stdout
    assert curl("example.com", *trusting).returncode == 35, "no certificate for the names of others"


def test_a_browser_that_trusts_the_root_is_at_home(local: Program, tmp_path: Path) -> None:
    """Chromium, told to trust it as a person would tell it; the name constraints of the root are its to check."""
    local.run("deploy", str(ROOT / "examples/hello"), "--name", "hello")
    root, store = tmp_path / "root.pem", tmp_path / ".pki/nssdb"
    root.write_text(local.run("tls", "root").stdout)
    store.mkdir(parents=True)
    for command in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "fazt", "-i", str(root)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *command], check=True)
    port = https_port(local)
    home: dict[str, str | float | bool] = {**os.environ, "HOME": str(tmp_path)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=shutil.which("chromium"), args=ARGUMENTS, env=home
        )
        url = f"https://localhost:{port}"
        page = browser.new_page()
        page.goto(f"{url}/login")
        page.fill("input[name=login]", "owner@example.org")
        page.fill("input[name=password]", "correct horse battery")
        page.click("button[type=submit]")
        page.wait_for_url(f"{url}/")
        (cookie,) = [one for one in browser.cookies() if one["name"] == "__Host-fazt"]
        assert cookie["secure"]
        page.goto(f"https://hello.localhost:{port}/")
        assert page.evaluate("isSecureContext")
        browser.close()


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with Names() as server:
        yield server


def test_after_80_days_asleep_the_program_renews_at_once(template_file: Path, tmp_path: Path, names: Names) -> None:
    """The whole program, under a system clock that is ahead; what it has serves meanwhile."""
    shutil.copy(template_file, tmp_path / "data.db")
    port = free_port()
    with Pebble(tmp_path / "pebble", port, names.address) as pebble:
        program = Program(tmp_path, "--https-listen", "127.0.0.1:0", "--domain", "cloud.example.org")
        program.port = port
        chosen = {
            "tls_roots_file": str(pebble.roots_file),
            "tls_resolvers": [names.address],
            "tls_http_port": port,
            "tls_directory": pebble.directory,
        }
        asyncio.run(choose(program.data, **chosen))
        with program:
            before = wait_until(lambda: find_certificates(program), 30, "a certificate")
        program.prefix = ahead("+80d")
        with program:
            wait_until(lambda: len(find_certificates(program)) > len(before), 30, "a new one")
            doctor = program.run("tls", "doctor", check=False)
            assert doctor.returncode == 1
            assert "The clock of this machine is 80.0 days away from the authority's." in doctor.stdout
            assert "timedatectl" in doctor.stdout


def ahead(by: str) -> list[str]:
    """Words before a command whose clock is to be ahead. `faketime` would stand between us and the program's end."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return ["env", f"LD_PRELOAD={library}", f"FAKETIME={by}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]


def find_certificates(program: Program) -> list[dict[str, Any]]:
    with program.owner(headers={"host": "127.0.0.1"}) as client:
        found: list[dict[str, Any]] = client.get("/api/v1/tls").json()["certificates"]
    return found


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_pages_are_fit_for_people(local: Program, width: int, scheme: Any) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        log_in(context, local)
        for path in ("/certificates", "/certificates/doctor"):
            watched = Watched(context)
            watched.open(local.url + path)
            assert watched.find_faults() + watched.find_barriers() == [], path
        browser.close()
