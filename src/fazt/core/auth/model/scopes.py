"""Scopes: what a credential may do.

`app:action` or `app:action:resource`: `drive:rw`, `textdb:read:posts`, `pubsub:publish:home/*`.

- `rw` is `read` and `write`; nothing else implies anything, so `mail:rw` may not `mail:send`.
- `app:*` is every action of the app; `*:read` is that action of every app; `*` is every scope
  (but not what needs a person and no scope: settings, people, tokens).
- A scope with a resource holds for that one alone, or with `*` at its end for all that begin so.
"""

import json
import re
from collections.abc import Collection
from functools import lru_cache

from fazt.core.errors import Invalid

SCOPE = re.compile(r"(?:\*|[a-z][a-z0-9_]{0,31}):(?:\*|[a-z][a-z0-9_]{0,31})(?::[^\s\x00-\x1f\x7f]{1,200})?")
HALVES = ("read", "write")


def check_scope(scope: str) -> str:
    """`scope` itself. Raises Invalid where it is none."""
    if scope != "*" and not (SCOPE.fullmatch(scope) and scope.isprintable()):
        raise Invalid(f"{scope!r} is not a scope.", hint="For example drive:rw, textdb:read:posts or links:*.")
    return scope


def covers(granted: Collection[str], wanted: str) -> bool:
    """Whether the scopes in `granted` allow all of `wanted`.

    `textdb:read:posts` does not cover `textdb:read`, which asks for every collection.
    """
    if any(_covers_one(one, wanted) for one in granted):
        return True
    app, action, resource = _split(wanted)
    return action == "rw" and all(
        any(_covers_one(one, _join(app, half, resource)) for one in granted) for half in HALVES
    )


def covers_some(granted: Collection[str], wanted: str) -> bool:
    """Whether `granted` allows `wanted` for at least one resource; each one used must still be checked by `covers`."""
    app, action, _ = _split(wanted)
    return covers({_join(*_split(one)[:2], None) for one in granted}, _join(app, action, None))


def pack_scopes(scopes: frozenset[str] | None) -> str | None:
    """Scopes as they are stored: a sorted JSON list, or None for no limit."""
    return None if scopes is None else json.dumps(sorted(scopes))


def unpack_scopes(text: str | None) -> frozenset[str] | None:
    """The inverse of pack_scopes."""
    return None if text is None else frozenset(json.loads(text))


def _split(scope: str) -> tuple[str, str, str | None]:
    app, _, rest = scope.partition(":")
    action, colon, resource = rest.partition(":")
    return app, action or ("*" if app == "*" else ""), resource if colon else None


def _join(app: str, action: str, resource: str | None) -> str:
    return f"{app}:{action}" if resource is None else f"{app}:{action}:{resource}"


@lru_cache(maxsize=4_096)
def _covers_one(granted: str, wanted: str) -> bool:
    app, action, resource = _split(granted)
    wanted_app, wanted_action, wanted_resource = _split(wanted)
    return (
        app in {"*", wanted_app}
        and (action in {"*", wanted_action} or (action == "rw" and wanted_action in HALVES))
        and _covers_resource(resource, wanted_resource)
    )


def _covers_resource(granted: str | None, wanted: str | None) -> bool:
    if granted is None or granted == wanted:
        return True
    return wanted is not None and granted.endswith("*") and wanted.startswith(granted[:-1])
