"""Signatures as minisign makes and takes them, sums, and lists of releases."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fazt.apps.upgrade.wire import Comment, parse_keys, parse_releases, parse_signature, parse_sums, verify
from fazt.apps.upgrade.wire.minisign import hash_pieces, parse_secret_key, sign
from fazt.core.errors import Forbidden, Invalid
from tests.apps.upgrade.trees import KEY
from tools.release.pack import new_key, sign_file

COMMENT = Comment("fazt-1.2.3-linux-x86_64.tar.gz", "1.2.3", 1_800_000_000)


def test_a_signature_holds_and_says_what_was_signed() -> None:
    digest = hash_pieces([b"pro", b"gram"])
    text = sign(KEY, digest, COMMENT)
    assert verify(parse_signature(text), digest, [new_key().public, KEY.public]) == COMMENT


def test_whatever_is_changed_the_signature_does_not_hold() -> None:
    digest = hash_pieces([b"program"])
    text = sign(KEY, digest, COMMENT)
    with pytest.raises(Forbidden, match="signature is wrong"):
        verify(parse_signature(text), hash_pieces([b"programme"]), [KEY.public])
    with pytest.raises(Forbidden, match="signature is wrong"):
        verify(parse_signature(text.replace("version:1.2.3", "version:1.2.4")), digest, [KEY.public])
    with pytest.raises(Forbidden, match="does not know"):
        verify(parse_signature(text), digest, [new_key().public])
    with pytest.raises(Forbidden, match="does not know"):
        verify(parse_signature(text), digest, [])
    other = new_key()
    with pytest.raises(Forbidden, match="signature is wrong"):  # a key that calls itself ours
        verify(parse_signature(text), digest, [type(KEY.public)(KEY.id, other.public.key)])


def test_minisign_itself_takes_our_signatures(tmp_path: Path) -> None:
    path = tmp_path / COMMENT.file
    path.write_bytes(b"a program" * 1_000)
    sign_file(path, "1.2.3", KEY, at=COMMENT.at)
    said = subprocess.run(
        ["minisign", "-V", "-m", path, "-P", str(KEY.public)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "version:1.2.3" in said.stdout
    path.write_bytes(b"another")
    assert subprocess.run(["minisign", "-Vm", path, "-P", str(KEY.public)], capture_output=True, check=False).returncode


def test_we_take_signatures_of_minisign_itself(tmp_path: Path) -> None:
    path, public, secret = tmp_path / "file", tmp_path / "key.pub", tmp_path / "key"
    path.write_bytes(b"a program")
    made: list[str | Path] = ["minisign", "-G", "-W", "-p", public, "-s", secret]
    subprocess.run(made, check=True, capture_output=True)
    told = "timestamp:1800000000\tfile:file\tversion:1.2.3"
    signed: list[str | Path] = ["minisign", "-S", "-m", path, "-s", secret, "-t", told]
    subprocess.run(signed, check=True, capture_output=True)
    signature = parse_signature(path.with_name("file.minisig").read_text())
    found = verify(signature, hash_pieces([b"a program"]), parse_keys(public.read_text()))
    assert found == Comment("file", "1.2.3", 1_800_000_000)


def test_keys_are_written_and_read() -> None:
    key = new_key()
    assert parse_secret_key(f"# a comment\n{key}\n") == key
    assert parse_keys(f"untrusted comment: x\n# y\n{key.public}\n\n{KEY.public}\n") == (key.public, KEY.public)
    assert str(key) not in repr(key)
    for text in ("", "x", str(key.public)[:-4], "AAAA" + str(key.public)[4:]):
        with pytest.raises(Invalid):
            parse_keys(text or "?")


@settings(max_examples=60)
@given(st.text(max_size=400))
def test_parsing_a_signature_raises_nothing_but_invalid(text: str) -> None:
    for parse in (parse_signature, parse_sums, parse_keys):
        try:
            parse(text)
        except Invalid:
            continue


@settings(max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=300), st.recursive(st.none() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
    )
)
def test_parsing_releases_raises_nothing_but_invalid(text: bytes) -> None:
    try:
        parse_releases(text)
    except Invalid:
        return


def test_releases_are_read_as_github_writes_them() -> None:
    raw = {
        "tag_name": "v1.2.3",
        "body": None,
        "html_url": "javascript:alert(1)",
        "published_at": "2026-11-27T20:00:00Z",
        "assets": [
            {"name": "a.tar.gz", "browser_download_url": "https://x/a", "size": 3, "digest": "sha256:ab"},
            {"name": "../b", "browser_download_url": "https://x/b", "size": 3, "digest": None},
        ],
    }
    found = parse_releases(json.dumps([raw, {**raw, "draft": True}, {**raw, "tag_name": "nightly"}]).encode())
    assert [(one.version, one.url, one.published_at) for one in found] == [("1.2.3", "", 1_795_809_600_000)]
    assert {name: asset.sha256 for name, asset in found[0].assets.items()} == {"a.tar.gz": "ab"}
    assert parse_releases(json.dumps(raw).encode())[0].version == "1.2.3"
    odd = parse_releases(json.dumps({**raw, "body": "a\0b", "html_url": "https://x/\n"}).encode())[0]
    assert (odd.notes, odd.url) == ("ab", "")
    less = {**raw, "assets": [{"name": "a", "browser_download_url": "https://x/a", "size": -1}]}
    for text in (json.dumps(less), json.dumps({**raw, "body": "\ud800"})):
        with pytest.raises(Invalid):
            parse_releases(text.encode())


def test_sums_are_read_as_sha256sum_writes_them() -> None:
    sums = f"{'a' * 64}  x.tar.gz\n{'b' * 64} *y.whl\n"
    assert parse_sums(sums) == {"x.tar.gz": "a" * 64, "y.whl": "b" * 64}
    for text in ("", "x", f"{'a' * 64}  ../x\n", f"{'a' * 63}  x\n"):
        with pytest.raises(Invalid):
            parse_sums(text)
