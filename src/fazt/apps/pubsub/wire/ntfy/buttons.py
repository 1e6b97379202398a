"""Buttons of a message: ntfy's short form `view, Open, https://…, clear=true; http, …`, or JSON."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from fazt.apps.pubsub.wire.ntfy.errors import NtfyError
from fazt.core.ids import encode_base32

MAX_BUTTONS = 3
NEEDS = {"view": ("label", "url"), "http": ("label", "url"), "broadcast": ("label",), "copy": ("label", "value")}
PLACES = {"view": ("action", "label", "url"), "http": ("action", "label", "url"), "copy": ("action", "label", "value")}
KNOWN = frozenset({"action", "label", "clear", "url", "method", "body", "intent", "value"})
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"})
MAX_TEXT = 4_096


def refuse(why: str) -> NtfyError:
    """Buttons that make no sense."""
    return NtfyError(40018, f"invalid request: actions invalid, {why}")


def parse_actions(text: str) -> list[dict[str, Any]]:
    """The buttons of a header. Raises NtfyError."""
    text = text.strip()
    if not text:
        return []
    if text[0] in "[{":
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise refuse("JSON error") from error
        return check_actions(value if isinstance(value, list) else [value])
    return check_actions([from_fields(fields) for fields in split_short(text)])


def split_short(text: str) -> list[list[str]]:
    """Buttons at `;`, fields at `,`, both not inside quotes; a backslash keeps what follows as it is."""
    buttons: list[list[str]] = [[]]
    field: list[str] = []
    quote = ""
    signs = iter(text)
    for sign in signs:
        if sign == "\\":
            field.append(next(signs, ""))
        elif quote:
            if sign == quote:
                quote = ""
            else:
                field.append(sign)
        elif sign in "\"'" and (not "".join(field).strip() or field[-1] == "="):
            quote = sign
        elif sign in ",;":
            buttons[-1].append("".join(field).strip())
            field = []
            if sign == ";":
                buttons.append([])
        else:
            field.append(sign)
    if quote:
        raise refuse("a quote is not closed")
    buttons[-1].append("".join(field).strip())
    return [fields for fields in buttons if any(fields)]


def from_fields(fields: list[str]) -> dict[str, Any]:
    """One button of the short form."""
    button: dict[str, Any] = {}
    kind = fields[0].removeprefix("action=")
    places = PLACES.get(kind, ("action", "label"))
    for place, field in enumerate(fields):
        name, is_named, value = field.partition("=")
        name = name.strip()
        if is_named and (name in KNOWN or name.startswith(("headers.", "extras."))):
            set_field(button, name, value.strip())
        elif place < len(places):
            button[places[place]] = field
        elif kind == "http" and field:
            button.setdefault("body", field)
        elif field:
            raise refuse(f"unknown term {field[:40]!r}")
    return button


def set_field(button: dict[str, Any], name: str, value: str) -> None:
    """A named field, one of a group (`headers.X`), or the switch `clear`."""
    group, dot, key = name.partition(".")
    if dot:
        button.setdefault(group, {})[key] = value
    elif name == "clear":
        button[name] = value.lower() in {"true", "1", "yes"}
    else:
        button[name] = value


def check_actions(buttons: list[Any]) -> list[dict[str, Any]]:
    """The buttons with an id each. Raises NtfyError."""
    if len(buttons) > MAX_BUTTONS:
        raise refuse(f"only {MAX_BUTTONS} actions allowed")
    return [check_button(button) for button in buttons]


def check_button(button: Any) -> dict[str, Any]:
    """One button. Raises NtfyError."""
    if not isinstance(button, dict) or button.get("action") not in NEEDS:
        raise refuse("parameter 'action' must be view, http, broadcast or copy")
    for name in NEEDS[button["action"]]:
        if not isinstance(button.get(name), str) or not button[name]:
            raise refuse(f"parameter '{name}' cannot be empty")
    method = button.get("method", "POST")
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise refuse("parameter 'method' is no method")
    kept = {name: value for name, value in button.items() if name in KNOWN or name in {"headers", "extras"}}
    for name, value in kept.items():
        is_group = name in {"headers", "extras"}
        is_good = isinstance(value, dict) if is_group else isinstance(value, bool if name == "clear" else str)
        if not is_good or len(msgspec.json.encode(value)) > MAX_TEXT:
            raise refuse(f"parameter '{name}' is not what it should be")
    return {"id": encode_base32(secrets.randbits(50), 10), "clear": False, **kept}
