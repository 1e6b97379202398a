"""Items as Joplin's apps write them, and clients of the API, for tests."""

from __future__ import annotations

import base64
import time
from typing import Any

import httpx

from fazt.apps.joplin.model.items import NOTE_TAG, RESOURCE, TAG, new_folder, new_note, serialize
from fazt.core.clock import to_iso
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

NOW = 1_800_000_000_000


def hexid(number: int) -> str:
    """An id of Joplin's form."""
    return f"{number:032x}"


def note(
    number: int, title: str = "Title", body: str = "Body", *, at: int = NOW, parent: int = 0, **more: str
) -> bytes:
    """A note; its notebook is number `parent`."""
    return new_note(hexid(number), hexid(parent) if parent else "", title, body, at, **more)


def folder(number: int, title: str = "Notebook", *, parent: int = 0, at: int = NOW, **more: str) -> bytes:
    """A notebook."""
    return new_folder(hexid(number), hexid(parent) if parent else "", title, at, **more)


def resource(number: int, title: str = "a.png", mime: str = "image/png", size: int = 3, **more: str) -> bytes:
    """The facts of an attachment."""
    fields = {
        "id": hexid(number),
        "mime": mime,
        "filename": "",
        "created_time": to_iso(NOW),
        "updated_time": to_iso(NOW),
        "user_created_time": to_iso(NOW),
        "user_updated_time": to_iso(NOW),
        "file_extension": title.rpartition(".")[2],
        "encryption_cipher_text": "",
        "encryption_applied": "0",
        "encryption_blob_encrypted": "0",
        "size": str(size),
        "is_shared": "0",
        "share_id": "",
        "master_key_id": "",
        "user_data": "",
        "blob_updated_time": str(NOW),
    }
    return serialize(RESOURCE, {**fields, **more}, title)


def tag(number: int, title: str) -> bytes:
    """A tag."""
    times = {name: to_iso(NOW) for name in ("created_time", "updated_time", "user_created_time", "user_updated_time")}
    fields = {"id": hexid(number), **times, "encryption_cipher_text": "", "encryption_applied": "0", "is_shared": "0"}
    return serialize(TAG, {**fields, "parent_id": "", "user_data": ""}, title)


def note_tag(number: int, of_note: int, of_tag: int) -> bytes:
    """A tag on a note."""
    fields = {"id": hexid(number), "note_id": hexid(of_note), "tag_id": hexid(of_tag)}
    return serialize(NOTE_TAG, {**fields, "created_time": to_iso(NOW), "updated_time": to_iso(NOW), "is_shared": ""})


class Api:
    """The sync API as one person's app uses it."""

    def __init__(self, program: Program, email: str = OWNER_EMAIL, password: str = OWNER_PASSWORD) -> None:
        self.http = httpx.Client(base_url=f"{program.url}/joplin/api/", timeout=30)
        body = {"email": email, "password": password, "platform": 2, "type": 1, "version": "3.6.2"}
        answer = self.http.post("sessions", json=body)
        assert answer.status_code == 200, answer.text
        self.http.headers["x-api-auth"] = answer.json()["id"]
        self.user_id = str(answer.json()["user_id"])
        self.email = email

    def put(self, name: str, data: bytes, **query: str) -> httpx.Response:
        """Upload."""
        return self.http.put(f"items/root:/{name}:/content", content=data, params=query)

    def put_item(self, number: int, data: bytes) -> httpx.Response:
        """Upload a serialised item."""
        answer = self.put(f"{hexid(number)}.md", data)
        assert answer.status_code == 200, answer.text
        return answer

    def content(self, name: str) -> httpx.Response:
        """Download."""
        return self.http.get(f"items/root:/{name}:/content")

    def item(self, number: int) -> bytes | None:
        """A serialised item, or None."""
        answer = self.content(f"{hexid(number)}.md")
        assert answer.status_code in {200, 404}
        return answer.content if answer.status_code == 200 else None

    def delete(self, number: int) -> httpx.Response:
        """Delete a serialised item."""
        return self.http.delete(f"items/root:/{hexid(number)}.md:")

    def clear(self) -> None:
        """Delete everything."""
        while names := [one["name"] for one in self.http.get("items/root:/:/children").json()["items"]]:
            self.http.request("DELETE", "batch_items", json={"items": names}).raise_for_status()

    def delta(self, cursor: str = "", limit: int = 0) -> dict[str, Any]:
        """One page of changes."""
        query = ({"cursor": cursor} if cursor else {}) | ({"limit": str(limit)} if limit else {})
        answer = self.http.get("items/root:/:/delta", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def changes(self, cursor: str = "", limit: int = 0) -> tuple[dict[int, int], str]:
        """All changes behind a cursor as number of the item and kind of change, and the new cursor."""
        found: dict[int, int] = {}
        while True:
            page = self.delta(cursor, limit)
            found |= {int(one["item_name"][:32], 16): one["type"] for one in page["items"]}
            cursor = page["cursor"]
            if not page["has_more"]:
                return found, cursor


def create_member(program: Program, name: str) -> Api:
    """A new member's app."""
    email = f"{name}@example.org"
    with program.owner() as owner:
        body = {"email": email, "password": OWNER_PASSWORD, "name": name.capitalize()}
        owner.post("/api/v1/users", json=body).raise_for_status()
    return Api(program, email)


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BODY = """Some **bold** words, a [link](https://example.org), and a picture:

![pixel](:/{picture})

- [ ] milk
- [x] bread

```python
print("hello")
```

| a | b |
| --- | --- |
| 1 | 2 |

See [the other note](:/{other}) and [the film](:/{film}).

<script>alert(1)</script><img src=x onerror="alert(2)">
"""


def fill(api: Api) -> None:
    """Notebooks, notes, tags, attachments, a to-do, history, a deletion: some of everything."""
    now = int(time.time() * 1000)
    api.put("info.json", b'{"version":3,"e2ee":{"value":false,"updatedTime":0}}')
    api.put_item(100, folder(100, "Work"))
    api.put_item(101, folder(101, "Project with a rather long name that has to wrap somewhere", parent=100))
    api.put_item(102, folder(102, "Home"))
    body = BODY.format(picture=hexid(50), other=hexid(2), film=hexid(51))
    api.put_item(50, resource(50, "pixel.png", "image/png", len(PIXEL)))
    api.put(f".resource/{hexid(50)}", PIXEL)
    api.put_item(51, resource(51, "film.html", "text/html", 30))
    api.put(f".resource/{hexid(51)}", b"<script>alert(3)</script>")
    api.put_item(1, note(1, "Everything there is", "First words.", parent=101, at=now - 9_000_000))
    api.put_item(1, note(1, "Everything there is", body, parent=101, at=now - 8_000_000))
    api.put_item(2, note(2, "Shopping", "milk and bread", parent=102, at=now - 7_000_000, is_todo="1"))
    api.put_item(3, note(3, "", "", at=now - 6_000_000))
    api.put_item(4, note(4, "Old plans", "nothing", parent=100, at=now - 5_000_000, deleted_time=str(now - 4_000_000)))
    api.put_item(60, tag(60, "urgent"))
    api.put_item(61, note_tag(61, 1, 60))
    api.put_item(5, note(5, "Deleted by mistake", "precious", parent=102, at=now - 3_000_000))
    api.delete(5).raise_for_status()
