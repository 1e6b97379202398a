"""What pads are made of: names, documents, edits, and who may do what."""

from fazt.apps.pads.model.document import NOTHING, ROOT, Broken, Document, rewrite
from fazt.apps.pads.model.edits import Edit, clean_text, find_edits
from fazt.apps.pads.model.names import check_name, split_ending
from fazt.apps.pads.model.pad import (
    GUEST,
    LEVELS,
    VISIT_KIND,
    Level,
    Pad,
    Row,
    Stored,
    Version,
    check_level,
    check_password,
    parse_tag,
    tag_of,
)

__all__ = [
    "GUEST",
    "LEVELS",
    "NOTHING",
    "ROOT",
    "VISIT_KIND",
    "Broken",
    "Document",
    "Edit",
    "Level",
    "Pad",
    "Row",
    "Stored",
    "Version",
    "check_level",
    "check_name",
    "check_password",
    "clean_text",
    "find_edits",
    "parse_tag",
    "rewrite",
    "split_ending",
    "tag_of",
]
