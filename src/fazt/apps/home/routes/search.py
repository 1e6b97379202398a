"""One search over everything that apps make findable."""

from __future__ import annotations

from litestar import get

from fazt.apps.home.model import check_limit
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.core.search import Found, search


@get("/api/v1/search", guards=[member])
async def find_all(
    core: Core, caller: Caller, q: str = "", kind: str = "", app: str = "", limit: int = 20, offset: int = 0
) -> list[Found]:
    """What has all words of `q`, the best first; of one `app` or one `kind` only where it is given."""
    kinds, limit, offset = ((kind,) if kind else ()), check_limit(limit), max(offset, 0)
    return await core.db.read(search, q, user_id=caller.user_id, kinds=kinds, app=app, limit=limit, offset=offset)


ROUTES = [find_all]
