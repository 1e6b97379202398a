"""Writers of bytes: the drive over WebDAV, drops, deploys, Joplin's notes, and mail by SMTP."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable, Iterator

import httpx

from tests.apps.joplin.making import Api, hexid, note
from tests.apps.mail.servers import ports
from tests.apps.sites.archives import make_tar
from tests.program import Program, wait_until
from tests.soak.writer import Writer, data_of


class Drive(Writer):
    """Files over WebDAV."""

    app = "drive"

    def prepare(self, owner: httpx.Client) -> None:
        owner.request("MKCOL", "/dav/files/soak").raise_for_status()

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.put(f"/dav/files/soak/{name}", content=data_of(name)).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        return (name for name in names if owner.get(f"/dav/files/soak/{name}").content != data_of(name))


class Drops(Writer):
    """Files that are shared for a while."""

    app = "drops"

    def prepare(self, owner: httpx.Client) -> None:
        self.paths: dict[str, str] = {}

    def write(self, owner: httpx.Client, name: str) -> None:
        answer = owner.put(f"/d/{name}", content=data_of(name)).raise_for_status()
        self.paths[name] = httpx.URL(answer.text.strip()).path

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        return (name for name in names if owner.get(self.paths[name]).content != data_of(name))


class Sites(Writer):
    """Deploys of a site: whatever it shows is of the last one that was acknowledged, or of a later one."""

    app = "sites"
    pause_s = 0.2
    files = 12

    def prepare(self, owner: httpx.Client) -> None:
        owner.put("/api/v1/sites/soak", content=self._pack("sites-0")).raise_for_status()

    def _pack(self, name: str) -> bytes:
        files = {f"page{n}.html": f"{name}\n{'<p>text</p>' * n}".encode() for n in range(self.files)}
        return make_tar({"index.html": name.encode(), **files})

    def write(self, owner: httpx.Client, name: str) -> None:
        owner.put("/api/v1/sites/soak", content=self._pack(name)).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        with self.program.client(headers={"host": "soak.localhost"}) as visitor:
            paths = ["/", *(f"/page{n}.html" for n in range(self.files))]
            shown = {visitor.get(path).text.split("\n")[0] for path in paths}
        oldest = min(int(name.rpartition("-")[2]) if name.startswith(self.app) else -1 for name in shown)
        return (name for name in names if int(name.rpartition("-")[2]) > oldest)


class Notes(Writer):
    """Notes, as Joplin's apps upload them."""

    app = "joplin"

    def prepare(self, owner: httpx.Client) -> None:
        self.session = Api(self.program)
        self.opened.callback(self.session.http.close)

    def connect(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.program.url}/joplin/api/", headers=self.session.http.headers, timeout=30)

    def _make(self, name: str) -> tuple[str, bytes]:
        number = int(name.rpartition("-")[2])
        return f"items/root:/{hexid(number)}.md:/content", note(number, name, f"{name} " * (number % 400))

    def write(self, owner: httpx.Client, name: str) -> None:
        path, data = self._make(name)
        owner.put(path, content=data).raise_for_status()

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterator[str]:
        return (name for name in names if owner.get(self._make(name)[0]).content != self._make(name)[1])


class Mail(Writer):
    """Messages from the outside; the answer 250 is the promise."""

    app = "mail"

    def prepare(self, owner: httpx.Client) -> None:
        self.letters: smtplib.SMTP | None = None
        self.opened.callback(self._hang_up)

    def _hang_up(self) -> None:
        if self.letters is not None:
            self.letters.close()
        self.letters = None

    def write(self, owner: httpx.Client, name: str) -> None:
        text = f"Subject: {name}\r\nMessage-ID: <{name}@soak>\r\n\r\n" + ("x" * 70 + "\r\n") * (len(self.seconds) % 300)
        try:
            if self.letters is None:
                self.letters = smtplib.SMTP("127.0.0.1", ports(self.program)[-1], timeout=10)
            self.letters.sendmail("a@example.net", ["admin@localhost"], text)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._hang_up()
            raise httpx.TransportError("the connection broke") from error
        except smtplib.SMTPException as error:
            self._hang_up()
            self.refused[str(error)[:80]] += 1
            raise httpx.TransportError("it was refused") from error

    def find_missing(self, owner: httpx.Client, names: list[str]) -> Iterable[str]:
        wanted, before = set(names), ""
        while wanted:
            asked: dict[str, str | int] = {"view": "inbox", "limit": 200, "before": before}
            page = owner.get("/api/v1/mail/messages", params=asked).raise_for_status().json()
            if not page:
                break
            wanted -= {message["subject"] for message in page}
            before = page[-1]["id"]
        return wanted


def wait_for_mail(program: Program, starts: int) -> None:
    """Until the listener of the newest start is there."""
    wait_until(lambda: program.log.count("fazt takes mail") >= starts, 30, "the listener for mail")
