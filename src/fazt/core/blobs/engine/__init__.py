"""The async engine of blobs."""

from fazt.core.blobs.engine.blobs import Blobs

__all__ = ["Blobs"]
