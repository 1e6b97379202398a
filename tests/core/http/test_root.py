"""Hosts, errors and machines' addresses, asked of the real program."""

import base64
import json
import socket

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "192.0.2.7:8080", "LOCALHOST."])
def test_the_dashboard_answers_on_the_machines_own_names(shared_program: Program, host: str) -> None:
    with shared_program.client(headers={"host": host}) as client:
        assert client.get("/api/v1/nothing").json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize("host", ["evil.example", "nosuch.localhost", "localhost.evil.example", "a..b", "%00"])
def test_an_unknown_host_gets_a_404_that_says_so(shared_program: Program, host: str) -> None:
    with shared_program.client(headers={"host": host}) as client:
        answer = client.get("/")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Nothing is served at this address" in answer.json()["detail"]
        assert client.get("/health").status_code == 200


def test_a_browser_gets_a_page_for_an_error_and_a_program_gets_json(shared_program: Program) -> None:
    with shared_program.client() as client:
        page = client.get("/nothing", headers={"accept": "text/html"})
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")
        assert client.get("/nothing").headers["content-type"] == "application/problem+json"


def test_every_answer_of_the_dashboard_has_the_security_headers(shared_program: Program) -> None:
    with shared_program.client() as client:
        for path in ("/nothing", "/health", "/static/ui/fazt.css"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path
            assert "unsafe" not in headers["content-security-policy"], path


def test_a_wrong_password_is_refused_in_words(shared_program: Program) -> None:
    with shared_program.client(auth=("owner@example.org", "wrong wrong wrong")) as client:
        answer = client.get("/api/v1/me")
        assert answer.status_code == 401
        assert answer.json()["title"] == "Log in first"


def test_figures_are_not_given_to_strangers_behind_a_proxy(shared_program: Program) -> None:
    with shared_program.client() as client:
        assert "fazt_db_write_seconds" in client.get("/metrics").text
        assert client.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 403


def test_forwarded_headers_count_only_from_trusted_proxies(shared_program: Program) -> None:
    with shared_program.client() as client:
        forged = client.get("/health", headers={"x-forwarded-proto": "https"})
        assert "strict-transport-security" not in forged.headers


def test_a_trusted_proxy_is_believed(template_file: object, program: Program) -> None:
    program.stop()
    program.environment["FAZT_TRUSTED_PROXIES"] = "127.0.0.1"
    program.start()
    with program.client() as client:
        answer = client.get("/health", headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"})
        assert "strict-transport-security" in answer.headers


def test_the_api_describes_itself(shared_program: Program) -> None:
    with shared_program.client() as client:
        described = client.get("/api/docs/openapi.json").json()
    assert described["info"]["title"] == "fazt"
    assert json.dumps(described)


def test_a_method_that_is_not_allowed_is_a_405(shared_program: Program) -> None:
    with shared_program.owner() as client:
        answer: httpx.Response = client.delete("/api/v1/me")
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_mount_may_be_for_some_methods_only(shared_program: Program) -> None:
    """The drive answers PROPFIND at the root, where a person finds the dashboard."""
    with shared_program.client() as client:
        assert "PROPFIND" in client.options("/").headers["allow"]
        assert client.request("PROPFIND", "/").status_code == 401
        assert client.get("/", headers={"accept": "text/html"}).status_code == 303


def test_credentials_outside_ascii_are_refused_and_no_fault(shared_program: Program) -> None:
    with shared_program.client() as client:
        answer = client.get("/api/v1/me", headers={b"authorization": b"Basic YTpi\x80"})
    assert answer.status_code == 401


def test_a_request_that_breaks_off_in_its_body_is_no_fault(shared_program: Program) -> None:
    with socket.create_connection(("127.0.0.1", shared_program.port)) as line:
        line.sendall(
            b"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Basic " + base64.b64encode(f"{OWNER_EMAIL}:{OWNER_PASSWORD}".encode()) + b"\r\n"
            b'Content-Length: 50\r\n\r\n{"name":'
        )
        line.shutdown(socket.SHUT_WR)
        while line.recv(1_000):
            pass
    assert "unforeseen error" not in shared_program.log


def test_a_body_that_is_no_utf8_is_invalid(shared_program: Program) -> None:
    with shared_program.owner(headers={"content-type": "application/json"}) as client:
        answer = client.post("/api/v1/tokens", content=b'{"name": "\xff"}')
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not UTF-8.")


@pytest.mark.parametrize(
    "path", ["/health", "/metrics", "/db/x/1", "/static/x", "/track", "/pixel.gif", "/joplin/api/ping", "/r/x", "/dav/"]
)
def test_a_websocket_where_there_is_none_is_refused_and_no_fault(shared_program: Program, path: str) -> None:
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    said = len(shared_program.log)
    with socket.create_connection(("127.0.0.1", shared_program.port), timeout=10) as line:
        line.sendall((asked + key).encode())
        heard = b""
        while piece := line.recv(1_000):
            heard += piece
    assert heard.startswith(b"HTTP/1.1 403 ")
    assert "unforeseen error" not in shared_program.log[said:]
