"""What several edges of the drive need: whose files are meant, bytes that come in, working copies of sites."""

from fazt.apps.drive.actions.bodies import SMALL_BYTES, assemble, receive_content
from fazt.apps.drive.actions.places import READ, WRITE, Place, locate, new_terms, quota_bytes, spot_of
from fazt.apps.drive.actions.sites import open_site, publish

__all__ = [
    "READ",
    "SMALL_BYTES",
    "WRITE",
    "Place",
    "assemble",
    "locate",
    "new_terms",
    "open_site",
    "publish",
    "quota_bytes",
    "receive_content",
    "spot_of",
]
