"""Pages of notes: for their owner, and for everybody who has the link to a published one."""

from fazt.apps.joplin.pages.published import MOUNT as PUBLISHED

PAGES = [PUBLISHED]
