"""Background work of notices: sending each to each device, and forgetting old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.core import outbound
from fazt.core.app import Job
from fazt.core.errors import Unavailable
from fazt.core.push import store

if TYPE_CHECKING:
    from fazt.core import Core

GONE = {404, 410}
REFUSED = {400, 401, 403, 413}


async def run_sending(core: Core, payload: dict[str, Any]) -> None:
    """One notice to one device. Raises Unavailable where the service may take it later."""
    found = await core.db.read(store.find_sending, payload["device"], payload["notice"])
    if found is None:
        return
    import httpx  # noqa: PLC0415 - as in core.outbound

    from fazt.core.push.wire import encrypt, to_headers  # noqa: PLC0415 - cryptography takes 8 MB

    device, told = found
    key = await core.db.write(store.get_private_key)
    subject = f"mailto:postmaster@{core.config.domain}"
    headers = to_headers(key, device, told, subject, core.clock() // 1000)
    shown = {"title": told.title, "text": told.text, "path": told.path, "tag": told.tag}
    try:
        async with outbound.open_client(core, max_bytes=100_000) as client:
            content = encrypt(device, msgspec.json.encode(shown))
            status = (await client.post(device.endpoint, content=content, headers=headers)).status_code
    except httpx.HTTPError as error:
        raise Unavailable("The push service could not be reached.") from error
    if status in GONE:
        await core.db.write(store.delete_device, device.user_id, device.id)
    elif status in REFUSED:
        raise Unavailable(f"The push service refused the notice with {status}.")
    elif status >= 300:
        raise Unavailable(f"The push service answered {status}.")
    else:
        await core.db.write(store.note_sent, device.id, now=core.clock())


async def run_forgetting(core: Core, _payload: dict[str, Any]) -> None:
    """Take old notices out of the file."""
    await core.db.write(store.forget_notices, now=core.clock())


JOBS = (
    Job(store.SEND_JOB, run_sending, "Sends a notice to a device.", max_attempts=5, timeout_s=30),
    Job("push.forget", run_forgetting, "Forgets notices older than 60 days.", cron="27 4 * * *"),
)
