"""Archives for tests, honest and hostile."""

from __future__ import annotations

import io
import tarfile
import zipfile


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A plain zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    """A plain tar, packed as `mode` says."""
    return make_tar_of([(tar_info(name, len(data)), data) for name, data in files.items()], mode)


def tar_info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """The head of a member."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


def make_tar_of(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    """A tar of heads and bytes as they are given."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as target:  # type: ignore[call-overload]
        for info, data in members:
            target.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_with_mode(name: str, mode: int, data: bytes = b"x") -> bytes:
    """A zip of one entry with these Unix mode bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        target.writestr(info, data)
    return buffer.getvalue()
