"""`make pictures`: the pictures of docs/guide, taken of a cloud in which somebody lives."""

from __future__ import annotations

import io
import smtplib
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path

import httpx
from PIL import Image

from fazt.core.clock import system_clock
from tests.apps.joplin.making import Api, folder, note
from tests.apps.mail.servers import ports
from tests.apps.sites.archives import make_tar
from tests.e2e.browser import chromium, log_in
from tests.program import Program, wait_until

PICTURES = Path(__file__).parents[2] / "docs" / "guide" / "pictures"
PAGES = {
    "home": "/",
    "sites": "/sites",
    "runtime": "/functions/shop",
    "drive": "/drive/files",
    "drops": "/drops",
    "links": "/links",
    "textdb": "/textdb/orders",
    "pubsub": "/topics",
    "mail": "/mail",
    "joplin": "/joplin",
    "turn": "/calls",
    "backup": "/backup",
    "pads": "/pad/harbour",
    "upgrade": "/upgrade",
    "https": "/certificates",
}
MAX_BYTES = 80_000
WIDTH, HEIGHT = 1100, 760
SHOP = b"""export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  console.log("order", pathname);
  await db.set("order:" + pathname, { lines: [{ name: "Tea", count: 2 }], paid: true });
  return new Response("Thank you.");
} };
"""
PAD = b"""# Summer party

- Harbour, from six
- Anna brings the lamps
- Who has a grill?

```js
const guests = 24;
```
"""
LETTERS = (
    ("Anna <anna@example.net>", "Lunch on Friday?", "At noon, at the harbour?"),
    ("Harbour Shop <shop@example.net>", "Your invoice", "It is attached."),
    ("News <news@example.net>", "Ten things about the sea", "One: it is deep."),
)


def move_in(program: Program, owner: httpx.Client) -> None:
    """Some of everything."""
    for name in ("blog", "garden", "holidays"):
        owner.put(f"/api/v1/sites/{name}", content=make_tar({"index.html": f"<h1>{name}</h1>".encode()}))
    owner.put("/api/v1/sites/shop", content=make_tar({"main.js": SHOP}))
    for path in ("/one", "/two", "/three"):
        with program.client(headers={"host": "shop.localhost"}) as visitor:
            wait_until(lambda path=path, visitor=visitor: visitor.get(path).status_code == 200, 30, "the shop")
    with program.client(headers={"host": "blog.localhost", "user-agent": "Mozilla/5.0 Firefox/145.0"}) as visitor:
        visitor.get("/", headers={"referer": "https://news.example/"})
    for name in ("Papers", "Photos", "Music"):
        owner.request("MKCOL", f"/dav/files/{name}")
    owner.put("/dav/files/Letter to Ada.md", content=b"# Dear Ada\n")
    owner.put("/dav/files/Budget.csv", content=b"month,sum\n1,20\n")
    owner.put("/d/plans.pdf", content=b"%PDF-1.4\n" + bytes(300_000))
    for slug, target in (("talk", "https://example.org/slides"), ("map", "https://example.com/harbour/map")):
        owner.post("/api/v1/links", json={"slug": slug, "target": target, "tags": ["spring"]})
        program.client().get(f"/r/{slug}").close()
    for number in range(12):
        owner.post(
            "/db/orders", json={"id": f"o{number}", "name": "Tea", "total": number * 3.5, "paid": number % 3 > 0}
        )
        owner.post("/hub/home/kitchen/temp", content=str(20 + number % 5))
    owner.post("/hub/home/door?title=Front%20door", content="opened")
    owner.put("/pad/harbour", content=PAD)
    api = Api(program)
    now = system_clock()
    api.put_item(101, folder(101, "Kitchen", at=now))
    for number, title in enumerate(("Bread", "Soup of the day", "Shopping"), 1):
        api.put_item(number, note(number, title, "Flour, water and salt, left alone for a night.", parent=101, at=now))
    api.http.close()
    with smtplib.SMTP("127.0.0.1", ports(program)[0]) as client:
        for number, (sender, subject, text) in enumerate(LETTERS):
            letter = EmailMessage()
            letter["From"], letter["To"], letter["Subject"] = sender, "admin@localhost", subject
            letter["Message-ID"] = f"<{number}@example.net>"
            letter.set_content(text)
            client.send_message(letter)
    owner.post("/api/v1/backup/create", json={})


def to_webp(png: bytes) -> bytes:
    """As small as the guide wants it."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    kept = io.BytesIO()
    for quality in (80, 60, 40):
        kept = io.BytesIO()
        picture.save(kept, "WEBP", quality=quality, method=6)
        if kept.tell() < MAX_BYTES:
            break
    return kept.getvalue()


def main() -> None:
    """Take all of them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="fazt-pictures-") as place,
        Program(Path(place), "--smtp-listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0") as program,
        program.owner() as owner,
        chromium() as browser,
    ):
        wait_until(lambda: ports(program), what="the listener for mail")
        move_in(program, owner)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        log_in(context, program)
        page = context.new_page()
        for name, path in PAGES.items():
            page.goto(program.url + path, wait_until="load")
            page.wait_for_timeout(500)
            target = PICTURES / f"{name}.webp"
            target.write_bytes(to_webp(page.screenshot()))
            sys.stdout.write(f"{target.relative_to(PICTURES.parents[2])} {target.stat().st_size:,} bytes\n")
        context.close()


if __name__ == "__main__":
    main()
