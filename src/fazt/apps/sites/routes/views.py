"""Counting: page views of hosted sites, and of pages elsewhere that carry our script or picture."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from fazt.apps.sites.engine import Hosted, Hosting
from fazt.apps.sites.model import VISIT_KIND
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import read_body, respond
from fazt.core.visits import Visit

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

MAX_BEACON_BYTES = 4096
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
NO_STORE = (b"cache-control", b"no-store")
ANYWHERE = [(b"access-control-allow-origin", b"*"), (b"cross-origin-resource-policy", b"cross-origin"), NO_STORE]
SCRIPT = b"""/* Counts a view: <script src="https://CLOUD/track" data-site="NAME" defer></script> */
(() => {
  const self = document.currentScript, site = self.dataset.site, to = self.src.split("?")[0];
  let last;
  const count = () => {
    const url = location.href.split("#")[0];
    if (url === last || document.visibilityState === "prerender") return;
    const body = new URLSearchParams({ s: site || location.hostname, u: url, r: last || document.referrer });
    last = url;
    if (!navigator.sendBeacon?.(to, body)) fetch(to, { method: "POST", body, mode: "no-cors", keepalive: true });
  };
  const push = history.pushState;
  history.pushState = function (...given) { push.apply(this, given); count(); };
  addEventListener("popstate", count);
  document.addEventListener("visibilitychange", count, { once: true });
  count();
})();
"""


def note_view(core: Core, scope: Scope, hosted: Hosted) -> None:
    """Count a page of a hosted site, unless its owner wants none counted or a browser only fetches ahead."""
    site = hosted.site
    if not site.options.track:
        return
    referrer = agent = language = b""
    for name, value in scope["headers"]:
        if name == b"referer":
            referrer = value
        elif name == b"user-agent":
            agent = value
        elif name == b"accept-language":
            language = value
        elif name in {b"sec-purpose", b"purpose"} and b"prefetch" in value:
            return
    core.visits.record(
        Visit(
            VISIT_KIND,
            site.name,
            scope["path"],
            scope["query_string"].decode("latin-1"),
            referrer.decode("latin-1"),
            agent.decode("latin-1"),
            client_address(scope),
            language.decode("latin-1"),
            hosted.host,
            core.clock(),
        )
    )


async def track(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """GET is the script, POST what it sends."""
    method = scope["method"]
    if scope["path"] != "/track" or method not in {"GET", "HEAD", "POST", "OPTIONS"}:
        await respond(send, 404 if scope["path"] != "/track" else 405, [NO_STORE])
    elif method == "POST":
        form = parse_qs((await read_body(scope, receive, MAX_BEACON_BYTES)).decode("latin-1"), encoding="utf-8")
        note_elsewhere(core, scope, {name: values[0] for name, values in form.items()})
        await respond(send, 204, ANYWHERE)
    else:
        headers = [pair for pair in ANYWHERE if pair is not NO_STORE]
        headers += [(b"content-type", b"text/javascript; charset=utf-8"), (b"cache-control", b"public, max-age=3600")]
        await respond(send, 200, headers, b"" if method == "HEAD" else SCRIPT)


async def pixel(core: Core, scope: Scope, _receive: Receive, send: Send) -> None:
    """A picture of one dot: `/pixel.gif?s=NAME`, for mails and pages without scripts."""
    given = parse_qs(scope["query_string"].decode("latin-1"))
    referrer = (find_header(scope["headers"], b"referer") or b"").decode("latin-1")
    note_elsewhere(core, scope, {"u": referrer, **{name: values[0] for name, values in given.items()}})
    await respond(send, 200, [(b"content-type", b"image/gif"), *ANYWHERE], PIXEL)


def note_elsewhere(core: Core, scope: Scope, said: dict[str, str]) -> None:
    """Count a view of a page elsewhere: `s` is its site (or one of its hosts), `u` its address, `r` the referrer.

    Whoever names a site that does not exist is not told so, and nothing is counted.
    """
    hosting = core.get(Hosting)
    name = said.get("s", "").strip().lower()
    hosted = hosting.hosts.get(name) or hosting.hosts.get(f"{name}.localhost")
    if hosted is None or not hosted.site.options.track:
        return
    try:
        page = urlsplit(said.get("u", ""))
        host = page.hostname or ""
    except ValueError:
        return
    headers = scope["headers"]
    core.visits.record(
        Visit(
            VISIT_KIND,
            hosted.site.name,
            page.path or "/",
            page.query,
            said.get("r", ""),
            (find_header(headers, b"user-agent") or b"").decode("latin-1"),
            client_address(scope),
            (find_header(headers, b"accept-language") or b"").decode("latin-1"),
            host,
        )
    )
