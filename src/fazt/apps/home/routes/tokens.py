"""API tokens and app passwords of one's own."""

from __future__ import annotations

from litestar import delete, get, post

from fazt.apps.home.actions import make_token
from fazt.apps.home.model import NewToken, Secret
from fazt.core import Core
from fazt.core.auth import Caller, Token, store
from fazt.core.http.access import member


@get("/api/v1/tokens", guards=[member])
async def list_tokens(core: Core, caller: Caller) -> list[Token]:
    """Tokens and app passwords, newest first, without their secrets."""
    return await core.db.read(store.list_tokens, caller.user_id)


@post("/api/v1/tokens", guards=[member])
async def create_token(core: Core, caller: Caller, data: NewToken) -> Secret:
    """A new one; its secret is answered this once."""
    return await make_token(core, caller, data.name, data.scopes, data.kind, data.days)


@delete("/api/v1/tokens/{token_id:str}", guards=[member])
async def delete_token(core: Core, caller: Caller, token_id: str) -> None:
    """End it, and the sessions that were opened with it."""
    await core.db.write(store.delete_token, caller.user_id, token_id)


ROUTES = [list_tokens, create_token, delete_token]
