"""/db: which request goes where. Plain ASGI, since it is on the way of every document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import MatchRequired
from fazt.apps.textdb.model.naming import COLLECTION
from fazt.apps.textdb.routes import documents, feeds, lists, transfer
from fazt.apps.textdb.routes.call import Call, cors_headers, preflight_headers, split_path
from fazt.apps.textdb.routes.description import describe
from fazt.apps.textdb.routes.glance import glance
from fazt.apps.textdb.routes.saving import save_now
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.eager import begin
from fazt.core.http.errors import Problem, encode_problem, to_headers, to_problem
from fazt.core.http.front import Reply
from fazt.core.http.messages import ClientGone
from fazt.core.http.root import wants_page

Answer = Callable[..., Awaitable[None]]

OF_ALL: dict[str, dict[str, Answer]] = {
    "": {"GET": lists.list_collections},
    "_batch": {"POST": lists.run_batch},
    "_openapi.json": {"GET": describe},
}
OF_COLLECTION: dict[str, dict[str, Answer]] = {
    "": {"GET": lists.list_documents, "POST": documents.create},
    "_changes": {"GET": feeds.changes},
    "_explain": {"GET": lists.explain_list},
    "_aggregate": {"GET": lists.aggregate_list},
    "_export": {"GET": transfer.export_documents},
    "_import": {"POST": transfer.import_documents},
}
OF_DOCUMENT: dict[str, dict[str, Answer]] = {
    "": {"GET": documents.get, "PUT": documents.put, "PATCH": documents.change, "DELETE": documents.delete},
    "_history": {"GET": documents.history},
    "_restore": {"POST": documents.restore},
}


def find_answers(path: list[str]) -> tuple[dict[str, Answer], list[str]]:
    """What answers at a path, by method, and the arguments for it. Raises NotFound."""
    match path:
        case []:
            return OF_ALL[""], []
        case [special] if special in OF_ALL and special:
            return OF_ALL[special], []
        case [name] if COLLECTION.fullmatch(name):
            return OF_COLLECTION[""], [name]
        case [name, special] if COLLECTION.fullmatch(name) and special in OF_COLLECTION and special:
            return OF_COLLECTION[special], [name]
        case [name, id_] if COLLECTION.fullmatch(name) and not id_.startswith("_"):
            return OF_DOCUMENT[""], [name, id_]
        case [name, id_, special] if COLLECTION.fullmatch(name) and special in OF_DOCUMENT and special:
            return OF_DOCUMENT[special], [name, id_]
    raise NotFound("There is nothing at this address.", hint="/db/{collection} or /db/{collection}/{id}.")


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """One request to /db. What it raises is answered here, so that other origins can read why."""
    call = Call(core, scope, receive, send, [])
    try:
        call.path = split_path(scope)
        collection = await textdb_of(core).find(call.path[0]) if call.path else None
        call.cors = cors_headers(core, scope, collection)
        answers, arguments = find_answers(call.path)
        await run_method(call, answers, arguments)
    except ClientGone:
        raise
    except FaztError as error:
        if wants_page(scope) or getattr(send, "started", False):
            raise  # the root has a page for it, or cuts the connection in mid-answer
        await answer_problem(call, to_problem(error), error)


async def run_method(call: Call, answers: dict[str, Answer], arguments: list[str]) -> None:
    """The answer for the method; 405 with those that there are."""
    method = "GET" if call.method == "HEAD" else call.method
    if method in answers:
        await answers[method](call, *arguments)
        return
    allowed = ", ".join([*answers, *(["HEAD"] if "GET" in answers else []), "OPTIONS"]).encode()
    if method == "OPTIONS":
        await call.answer(204, [(b"allow", allowed), *preflight_headers(call)])
        return
    problem = Problem(405, "Method not allowed", f"{call.method} does nothing at this address.")
    await call.answer(
        405, [(b"allow", allowed), (b"content-type", b"application/problem+json")], encode_problem(problem)
    )


async def answer_problem(call: Call, problem: Problem, error: FaztError) -> None:
    """An error as problem+json."""
    if isinstance(error, MatchRequired):
        problem.status, problem.title = 428, "If-Match is required"
    headers = [*to_headers(problem), (b"content-type", b"application/problem+json")]
    await call.answer(problem.status, headers, encode_problem(problem))


def answer_now(core: Core, scope: Scope, reply: Reply) -> bool:
    """The same at the front door."""
    return glance(core, scope, reply) or begin(answer, core, scope, reply)


MOUNT = Mount(
    "/db",
    answer,
    "own",
    "JSON documents; rules of the collection, a login, or a token with textdb scopes.",
    front=answer_now,
    front_post=save_now,
)
