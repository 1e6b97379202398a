"""Changes to a document: JSON Merge Patch (RFC 7396), JSON Patch (RFC 6902) and modifiers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from fazt.core.errors import Conflict, FaztError, Invalid, TooLarge

MAX_OPERATIONS = 1_000
MAX_COPIED = 100_000
INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
MISSING: Any = object()

MERGE = "application/merge-patch+json"
PATCH = "application/json-patch+json"
UPDATE = "application/vnd.fazt.update+json"


def apply(kind: str, target: Any, change: Any) -> Any:
    """`target` changed by a body of media type `kind`; application/json is a merge patch. Raises Invalid, Conflict."""
    if kind == PATCH:
        return apply_patch(target, change)
    if kind == UPDATE:
        return apply_update(target, change)
    return merge(target, change)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def same(first: Any, second: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but true is not 1 (RFC 6902, section 4.6)."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


class _Copier:
    """Deep copies, up to MAX_COPIED values in all: a patch must not double a document a thousand times."""

    def __init__(self) -> None:
        self._left = MAX_COPIED

    def copy(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooLarge("This patch copies too much.")
        if isinstance(value, dict):
            return {key: self.copy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.copy(item) for item in value]
        return value


def apply_patch(target: Any, operations: Any) -> Any:
    """RFC 6902: all operations or none. Raises Invalid for a malformed patch, Conflict where it does not fit."""
    if not isinstance(operations, list) or len(operations) > MAX_OPERATIONS:
        raise Invalid(f"A JSON Patch is a list of at most {MAX_OPERATIONS} operations.")
    copier = _Copier()
    root = copier.copy(target)
    for number, operation in enumerate(operations):
        try:
            root = _operate(root, operation, copier)
        except (Conflict, Invalid) as error:
            raise _at(number, error) from error
    return root


def _at(number: int, error: FaztError) -> FaztError:
    return type(error)(f"Operation {number} of the patch: {error.message}", hint=error.hint, operation=number)


def _operate(root: Any, operation: Any, copier: _Copier) -> Any:
    if not isinstance(operation, dict):
        raise Invalid("it is not an object.")
    path = _pointer(operation, "path")
    match operation.get("op"):
        case "add":
            return _add(root, path, copier.copy(_value(operation)))
        case "remove":
            return _remove(root, path)[0]
        case "replace":
            _find(root, path)
            return _replace(root, path, copier.copy(_value(operation)))
        case "move":
            start = _pointer(operation, "from")
            if path[: len(start)] == start and len(path) > len(start):
                raise Invalid("it moves a value into itself.")
            root, moved = _remove(root, start)
            return _add(root, path, moved)
        case "copy":
            return _add(root, path, copier.copy(_find(root, _pointer(operation, "from"))))
        case "test":
            if not same(_find(root, path), _value(operation)):
                raise Conflict("the test failed.")
            return root
        case op:
            raise Invalid(f"there is no operation {str(op)[:40]!r}.")


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise Invalid("it has no value.")
    return operation["value"]


def _pointer(operation: dict[str, Any], name: str) -> list[str]:
    """A JSON Pointer as its steps (RFC 6901)."""
    pointer = operation.get(name)
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise Invalid(f"its {name!r} is no JSON Pointer.")
    if re.search(r"~(?![01])", pointer):
        raise Invalid(f"its {name!r} has a wrong escape.")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict) and step in value:
        return value[step]
    if isinstance(value, list) and INDEX.fullmatch(step) and int(step) < len(value):
        return value[int(step)]
    raise Conflict(f"there is no {step!r} there.")


def _find(root: Any, path: list[str]) -> Any:
    for step in path:
        root = _step(root, step)
    return root


def _add(root: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, step = _find(root, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[step] = value
    elif isinstance(parent, list) and (step == "-" or (INDEX.fullmatch(step) and int(step) <= len(parent))):
        parent.insert(len(parent) if step == "-" else int(step), value)
    else:
        raise Conflict(f"nothing can be added at {step!r}.")
    return root


def _replace(root: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, step = _find(root, path[:-1]), path[-1]
    parent[step if isinstance(parent, dict) else int(step)] = value
    return root


def _remove(root: Any, path: list[str]) -> tuple[Any, Any]:
    removed = _find(root, path)
    if not path:
        return None, removed
    parent, step = _find(root, path[:-1]), path[-1]
    del parent[step if isinstance(parent, dict) else int(step)]
    return root, removed


def apply_update(target: Any, update: Any) -> Any:
    """Modifiers: `{"$set": {"a.b": 1}, "$inc": {"n": 2}, "$push": {"tags": "x"}, "$unset": ["c"]}`, in their order.

    `$addToSet` pushes what is not there yet, `$pull` takes out what equals. Paths are dotted; objects on the way are
    made. Raises Invalid for a malformed update, Conflict where a value is of another type.
    """
    if not isinstance(update, dict) or not update.keys() <= MODIFIERS.keys():
        raise Invalid(f"An update is an object of {', '.join(MODIFIERS)}.")
    copier = _Copier()
    root = copier.copy(target)
    if not isinstance(root, dict):
        raise Conflict("Modifiers work on objects; this document is none.")
    for name, fields in update.items():
        if name == "$unset" and isinstance(fields, list):
            fields = dict.fromkeys(str(field) for field in fields)  # noqa: PLW2901 - the list form of the same thing
        if not isinstance(fields, dict) or len(fields) > MAX_OPERATIONS:
            raise Invalid(f"{name} is an object of paths and values, at most {MAX_OPERATIONS}.")
        for path, value in fields.items():
            _modify(root, name, path, copier.copy(value))
    return root


def _modify(root: dict[str, Any], name: str, path: str, value: Any) -> None:
    *way, last = path.split(".")
    if not last or not all(way):
        raise Invalid(f"{path!r} is no path.")
    holder = root
    for step in way:
        inner = holder.get(step)
        if inner is None:
            if name in {"$unset", "$pull"}:
                return
            inner = holder[step] = {}
        if not isinstance(inner, dict):
            raise Conflict(f"{step!r} in {path!r} is not an object.")
        holder = inner
    changed = MODIFIERS[name](holder.get(last, MISSING), value, path)
    if changed is MISSING:
        holder.pop(last, None)
    else:
        holder[last] = changed


def _increment(old: Any, by: Any, path: str) -> Any:
    if isinstance(by, bool) or not isinstance(by, int | float | Decimal):
        raise Invalid(f"$inc of {path!r} is not a number.")
    if old is MISSING or old is None:
        return by
    if isinstance(old, bool) or not isinstance(old, int | float | Decimal):
        raise Conflict(f"{path!r} is not a number.")
    return old + by if isinstance(old, int) and isinstance(by, int) else Decimal(str(old)) + Decimal(str(by))


def _list_at(old: Any, path: str) -> list[Any]:
    if old is MISSING or old is None:
        return []
    if not isinstance(old, list):
        raise Conflict(f"{path!r} is not a list.")
    return old


def _add_to_set(old: Any, value: Any, path: str) -> Any:
    there = _list_at(old, path)
    return there if any(same(item, value) for item in there) else [*there, value]


def _pull(old: Any, value: Any, path: str) -> Any:
    return old if old is MISSING else [item for item in _list_at(old, path) if not same(item, value)]


MODIFIERS: dict[str, Any] = {
    "$set": lambda _old, value, _path: value,
    "$inc": _increment,
    "$push": lambda old, value, path: [*_list_at(old, path), value],
    "$addToSet": _add_to_set,
    "$pull": _pull,
    "$unset": lambda _old, _value, _path: MISSING,
}
