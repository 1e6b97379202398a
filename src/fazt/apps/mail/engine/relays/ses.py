"""Amazon SES (version 2 of its API) as a relay."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from fazt.apps.mail.engine.relays.trouble import Refused, Trouble
from fazt.apps.mail.model.outgoing import Handed, RelayUrl
from fazt.apps.mail.wire.aws import sign_request

TIMEOUT_S = 60.0
PATH = "/v2/email/outbound-emails"


async def hand_to_ses(url: RelayUrl, mail_from: str, recipients: Sequence[str], data: bytes) -> Handed:
    """Give the message to SES. Raises Trouble and Refused."""
    body: dict[str, Any] = {
        "FromEmailAddress": mail_from,
        "Destination": {"ToAddresses": list(recipients)},
        "Content": {"Raw": {"Data": base64.b64encode(data).decode()}},
    }
    if url.options.get("set"):
        body["ConfigurationSetName"] = url.options["set"]
    packed = json.dumps(body).encode()
    endpoint = url.options.get("endpoint", f"https://email.{url.host}.amazonaws.com").rstrip("/")
    signed = sign_request(
        "POST",
        endpoint + PATH,
        packed,
        key=url.user,
        secret=url.password,
        region=url.host,
        service="ses",
        at=datetime.now(UTC),
    )
    headers = {**signed, "content-type": "application/json"}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
            answer = await client.post(endpoint + PATH, content=packed, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Trouble(f"ses: {error or type(error).__name__}") from error
    except httpx.HTTPError as error:
        raise Trouble(f"ses: the answer was lost ({type(error).__name__})", is_unsure=True) from error
    return read_answer(answer)


def read_answer(answer: httpx.Response) -> Handed:
    """What SES said. Raises Trouble and Refused."""
    try:
        said: dict[str, Any] = answer.json()
    except ValueError:
        said = {}
    if answer.status_code == 200:
        return Handed(str(said.get("MessageId", "")))
    kind = answer.headers.get("x-amzn-errortype", "").partition(":")[0] or str(said.get("__type", ""))
    told = f"ses: {kind} {said.get('message') or said.get('Message') or answer.status_code}"[:300]
    if kind.endswith("MessageRejected") and "not verified" not in told:
        raise Refused(told)
    raise Trouble(told, is_unsure=answer.status_code in {500, 502, 504})
