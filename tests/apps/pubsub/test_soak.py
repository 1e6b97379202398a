"""No acknowledged message is missed or doubled, whatever is cut or killed."""

import os

from tests.apps.pubsub import soak
from tests.program import Program

LONG = bool(os.environ.get("FAZT_TEST_LONG"))


async def test_cut_listeners_and_a_killed_server_cost_no_message(program: Program) -> None:
    token = program.run("token", "create", "soak", "--scope", "pubsub:rw").stdout.strip()
    size = (
        {"listeners": 200, "publishers": 8, "seconds": 300.0}
        if LONG
        else {"listeners": 18, "publishers": 2, "seconds": 5.0}
    )
    done = await soak.run(program, token, seed=7, **size)  # type: ignore[arg-type] # whole numbers and one that is not
    acknowledged = sum(map(len, done.acknowledged.values()))
    told = f"{acknowledged} acknowledged, {done.received} received, {done.cuts} cuts, {done.kills} kills"
    print(told)  # noqa: T201 - the figure of the long form
    assert done.faults == []
    assert acknowledged > 10
    assert done.kills > 0
