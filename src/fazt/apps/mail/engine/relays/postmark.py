"""Postmark's API as a relay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from fazt.apps.mail.engine.relays.trouble import Refused, Trouble
from fazt.apps.mail.model.outgoing import Handed, RelayUrl
from fazt.apps.mail.wire.postmark import to_postmark

API = "https://api.postmarkapp.com"
TIMEOUT_S = 60.0
INVALID_MESSAGE = frozenset({300, 402, 403, 409, 410, 411})
"""Error codes that are about this message, whichever account sends it."""
INACTIVE = 406


async def hand_to_postmark(url: RelayUrl, mail_from: str, recipients: Sequence[str], data: bytes) -> Handed:
    """Give the message to Postmark. Raises Trouble and Refused."""
    body = to_postmark(data, mail_from, recipients, url.options.get("stream", ""))
    headers = {"X-Postmark-Server-Token": url.user, "Accept": "application/json"}
    endpoint = url.options.get("endpoint", API).rstrip("/")
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(f"{endpoint}/email", json=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Trouble(f"postmark: {error or type(error).__name__}") from error
    except httpx.HTTPError as error:
        raise Trouble(f"postmark: the answer was lost ({type(error).__name__})", is_unsure=True) from error
    return read_answer(answer, recipients)


def read_answer(answer: httpx.Response, recipients: Sequence[str]) -> Handed:
    """What Postmark said. Raises Trouble and Refused."""
    try:
        said: dict[str, Any] = answer.json()
        code, text = int(said.get("ErrorCode", 0)), str(said.get("Message", ""))
    except (ValueError, AttributeError):
        said, code, text = {}, -1, ""
    if answer.status_code == 200 and code == 0:
        return Handed(str(said.get("MessageID", "")))
    told = f"postmark: {code} {text}"[:300] if text else f"postmark answered {answer.status_code}"
    if answer.status_code == 422 and code == INACTIVE:
        raise Refused(told, tuple(recipients) if len(recipients) == 1 else ())
    if answer.status_code == 422 and code in INVALID_MESSAGE:
        raise Refused(told)
    raise Trouble(told, is_unsure=answer.status_code in {500, 502, 504})
