"""What hangs on a chat keeps it here, unless the settings allow it to leave."""

from __future__ import annotations

import pytest

from hal.privacy.policy import inspect
from hal.types import Findings
from tests.core.things import turn

TABLE = [
    pytest.param((), False, (), id="nothing attached"),
    pytest.param(("file",), False, ("file in this chat",), id="a file"),
    pytest.param(
        ("file", "image", "tool result"),
        False,
        ("file in this chat", "image in this chat", "tool result in this chat"),
        id="all kinds",
    ),
    pytest.param(("file", "image"), True, (), id="allowed to leave"),
]


@pytest.mark.parametrize(("attachments", "may_leave", "reasons"), TABLE)
def test_findings(attachments: tuple[str, ...], may_leave: bool, reasons: tuple[str, ...]) -> None:
    found = inspect(turn(attachments=attachments), attachments_may_leave=may_leave)
    assert found == Findings(must_stay_local=bool(reasons), reasons=reasons)


def test_reasons_hold_no_word_of_the_text() -> None:
    found = inspect(turn("my PIN is 1234", attachments=("file",)), attachments_may_leave=False)
    assert "1234" not in " ".join(found.reasons)
