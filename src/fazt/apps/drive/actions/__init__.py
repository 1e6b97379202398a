"""What several edges of the drive need: whose files are meant, bytes that come in, working copies of sites."""

from fazt.apps.drive.actions.bodies import SMALL_BYTES, assemble, hold_content, receive_content
from fazt.apps.drive.actions.links import Linked, find_linked, is_in, open_link
from fazt.apps.drive.actions.places import READ, WRITE, Place, locate, new_terms, quota_bytes, spot_of
from fazt.apps.drive.actions.sites import open_site, publish
from fazt.apps.drive.actions.thumbs import get_thumb, has_thumb
from fazt.apps.drive.actions.zips import open_zip

__all__ = [
    "READ",
    "SMALL_BYTES",
    "WRITE",
    "Linked",
    "Place",
    "assemble",
    "find_linked",
    "get_thumb",
    "has_thumb",
    "hold_content",
    "is_in",
    "locate",
    "new_terms",
    "open_link",
    "open_site",
    "open_zip",
    "publish",
    "quota_bytes",
    "receive_content",
    "spot_of",
]
