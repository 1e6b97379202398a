"""The Litestar application: JSON APIs and pages, with core's injection, limits and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from fazt import __version__
from fazt.core.errors import FaztError, Invalid, NotFound
from fazt.core.http.access import CALLER
from fazt.core.http.errors import TITLES, Problem, encode_problem, to_headers
from fazt.core.http.messages import ClientGone

if TYPE_CHECKING:
    from fazt.core import Core

MAX_BODY_BYTES = 4_000_000


def take_core(state: State) -> Any:
    """Injected as `core`."""
    return state.core


def take_caller(request: Request[Any, Any, Any]) -> Any:
    """Injected as `caller`: who the guard found."""
    scope: Any = request.scope
    return scope.get(CALLER)


GONE = "client disconnected prematurely"
"""What Litestar says, with 500, of a connection that ended before the body of its request did."""


def to_foreseen(error: Exception) -> Exception:
    """What Litestar itself raises, as the error that the root's table knows; else `error`."""
    if isinstance(error, ValidationException):
        extra: Any = error.extra or []
        fields = {str(item.get("key", "")): str(item.get("message", "")) for item in extra if isinstance(item, dict)}
        said = "; ".join(f"{key}: {message}" if key else message for key, message in fields.items())
        return Invalid(said or "The request does not fit what this address takes.", fields=fields)
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound("There is nothing at this address.")
    if isinstance(error, HTTPException) and error.detail == GONE:
        return ClientGone(GONE)
    if isinstance(error, UnicodeDecodeError):  # msgspec's JSON decoder has no error of its own for it
        return Invalid("The body is not UTF-8.")
    return error


def handle_http(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's own refusals that are no FaztError (405, 413, 415, …) as problem+json."""
    foreseen = to_foreseen(error)
    if foreseen is not error:
        raise foreseen from error
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status >= 500:
        raise error
    detail = str(getattr(error, "detail", "")) or "The request was refused."
    problem = Problem(status, TITLES.get(status, "Refused"), detail)
    headers = {name.decode(): value.decode() for name, value in to_headers(problem)}
    headers.update(getattr(error, "headers", None) or {})
    return Response(encode_problem(problem), status_code=status, media_type="application/problem+json", headers=headers)


def reraise(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Leave it to the root, which knows whether a page or a program asked."""
    raise error


class Api(Litestar):
    """Litestar without its plugins for pydantic and attrs, which nobody here uses: their imports take 4 MB."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_litestar(core: Core, routes: list[Any]) -> Litestar:
    """The application with all apps' handlers; `core` and `caller` are injected by name."""
    return Api(
        route_handlers=routes,
        state=State({"core": core}, deep_copy=False),
        dependencies={
            "core": Provide(take_core, sync_to_thread=False),
            "caller": Provide(take_caller, sync_to_thread=False),
        },
        exception_handlers={
            FaztError: reraise,
            HTTPException: handle_http,
            UnicodeDecodeError: handle_http,
            Exception: reraise,
        },
        request_max_body_size=MAX_BODY_BYTES,
        type_decoders=[],
        openapi_config=OpenAPIConfig(
            title="fazt",
            version=__version__,
            path="/api/docs",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
        ),
        logging_config=None,
        on_app_init=[quiet],
    )


def quiet(config: AppConfig) -> AppConfig:
    """Litestar logs nothing by itself: the root does."""
    config.logging_config = None
    return config
