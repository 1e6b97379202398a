"""Certificates at work: in memory for handshakes, from authorities in the background."""

from fazt.core.tls.engine.tls import Tls

__all__ = ["Tls"]
