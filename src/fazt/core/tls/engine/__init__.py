"""Certificates at work: in memory for handshakes, from authorities in the background."""

from fazt.core.tls.engine.keeper import Keeper
from fazt.core.tls.engine.tls import Tls
from fazt.core.tls.engine.waking import keeping

__all__ = ["Keeper", "Tls", "keeping"]
