"""What a drop is: pure structs, checks and names."""

from fazt.apps.drops.model.drop import (
    DAY_S,
    Drop,
    File,
    Options,
    Part,
    Policy,
    Request,
    Upload,
    Uploader,
    check_id,
    check_options,
    check_request,
    choices_of,
    etag_of,
    expiry_of,
)
from fazt.apps.drops.model.names import clean_path, disposition, matches_types, quote_path, type_of, unique_path
from fazt.apps.drops.model.previews import HIGHLIGHT_BYTES, is_inline_safe, preview_of, serving_type

__all__ = [
    "DAY_S",
    "HIGHLIGHT_BYTES",
    "Drop",
    "File",
    "Options",
    "Part",
    "Policy",
    "Request",
    "Upload",
    "Uploader",
    "check_id",
    "check_options",
    "check_request",
    "choices_of",
    "clean_path",
    "disposition",
    "etag_of",
    "expiry_of",
    "is_inline_safe",
    "matches_types",
    "preview_of",
    "quote_path",
    "serving_type",
    "type_of",
    "unique_path",
]
