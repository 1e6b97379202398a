"""What several edges do with links: whose they are, their addresses, and titles that are fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.links import store
from fazt.apps.links.engine import book_of
from fazt.apps.links.model import Link, NewLink, check_target
from fazt.apps.links.wire import exchange
from fazt.core import outbound
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.jobs import enqueue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core

READ, WRITE = "links:read", "links:write"
TITLE_JOB = "links.title"
PAGE_MAX = 500_000
PASSWORD_MAX = 200
MAX_FILE = 32_000_000
TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
OG_TITLE = re.compile(rb"<meta[^>]+property=[\"']og:title[\"'][^>]+content=[\"']([^\"']{1,500})", re.IGNORECASE)


def owner_of(caller: Caller) -> str | None:
    """Whose links a caller sees: the owner of the cloud sees all."""
    return None if caller.is_owner else caller.user_id


def checker(core: Core) -> Any:
    """What every target has to pass."""
    hosts = book_of(core).own_hosts()
    return lambda target: check_target(target, hosts)


def check_host(core: Core, host: str) -> str:
    """A short-link host of this cloud, or "" for all. Raises Invalid."""
    found = host.strip().lower()
    if found and found not in book_of(core).own_hosts()[1:]:
        raise Invalid(f"{found!r} is no short-link host of this cloud.", hint="The owner sets them in links.hosts.")
    return found


def short_url(core: Core, link: Link, base: str) -> str:
    """The address to hand on: on the link's host, the first short-link host, or below `base`/r."""
    hosts = book_of(core).own_hosts()[1:]
    host = link.host or (hosts[0] if hosts else "")
    if not host:
        return f"{base}/r/{link.slug}"
    scheme = base.partition("://")[0]
    port = base.partition("://")[2].partition(":")[2]
    return f"{scheme}://{host}{':' + port if port and core.config.is_local else ''}/{link.slug}"


async def hash_password(core: Core, password: str) -> str:
    """What is kept of a link's password; "" for none. Raises Invalid for one that is too short or too long."""
    if not password:
        return ""
    if not 4 <= len(password) <= PASSWORD_MAX:
        raise Invalid(f"The password of a link has 4 to {PASSWORD_MAX} characters.")
    return await core.auth.gate.hash_password(password)


async def create(
    core: Core, caller: Caller, asked: NewLink, *, find_same: bool = False, wants_title: bool = True
) -> Link:
    """A new link of the caller's; the one that is there where `find_same` asks for it. Raises Invalid, Conflict."""
    caller.check(WRITE)
    asked = msgspec.structs.replace(asked, host=check_host(core, asked.host))
    wants_title = wants_title and not asked.title and core.settings.get("links.fetch_titles")

    def write(conn: Connection, check: Any, length: int, now: int) -> Link:
        found = store.find_same(conn, asked, caller.user_id) if find_same else None
        if found is not None:
            return found
        made = store.create_link(conn, asked, owner=caller.user_id, check_target=check, slug_length=length, now=now)
        if wants_title:
            enqueue(conn, TITLE_JOB, {"link": made.id}, now=now)
        return made

    return await core.db.write(write, checker(core), core.settings.get("links.slug_length"), core.clock())


async def change(core: Core, caller: Caller, link_id: int, changes: Mapping[str, Any]) -> Link:
    """Change some fields. Raises NotFound, Invalid, Conflict."""
    caller.check(WRITE)
    wanted = dict(changes)
    if "host" in wanted:
        wanted["host"] = check_host(core, wanted["host"])
    return await core.db.write(
        store.change_link, link_id, wanted, owner=owner_of(caller), check_target=checker(core), now=core.clock()
    )


async def fetch_title(core: Core, link_id: int) -> None:
    """Ask the target's page what it is called; nothing is said of pages that do not answer."""
    import httpx  # noqa: PLC0415 - 6 MB that only titles need

    link = await core.db.read(store.get_link, link_id, owner=None)
    if link.title:
        return
    try:
        async with outbound.open_client(core, max_bytes=PAGE_MAX) as client:
            answer = await client.get(link.target, headers={"accept": "text/html"})
    except (FaztError, httpx.HTTPError):
        return
    title = find_title(answer.content[:PAGE_MAX], answer.encoding or "utf-8")
    if answer.is_success and title:
        await core.db.write(store.set_title, link_id, title, core.clock())


def find_title(page: bytes, encoding: str) -> str:
    """The title of an HTML page, or ""."""
    found = OG_TITLE.search(page) or TITLE.search(page)
    if found is None:
        return ""
    try:
        text = found[1].decode(encoding, "replace")
    except LookupError:
        text = found[1].decode("utf-8", "replace")
    return " ".join(unescape(text).split())[:300]


async def delete(core: Core, caller: Caller, link_id: int) -> Link:
    """Take a link off; it can be brought back. Raises NotFound."""
    caller.check(WRITE)
    return await core.db.write(store.delete_link, link_id, owner=owner_of(caller), now=core.clock())


class ImportReport(msgspec.Struct):
    """What an import did; `problems` tells of the first hundred links that were not taken."""

    created: int = 0
    skipped: int = 0
    problems: list[dict[str, Any]] = []


async def import_text(core: Core, caller: Caller, text: str) -> ImportReport:
    """Make the links of a file; those whose slug is taken are left as they are."""
    report = ImportReport()
    hosts = book_of(core).own_hosts()[1:]
    for row in exchange.read(text):
        problem = row.problem
        if row.link is not None:
            host = row.link.host if row.link.host in hosts else ""  # that of the cloud it comes from
            try:
                await create(core, caller, msgspec.structs.replace(row.link, host=host), wants_title=False)
                report.created += 1
                continue
            except FaztError as error:
                problem = error.message
        report.skipped += 1
        if len(report.problems) < 100:
            report.problems.append({"place": row.place, "problem": problem})
    return report
