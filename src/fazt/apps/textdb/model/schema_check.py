"""JSON Schema, by jsonschema-rs."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from fazt.apps.textdb.model.jsontext import plain
from fazt.core.errors import Invalid

if TYPE_CHECKING:
    import jsonschema_rs

MAX_PROBLEMS = 10


def refuse_to_fetch(uri: str) -> NoReturn:
    """No schema is fetched from elsewhere."""
    raise ValueError(f"{uri} is not part of this schema")


@lru_cache(maxsize=256)
def validator_for(schema: str) -> jsonschema_rs.Validator:
    """The validator of a schema (as JSON text). Raises Invalid for what is no schema."""
    import jsonschema_rs  # noqa: PLC0415 - 3 MB that only collections with a schema need

    try:
        return jsonschema_rs.validator_for(
            json.loads(schema), retriever=refuse_to_fetch, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Invalid(f"This is no JSON Schema: {error}.") from error


def check_schema(schema: dict[str, Any]) -> None:
    """Raise Invalid for what is no schema."""
    validator_for(json.dumps(schema))


def check_value(schema: dict[str, Any], value: Any) -> None:
    """Raise Invalid with every place (JSON Pointer) at which `value` does not fit."""
    problems: dict[str, str] = {}
    for error in validator_for(json.dumps(schema)).iter_errors(plain(value)):
        pointer = "".join(f"/{step}" for step in error.instance_path)
        problems.setdefault(pointer, error.message)
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        where, message = next(iter(problems.items()))
        raise Invalid(f"The document does not fit the schema: {where or 'the whole'}: {message}.", fields=problems)
