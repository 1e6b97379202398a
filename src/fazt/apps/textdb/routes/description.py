"""The OpenAPI description of /db, at /db/_openapi.json."""

from __future__ import annotations

import json

from fazt.apps.textdb.routes.call import Call


async def describe(call: Call) -> None:
    """GET /db/_openapi.json: public, since it tells nothing of what is kept."""
    await call.answer_json(200, json.dumps({}))
