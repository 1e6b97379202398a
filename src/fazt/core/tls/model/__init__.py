"""What certificates, names and times are: pure data and calculations."""

from fazt.core.tls.model.certificates import Certificate, HostState, Mode, Source, covers, find_covering, is_good
from fazt.core.tls.model.names import check_name, is_private_name, is_public_name, normalize, registered_domain

__all__ = [
    "Certificate",
    "HostState",
    "Mode",
    "Source",
    "check_name",
    "covers",
    "find_covering",
    "is_good",
    "is_private_name",
    "is_public_name",
    "normalize",
    "registered_domain",
]
