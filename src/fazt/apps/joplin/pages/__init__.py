"""Pages of notes: for their owner, and for everybody who has the link to a published one."""

from fazt.apps.joplin.pages.files import MOUNT as FILES
from fazt.apps.joplin.pages.notes import PAGES as NOTES
from fazt.apps.joplin.pages.notes import card
from fazt.apps.joplin.pages.past import PAGES as PAST
from fazt.apps.joplin.pages.places import PAGES as PLACES
from fazt.apps.joplin.pages.published import LINKED, SHAREABLE
from fazt.apps.joplin.pages.published import MOUNT as PUBLISHED
from fazt.apps.joplin.pages.transfer import PAGES as TRANSFER

PAGES = [PUBLISHED, LINKED, FILES, *NOTES, *PAST, *PLACES, *TRANSFER]

__all__ = ["PAGES", "SHAREABLE", "card"]
