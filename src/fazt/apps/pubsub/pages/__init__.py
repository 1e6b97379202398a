"""Pages of topics: the list, each topic, boards of tiles, rules, and what a link shows."""

from fazt.apps.pubsub.pages.boards import PAGES as BOARDS
from fazt.apps.pubsub.pages.rules import PAGES as RULES
from fazt.apps.pubsub.pages.shared import PAGES as SHARED
from fazt.apps.pubsub.pages.shared import SHAREABLE
from fazt.apps.pubsub.pages.topics import PAGES as TOPICS
from fazt.apps.pubsub.pages.topics import card, connect

PAGES = [*TOPICS, *BOARDS, *RULES, *SHARED]

__all__ = ["PAGES", "SHAREABLE", "card", "connect"]
