"""Changing the DNS of a domain, to prove that it is ours (DNS-01)."""

from fazt.core.tls.engine.dns.look import Look
from fazt.core.tls.engine.dns.provider import PROVIDERS, Provider, open_provider

__all__ = ["PROVIDERS", "Look", "Provider", "open_provider"]
