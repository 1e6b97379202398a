"""tus 1.0, extension by extension, as the protocol's text has it."""

from __future__ import annotations

import base64
import hashlib
import socket
import zlib
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

DATA = bytes(range(256)) * 2_000
TUS = {"tus-resumable": "1.0.0"}
BODY = {**TUS, "content-type": "application/offset+octet-stream"}


def b64(text: str | bytes) -> str:
    """As Upload-Metadata and Upload-Checksum have it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def create(client: httpx.Client, size: int | None = len(DATA), **headers: str) -> str:
    """A new upload; its path."""
    sized = {} if size is None else {"upload-length": str(size)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.post("/d/tus", headers={**TUS, **sized, "upload-metadata": f"filename {b64('a b.bin')}", **named})
    assert answer.status_code == 201, answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert "GMT" in answer.headers["upload-expires"]
    return urlsplit(answer.headers["location"]).path


def patch(client: httpx.Client, path: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
    """More bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.patch(path, content=data, headers={**BODY, "upload-offset": str(offset), **named})


def read(client: httpx.Client, path: str) -> bytes:
    """The bytes of the drop that an upload became."""
    location = client.get(path).headers["location"]
    return client.get(location).content


def test_what_the_server_can_do(stranger: httpx.Client) -> None:
    answer = stranger.options("/d/tus")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert int(answer.headers["tus-max-size"]) == 10_000_000_000
    assert set(answer.headers["tus-extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "termination",
        "checksum",
        "concatenation",
    }
    assert "sha1" in answer.headers["tus-checksum-algorithm"].split(",")


def test_core_protocol(owner: httpx.Client) -> None:
    path = create(owner)
    head = owner.head(path, headers=TUS)
    assert head.headers["upload-offset"] == "0"
    assert head.headers["upload-length"] == str(len(DATA))
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["upload-metadata"] == f"filename {b64('a b.bin')}"
    first = patch(owner, path, 0, DATA[:200_001])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "200001")
    assert patch(owner, path, 0, DATA).status_code == 409
    assert patch(owner, path, 200_001, DATA).status_code == 413
    assert owner.head(path, headers=TUS).headers["upload-offset"] == "200001"
    last = patch(owner, path, 200_001, DATA[200_001:])
    assert last.headers["upload-offset"] == str(len(DATA))
    assert owner.get(urlsplit(last.headers["x-drop-url"]).path).content == DATA
    assert read(owner, path) == DATA
    view = owner.get(f"/api/v1/drops/{last.headers['x-drop-url'].rpartition('/')[2]}").json()
    assert view["files"][0]["path"] == "a b.bin"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_other_versions_are_refused(owner: httpx.Client, method: str, version: str | None) -> None:
    headers = {"tus-resumable": version} if version else {}
    answer = owner.request(method, "/d/tus", headers=headers)
    assert answer.status_code == 412
    assert answer.headers["tus-version"] == "1.0.0"


