"""The running program with the owner's client, and sites deployed as tests need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.apps.sites.archives import make_tar
from tests.program import Program

Deploy = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    """One program for all tests of a module."""
    return shared_program


@pytest.fixture(scope="module")
def owner(program: Program) -> Iterator[httpx.Client]:
    """The owner's client of the API."""
    with program.owner() as client:
        yield client


@pytest.fixture
def visit(program: Program) -> Iterator[Callable[[str], httpx.Client]]:
    """`visit("blog")` is a client that sees the site, and follows no redirect."""
    clients = []

    def make(host: str, **options: Any) -> httpx.Client:
        host = host if "." in host else f"{host}.localhost"
        clients.append(program.client(headers={"host": host, "accept-encoding": "identity"}, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def deploy(owner: httpx.Client, visit: Callable[[str], httpx.Client]) -> Deploy:
    """`deploy("blog", {path: bytes}, spa=True)`: a site; the client of somebody who visits it."""

    def make(name: str, files: dict[str, bytes], **options: bool) -> httpx.Client:
        answer = owner.put(f"/api/v1/sites/{name}", content=make_tar(files))
        assert answer.status_code == 200, answer.text
        if options:
            assert owner.patch(f"/api/v1/sites/{name}", json=options).status_code == 200
        return visit(name)

    return make
