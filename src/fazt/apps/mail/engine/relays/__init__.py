"""Handing a message to a relay, of whatever kind."""

from __future__ import annotations

from collections.abc import Sequence

from fazt.apps.mail.engine.relays.trouble import Refused, Trouble
from fazt.apps.mail.model.outgoing import Handed, RelayUrl

__all__ = ["Refused", "Trouble", "hand_over"]


async def hand_over(url: RelayUrl, mail_from: str, recipients: Sequence[str], data: bytes, hostname: str) -> Handed:
    """Give `data` to the relay for these recipients. Raises Trouble and Refused."""
    if url.scheme == "postmark":
        from fazt.apps.mail.engine.relays.postmark import hand_to_postmark  # noqa: PLC0415 - each brings a library of its own

        return await hand_to_postmark(url, mail_from, recipients, data)
    if url.scheme == "ses":
        from fazt.apps.mail.engine.relays.ses import hand_to_ses  # noqa: PLC0415 - each brings a library of its own

        return await hand_to_ses(url, mail_from, recipients, data)
    from fazt.apps.mail.engine.relays.smtp import hand_to_smtp  # noqa: PLC0415 - each brings a library of its own

    return await hand_to_smtp(url, mail_from, recipients, data, hostname)
