"""Two clients at one tree: what they see is what some order of their requests explains, and ETags never lie."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from dataclasses import replace

import httpx
from lxml import etree

from tests.apps.drive.serial import EMPTY, PATHS, State, Step, is_explained
from tests.apps.drive.webdav import FILES, lock, propfind
from tests.program import Program

SECONDS = 60.0 if os.environ.get("FAZT_TEST_LONG") else 3.0
STEPS = 25
METHODS = ("PUT", "PUT", "GET", "GET", "MOVE", "MOVE", "DELETE", "MKCOL", "LOCK", "UNLOCK")
ROOT = f"{FILES}/race"


class Racer:
    """One client, which knows the tokens of its locks."""

    def __init__(self, program: Program, number: int, chance: random.Random) -> None:
        self.http = program.owner()
        self.number = number
        self.chance = chance
        self.tokens: dict[str, str] = {}
        self.steps: list[Step] = []
        self.count = 0

    def choose(self) -> Step:
        """Any step."""
        method = self.chance.choice(METHODS)
        paths = PATHS[-2:] if method == "MKCOL" else PATHS[:5] if method in {"LOCK", "UNLOCK", "PUT"} else PATHS
        goal = self.chance.choice(PATHS) if method == "MOVE" else ""
        self.count += 1
        content = f"{self.number}-{self.count}" if method == "PUT" else ""
        return Step(self.number, method, self.chance.choice(paths), goal, content)

    def take(self, step: Step) -> None:
        """Send a step, with all tokens in hand, and note what came back."""
        url = f"{ROOT}/{step.path}"
        headers = {}
        if self.tokens and step.method != "GET":
            headers["if"] = " ".join(f"(<{token}>)" for token in self.tokens.values()) + " (Not <DAV:no-lock>)"
        if step.method == "MOVE":
            headers["destination"] = f"{ROOT}/{step.goal}"
        began = time.monotonic()
        if step.method == "LOCK":
            answer, token = lock(self.http, url, depth="0", **headers)
            if token:
                self.tokens[step.path] = token
        else:
            if step.method == "UNLOCK":
                headers["lock-token"] = f"<{self.tokens.pop(step.path, 'urn:uuid:none')}>"
            answer = self.http.request(step.method, url, content=step.content, headers=headers)
        done = replace(step, began=began, ended=time.monotonic(), status=answer.status_code)
        if step.method == "GET" and answer.status_code == 200 and "etag" in answer.headers:
            assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
            done = replace(done, got=answer.text)
        self.steps.append(done)

    def run(self, count: int) -> None:
        """Some steps, one after the other."""
        for _ in range(count):
            self.take(self.choose())


def read_state(client: httpx.Client, racers: list[Racer], path: str = "") -> State:
    """All that is there, and who holds a lock on it."""
    answer = propfind(client, f"{ROOT}/{path}".rstrip("/"), "lockdiscovery", "resourcetype", depth="1")
    tree: dict[str, str] = {}
    locks: dict[str, int] = {}
    for response in list(etree.fromstring(answer.content).findall("{DAV:}response"))[1:]:
        href = response.findtext("{DAV:}href") or ""
        below = href.removeprefix(f"{ROOT}/").rstrip("/")
        text = etree.tostring(response, encoding="unicode")
        for racer in racers:
            if any(token in text for token in racer.tokens.values()):
                locks[below] = racer.number
        tree[below] = "/" if href.endswith("/") else client.get(href).text
        if href.endswith("/"):
            inner = read_state(client, racers, below)
            tree.update(dict(inner[0]))
            locks.update(dict(inner[1]))
    return frozenset(tree.items()), frozenset(locks.items())


def test_what_two_clients_see_is_explained_by_a_serial_order(shared_program: Program) -> None:
    seed = int(os.environ.get("FAZT_TEST_SEED", "20261127"))
    racers = [Racer(shared_program, number, random.Random(seed + number)) for number in range(2)]
    rounds = 0
    with shared_program.owner() as client, racers[0].http, racers[1].http:
        client.request("MKCOL", ROOT)
        state: State = EMPTY
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for racer in racers:
                racer.steps = []
            threads = [threading.Thread(target=racer.run, args=(STEPS,)) for racer in racers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            after = read_state(client, racers)
            assert is_explained(racers[0].steps, racers[1].steps, state, after), [racer.steps for racer in racers]
            state = after
            rounds += 1
    assert rounds > 2
