"""The Litestar application: JSON APIs and pages, with core's injection, limits and errors."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request, Response
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import HTTPRoute
from litestar.types import Scope
from litestar.utils import join_paths

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

    def register_all(self, handlers: list[Any]) -> None:
        """As `register` of each, in half the time of a start.

        `register` looks through all paths and all of their tree for every handler, makes a path anew for each method
        that it has, and reads the signature of a handler for OPTIONS for each path.
        """
        at: dict[str, list[HTTPRouteHandler]] = {}
        for handler in handlers:
            if not isinstance(handler, HTTPRouteHandler):
                self.register(handler)
                continue
            own = copy(handler)
            own.owner = self
            for path in handler.paths:
                at.setdefault(join_paths([self.path, path]), []).append(own)
        assert at.keys().isdisjoint(self.route_handler_method_map), "a path of Litestar's own"
        allowed: dict[str, str] = {}
        options = self._answer_options(allowed)
        for path, found in at.items():
            route = HTTPRoute(path=path, route_handlers=[*found, options])
            allowed[route.path_format] = ", ".join(sorted(route.methods))
            self._add(route)
        self.asgi_router.construct_routing_trie()

    def _add(self, route: HTTPRoute) -> None:
        self.routes.append(route)
        for handler in route.route_handlers:
            handler.on_registration(self)
        route.create_handler_map()
        for plugin in self.plugins.receive_route:
            plugin.receive_route(route)

    def _answer_options(self, allowed: dict[str, str]) -> HTTPRouteHandler:
        """One handler for all paths; each of Litestar's own knows only the methods of its path's first handler."""

        def answer(scope: Scope) -> Response[None]:
            headers = {"Allow": allowed[scope["path_template"]]}
            return Response(None, status_code=204, headers=headers, media_type=MediaType.TEXT)

        made = HTTPRouteHandler(http_method="OPTIONS", include_in_schema=False, sync_to_thread=False)(answer)
        made.owner = self
        return made


def create_litestar(core: Core, routes: list[Any]) -> Litestar:
    """The application with all apps' handlers; `core` and `caller` are injected by name."""
    made = Api(
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
    made.register_all(routes)
    return made


def quiet(config: AppConfig) -> AppConfig:
    """Litestar logs nothing by itself: the root does."""
    config.logging_config = None
    return config
