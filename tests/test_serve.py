"""Between two lives: what fails there is said, and a command has none."""

from __future__ import annotations

import pytest

from fazt.core import refuse_rest
from fazt.core.errors import Unavailable
from fazt.serve import do_between


def test_what_fails_between_two_lives_is_said_and_the_program_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def between() -> None:
        raise OSError("no such luck")

    do_between(between)
    assert "no such luck" in caplog.text


def test_a_command_cannot_be_put_to_rest() -> None:
    with pytest.raises(Unavailable, match="in use by a command"):
        refuse_rest(lambda: None)
