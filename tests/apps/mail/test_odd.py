"""Odd messages: kept byte for byte, shown without an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.mail.odd import huge, made, special
from tests.apps.mail.servers import mail_program
from tests.program import Program

COUNT = 430 if os.environ.get("FAZT_TEST_LONG") else 60


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud that takes messages by webhook, where no line end is mended on the way."""
    folder = tmp_path_factory.mktemp("odd")
    with mail_program(template_file, folder, inbound_token="x", max_mb=64) as program:
        yield program


def test_odd_messages_are_kept_and_shown(cloud: Program) -> None:
    messages = [*special(), *made(COUNT)]
    taken: dict[str, bytes] = {}
    where = {"token": "x", "to": "admin@localhost", "from": "odd@example.net"}
    with cloud.client(params=where) as provider, cloud.owner(follow_redirects=True) as owner:
        for data in messages:
            answer = provider.post("/mail/inbound/raw", content=data)
            assert answer.status_code == 200, (data[:200], answer.text)
            taken.setdefault(answer.json()["taken"][0]["id"], data)
        for message_id, data in taken.items():
            root = f"/api/v1/mail/messages/{message_id}"
            assert owner.get(f"{root}/raw").content == data
            whole = owner.get(root)
            assert whole.status_code == 200, data[:200]
            for path in ("", "/body", "/body?text=true", "/source"):
                shown = owner.get(f"/mail/message/{message_id}{path}")
                assert shown.status_code == 200, (path, data[:200])
            for part in whole.json()["parts"][:3]:
                file = owner.get(f"/mail/message/{message_id}/parts/{part['n']}", params={"view": True})
                assert file.status_code == 200
                assert "sandbox" in file.headers["content-security-policy"]
                assert "html" not in file.headers["content-type"]
                assert "svg" not in file.headers["content-type"]
        assert owner.get("/mail").status_code == 200
    assert len(taken) >= len(messages) - 9  # some of Python's own have one Message-ID and one body
    assert "Traceback" not in cloud.log


def test_a_message_of_50_megabytes(cloud: Program) -> None:
    data = huge()
    with cloud.client(params={"token": "x", "to": "admin@localhost"}) as provider, cloud.owner() as owner:
        answer = provider.post("/mail/inbound/raw", content=data)
        assert answer.status_code == 200, answer.text
        message_id = answer.json()["taken"][0]["id"]
        assert owner.get(f"/api/v1/mail/messages/{message_id}/raw").content == data
        whole = owner.get(f"/api/v1/mail/messages/{message_id}").json()
        assert whole["text"].strip() == "see the file"
        assert [part["name"] for part in whole["parts"] if part["name"]] == ["huge.zip"]
        file = owner.get(f"/mail/message/{message_id}/parts/1")
        assert len(file.content) == 57 * (50_000_000 // 78)
