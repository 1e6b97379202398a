"""Small pictures of photos, made once and kept."""

from __future__ import annotations

import asyncio
import io
import warnings
from typing import TYPE_CHECKING

from fazt.apps.drive import store
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.wire.types import find_type

if TYPE_CHECKING:
    from fazt.core import Core

EDGE = 360
MAX_BYTES = 40 << 20
MAX_PIXELS = 120_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
AT_ONCE = asyncio.Semaphore(2)


def has_thumb(found: Node) -> bool:
    """Whether it is worth trying."""
    kind = find_type(found.name)
    return not found.is_folder and 0 < found.size <= MAX_BYTES and kind.startswith("image/") and "svg" not in kind


async def get_thumb(core: Core, found: Node) -> bytes:
    """A small picture in WebP, or b"" where none can be made."""
    kept = await core.db.read(store.find_thumb, found.hash, EDGE)
    if kept is not None:
        return kept
    if not has_thumb(found):
        return b""
    async with AT_ONCE:
        kept = await core.db.read(store.find_thumb, found.hash, EDGE)
        if kept is not None:
            return kept
        data = b"".join([piece async for piece in core.blobs.open(found.hash)])
        made = await asyncio.to_thread(make_thumb, data)
        await core.db.write(store.put_thumb, found.hash, EDGE, made, core.clock())
    return made


def make_thumb(data: bytes) -> bytes:
    """A picture that fits into EDGE × EDGE, the right way up; b"" for what is no picture, or far too large."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - Pillow is large, and only pictures need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    return b""
                picture.draft("RGB", (2 * EDGE, 2 * EDGE))
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((EDGE, EDGE))
                mode = "RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB"
                out = io.BytesIO()
                upright.convert(mode).save(out, "WEBP", quality=72, method=2)
                return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, EOFError, MemoryError):
        return b""