def test_the_method_may_be_in_a_header(owner: httpx.Client) -> None:
    path = create(owner, 3)
    answer = owner.post(path, content=b"abc", headers={**BODY, "upload-offset": "0", "x-http-method-override": "PATCH"})
    assert answer.status_code == 204
    assert read(owner, path) == b"abc"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-length": "1", "upload-defer-length": "1"}, 400),
        ({"upload-defer-length": "2"}, 400),
        ({"upload-length": "99999999999999"}, 413),
        ({"upload-length": "1", "upload-metadata": "a !"}, 400),
        ({"upload-length": "1", "upload-metadata": "a YQ==,a YQ=="}, 400),
        ({"upload-length": "1", "upload-concat": "whole"}, 400),
        ({"upload-concat": "final;/d/tus/x"}, 400),
        ({"upload-concat": "final;/d/tus/" + "0" * 24}, 404),
        ({"upload-length": "1", "upload-metadata": f"drop {b64('nothinghere0')}"}, 404),
    ],
)
def test_impossible_uploads(owner: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = owner.post("/d/tus", headers={**TUS, **headers})
    assert answer.status_code == status
    assert answer.headers["tus-resumable"] == "1.0.0"


def test_impossible_requests(owner: httpx.Client) -> None:
    path = create(owner)
    answer = owner.patch(path, content=b"x", headers={**TUS, "upload-offset": "0", "content-type": "text/plain"})
    assert answer.status_code == 415
    assert owner.patch(path, content=b"x", headers=BODY).status_code == 400
    assert owner.head("/d/tus/" + "0" * 24, headers=TUS).status_code == 404
    assert owner.put("/d/tus", content=b"a file of this name").status_code == 200


def test_bytes_with_the_creation(owner: httpx.Client) -> None:
    headers = {**BODY, "upload-length": "6"}
    answer = owner.post("/d/tus", content=b"abc", headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "3")
    path = urlsplit(answer.headers["location"]).path
    assert patch(owner, path, 3, b"def").status_code == 204
    assert read(owner, path) == b"abcdef"
    whole = owner.post("/d/tus", content=b"abcdef", headers=headers)
    assert owner.get(urlsplit(whole.headers["x-drop-url"]).path).content == b"abcdef"


def test_an_empty_file(owner: httpx.Client) -> None:
    assert read(owner, create(owner, 0)) == b""


def test_the_length_may_come_later(owner: httpx.Client) -> None:
    path = create(owner, None, upload_defer_length="1")
    assert owner.head(path, headers=TUS).headers["upload-defer-length"] == "1"
    assert patch(owner, path, 0, b"abc").status_code == 204
    assert patch(owner, path, 3, b"def", upload_length="6").status_code == 204
    assert read(owner, path) == b"abcdef"
    path = create(owner, None, upload_defer_length="1")
    assert patch(owner, path, 0, b"abc", upload_length="3").status_code == 204
    assert patch(owner, path, 3, b"", upload_length="4").status_code == 400
    assert read(owner, path) == b"abc"


def test_termination(owner: httpx.Client) -> None:
    path = create(owner)
    patch(owner, path, 0, DATA[:1000])
    assert owner.delete(path, headers=TUS).status_code == 204
    assert owner.head(path, headers=TUS).status_code == 404
    path = create(owner, 3)
    url = patch(owner, path, 0, b"abc").headers["x-drop-url"]
    assert owner.delete(path, headers=TUS).status_code == 204
    assert owner.get(urlsplit(url).path).status_code == 404


SUMS: dict[str, Callable[[bytes], bytes]] = {
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
}


@pytest.mark.parametrize("algorithm", SUMS)
def test_checksums(owner: httpx.Client, algorithm: str) -> None:
    path = create(owner, 6)
    wrong = patch(owner, path, 0, b"abx", upload_checksum=f"{algorithm} {b64(SUMS[algorithm](b'abc'))}")
    assert wrong.status_code == 460
    assert owner.head(path, headers=TUS).headers["upload-offset"] == "0"
    right = patch(owner, path, 0, b"abc", upload_checksum=f"{algorithm} {b64(SUMS[algorithm](b'abc'))}")
    assert right.status_code == 204
    assert patch(owner, path, 3, b"def", upload_checksum="rot13 abcd").status_code == 400
    patch(owner, path, 3, b"def")
    assert read(owner, path) == b"abcdef"


def test_concatenation(owner: httpx.Client) -> None:
    cuts = [DATA[:150_000], DATA[150_000:150_000], DATA[150_000:400_000], DATA[400_000:]]
    parts = []
    for cut in cuts:
        path = create(owner, len(cut), upload_concat="partial")
        if cut:
            assert patch(owner, path, 0, cut).status_code == 204
        assert owner.head(path, headers=TUS).headers["upload-concat"] == "partial"
        assert owner.get(path).status_code == 404
        parts.append(path)
    final = create(owner, None, upload_concat="final;" + " ".join(f"http://anything{path}" for path in parts))
    assert read(owner, final) == DATA
    head = owner.head(final, headers=TUS)
    assert head.headers["upload-length"] == head.headers["upload-offset"] == str(len(DATA))
    assert head.headers["upload-concat"].startswith("final;")
    assert patch(owner, final, len(DATA), b"x").status_code == 403
    location = owner.get(final).headers["location"]
    part = owner.get(location, headers={"range": "bytes=149990-150009"})
    assert part.content == DATA[149_990:150_010]
    again = owner.post("/d/tus", headers={**TUS, "upload-concat": f"final;{parts[0]}"})
    assert again.status_code == 409


def test_parts_of_others_are_not_joined(owner: httpx.Client, stranger: httpx.Client) -> None:
    path = create(owner, 3, upload_concat="partial")
    patch(owner, path, 0, b"abc")
    owner.put("/api/v1/settings/drops.strangers", json={"value": True})
    answer = stranger.post("/d/tus", headers={**TUS, "upload-concat": f"final;{path}"})
    owner.delete("/api/v1/settings/drops.strangers")
    assert answer.status_code == 400
    unfinished = create(owner, 3, upload_concat="partial")
    assert owner.post("/d/tus", headers={**TUS, "upload-concat": f"final;{unfinished}"}).status_code == 409


def test_several_files_make_one_drop(owner: httpx.Client, stranger: httpx.Client) -> None:
    made = owner.post("/api/v1/drops", json={"title": "Two", "max_downloads": 5}).json()
    token = {"x-owner-token": made["owner_token"]}
    for at, name in enumerate(("b.txt", "deep/a.txt")):
        metadata = f"drop {b64(made['id'])},path {b64(name)},position {b64(str(1 - at))}"
        headers = {**TUS, **token, "upload-length": "1", "upload-metadata": metadata}
        path = urlsplit(stranger.post("/d/tus", headers=headers).headers["location"]).path
        assert patch(stranger, path, 0, str(at).encode()).status_code == 204
        assert stranger.get(f"/d/{made['id']}").status_code == 404
    assert stranger.post(f"/api/v1/drops/{made['id']}/finish").status_code == 404
    view = stranger.post(f"/api/v1/drops/{made['id']}/finish", headers=token).json()
    assert [file["path"] for file in view["files"]] == ["deep/a.txt", "b.txt"]
    assert stranger.get(f"/d/{made['id']}/deep/a.txt").content == b"1"


def test_what_came_before_a_cut_is_kept_and_the_next_request_goes_on(owner: httpx.Client, program: Program) -> None:
    path = create(owner)
    login = b64(f"{OWNER_EMAIL}:{OWNER_PASSWORD}")
    head = f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\nTus-Resumable: 1.0.0\r\n"
    head += f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        connection.sendall(head.encode() + DATA[:300_000])
        connection.shutdown(socket.SHUT_WR)

    def kept() -> int:
        return int(owner.head(path, headers=TUS).headers["upload-offset"])

    wait_until(lambda: kept() > 0, 30, "what came is kept")
    offset = kept()
    assert 0 < offset <= 300_000
    assert patch(owner, path, offset, DATA[offset:]).status_code == 204
    assert read(owner, path) == DATA


def test_a_dead_connection_does_not_hold_the_upload(owner: httpx.Client, program: Program) -> None:
    """A phone that changed its network comes back while the old connection still looks alive."""
    path = create(owner)
    head = f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"
    head += f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: {len(DATA)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        connection.sendall(head.encode() + DATA[:300_000])
        wait_until(lambda: int(owner.head(path, headers=TUS).headers["upload-offset"]) > 0)
        offset = int(owner.head(path, headers=TUS).headers["upload-offset"])
        assert patch(owner, path, offset, DATA[offset:]).status_code == 204
    assert read(owner, path) == DATA
