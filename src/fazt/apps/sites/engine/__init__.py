"""The sites as they are shown, from memory."""

from fazt.apps.sites.engine.cache import MAX_BODY_BYTES, BodyCache, Variant
from fazt.apps.sites.engine.hosting import Hosted, Hosting, run
from fazt.apps.sites.engine.packing import pack
from fazt.apps.sites.engine.resources import Index, Resource, build_resource

__all__ = [
    "MAX_BODY_BYTES",
    "BodyCache",
    "Hosted",
    "Hosting",
    "Index",
    "Resource",
    "Variant",
    "build_resource",
    "pack",
    "run",
]
