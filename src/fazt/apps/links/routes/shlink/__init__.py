"""Shlink's REST API, version 3, so that its SDK, its web client and its apps work: `/rest/v3/…`."""

from fazt.apps.links.routes.shlink.door import MOUNT, answer

__all__ = ["MOUNT", "answer"]
