"""Archives: wholly accepted, or refused with a reason."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from gzip import compress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fazt.apps.sites.model import Limits
from fazt.apps.sites.wire.archive import open_archive
from fazt.core.errors import Conflict, FaztError, Invalid, TooLarge
from tests.apps.sites.archives import make_tar, make_tar_of, make_zip, tar_info, zip_with_mode

SITE = {"index.html": b"<h1>Hello</h1>", "css/a.css": b"a{}" * 5000, "empty.txt": b""}
MAKERS: list[Callable[[dict[str, bytes]], bytes]] = [
    make_zip,
    make_tar,
    lambda files: make_tar(files, "w:"),
    lambda files: make_zip(files, zipfile.ZIP_STORED),
]


def unpack(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    archive = open_archive(io.BytesIO(data), limits or Limits())
    return {member.path: b"".join(archive.read(member)) for member in archive.members}


@pytest.mark.parametrize("make", MAKERS)
def test_what_goes_in_comes_out(make: Callable[[dict[str, bytes]], bytes]) -> None:
    assert unpack(make(SITE)) == SITE


@pytest.mark.parametrize("make", MAKERS)
def test_secrets_and_ignored_files_stay_behind(make: Callable[[dict[str, bytes]], bytes]) -> None:
    hidden = {".env": b"KEY=1", ".git/config": b"x", "node_modules/a/b.js": b"x", "__MACOSX/._index.html": b"x"}
    drafts = {"drafts/one.md": b"x", ".faztignore": b"drafts\n"}
    assert unpack(make(SITE | hidden | drafts)) == SITE


@pytest.mark.parametrize("make", MAKERS)
def test_the_folder_that_holds_everything_is_left_out(make: Callable[[dict[str, bytes]], bytes]) -> None:
    wrapped = {f"site-1.0/{path}": data for path, data in SITE.items()}
    assert unpack(make({**wrapped, "__MACOSX/x": b"", "site-1.0/.faztignore": b"css/"})) == {
        "index.html": SITE["index.html"],
        "empty.txt": b"",
    }
    only_folder = {"css/a.css": b"x"}
    assert unpack(make(only_folder)) == only_folder


def test_tar_of_the_current_folder() -> None:
    data = make_tar_of([(tar_info("./", kind=tarfile.DIRTYPE), b""), (tar_info("./a/b.txt", 1), b"x")])
    assert unpack(data) == {"a/b.txt": b"x"}


def test_names_in_utf8() -> None:
    files = {"日本/é.html": b"x"}
    assert unpack(make_zip(files)) == files
    assert unpack(make_tar(files)) == files


def test_zip_names_that_are_utf8_without_saying_so() -> None:
    data = bytearray(make_zip({"caf\u00e9.html": b"x"}))
    data[7] = data[data.find(b"PK\x01\x02") + 9] = 0  # the flag, in both heads
    assert unpack(bytes(data)) == {"caf\u00e9.html": b"x"}


BAD_NAMES = [
    ("../up.html", "'..'"),
    ("a/../../up.html", "'..'"),
    ("/etc/passwd", "absolute"),
    ("C:/x.html", "absolute"),
    ("a\\b.html", "backslash"),
    ("aux.html", "Windows"),
    ("a\x01b", "control"),
    ("a//b", "empty name"),
]


@pytest.mark.parametrize(("name", "reason"), BAD_NAMES)
@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_names_that_are_refused(make: Callable[[dict[str, bytes]], bytes], name: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        unpack(make({**SITE, name: b"x"}))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_and_devices_in_a_tar_are_refused(kind: bytes) -> None:
    data = make_tar_of([(tar_info("index.html", 1), b"x"), (tar_info("trick", kind=kind, link="/etc/passwd"), b"")])
    with pytest.raises(Invalid, match=r"link|special|damaged"):
        unpack(data)


@pytest.mark.parametrize(
    ("mode", "reason"), [(stat.S_IFLNK | 0o777, "symbolic link"), (stat.S_IFCHR | 0o666, "device")]
)
def test_links_and_devices_in_a_zip_are_refused(mode: int, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        unpack(zip_with_mode("trick", mode, b"/etc/passwd"))
    assert unpack(zip_with_mode("fine.txt", stat.S_IFREG | 0o644)) == {"fine.txt": b"x"}


def test_the_same_path_twice_is_refused() -> None:
    twice = [(tar_info("a.html", 1), b"1"), (tar_info("./a.html", 1), b"2")]
    with pytest.raises(Invalid, match="twice"):
        unpack(make_tar_of(twice))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as target:
        warnings.simplefilter("ignore")
        target.writestr("a.html", b"1")
        target.writestr("a.html", b"2")
    with pytest.raises(Invalid, match="twice"):
        unpack(buffer.getvalue())


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_file_that_is_also_a_folder_is_refused(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(Conflict):
        unpack(make({"a": b"x", "a/b": b"x"}))


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_bombs_are_refused_by_their_ratio(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(TooLarge, match="200 times"):
        unpack(make({"index.html": b"\0" * (40 << 20)}))


@pytest.mark.parametrize("make", MAKERS)
def test_too_large_altogether(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(TooLarge, match=r"together|more than the"):
        unpack(make(SITE), Limits(max_total_bytes=1000))


@pytest.mark.parametrize("make", MAKERS)
def test_one_file_too_large(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(TooLarge, match=r"css/a\.css"):
        unpack(make(SITE), Limits(max_file_bytes=1000))


@pytest.mark.parametrize("make", MAKERS)
def test_too_many_files(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(TooLarge, match="files"):
        unpack(make({f"{n}.html": b"" for n in range(20)}), Limits(max_files=10))


def test_a_zip_with_a_giant_directory_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLarge, match="files"):
        unpack(make_zip({f"{'x' * 200}{n}.html": b"" for n in range(2000)}), Limits(max_files=10))


def test_a_bomb_that_hides_in_a_folder_that_is_left_out() -> None:
    with pytest.raises(TooLarge):
        unpack(make_tar({"index.html": b"", "node_modules/x": b"\0" * (40 << 20)}))


def test_entries_that_overlap_are_counted_each() -> None:
    data = bytearray(make_zip({"a": b"\0" * (10 << 20), "b": b"\0" * (10 << 20)}))
    with pytest.raises(TooLarge, match="200 times"):
        unpack(bytes(data))


def test_a_header_that_claims_gigabytes_is_not_read() -> None:
    info = tar_info("x", kind=tarfile.XHDTYPE)
    head = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    head[124:136] = b"77777777777\x00"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\x00 " % sum(head)
    for data in (bytes(head), compress(bytes(head))):
        with pytest.raises(FaztError, match=r"header|damaged"):
            unpack(data)


def test_a_file_that_lies_about_its_size() -> None:
    data = bytearray(make_zip({"a.html": b"x" * 1000}, zipfile.ZIP_STORED))
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<LL", data, at + 20, 1000, 500)
    with pytest.raises(Invalid):
        unpack(bytes(data))


def test_encrypted_zips_are_refused() -> None:
    data = bytearray(make_zip({"a.html": b"x"}))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Invalid, match="encrypted"):
        unpack(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(method: int) -> None:
    with pytest.raises(Invalid, match=r"deflate|packed in a way"):
        unpack(make_zip(SITE, method))


def test_bad_utf8_in_names() -> None:
    with pytest.raises(Invalid, match="UTF-8"):
        unpack(make_tar_of([(tar_info("bad\udce9.html", 1), b"x")], "w:gz"))
    data = make_zip({"caf\u00e9.html": b"x"}).replace("\u00e9".encode(), b"\xe9\xe9")
    with pytest.raises(Invalid):
        unpack(data)


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b" + b"\0" * 600, b"\0" * 2000])
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(Invalid):
        unpack(data)


@pytest.mark.parametrize("make", MAKERS)
def test_an_empty_archive(make: Callable[[dict[str, bytes]], bytes]) -> None:
    with pytest.raises(Invalid):
        unpack(make({}))


@pytest.mark.parametrize("make", MAKERS)
def test_cut_archives_are_refused(make: Callable[[dict[str, bytes]], bytes]) -> None:
    data = make({"index.html": bytes(range(256)) * 40, "b.html": b"b" * 700})
    for end in range(1, len(data.rstrip(b"\0")), 97):
        with pytest.raises(FaztError):
            unpack(data[:end])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 3), st.data())
def test_any_damage_is_invalid_or_harmless(which: int, data: st.DataObject) -> None:
    packed = bytearray(MAKERS[which](SITE))
    for at in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=8)):
        packed[at] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            unpack(bytes(packed), Limits(max_total_bytes=1 << 20))
        except FaztError:
            return


@given(st.binary(max_size=600))
def test_noise_is_invalid(data: bytes) -> None:
    for head in (b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08"):
        with pytest.raises(FaztError):
            unpack(head + data)
