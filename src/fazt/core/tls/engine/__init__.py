"""Certificates at work: in memory for handshakes, from authorities in the background."""

from fazt.core.tls.engine.doctor import Diagnosis, examine
from fazt.core.tls.engine.keeper import Keeper
from fazt.core.tls.engine.status import CertificateView, Status, describe
from fazt.core.tls.engine.tls import Tls
from fazt.core.tls.engine.waking import keeping

__all__ = ["CertificateView", "Diagnosis", "Keeper", "Status", "Tls", "describe", "examine", "keeping"]
