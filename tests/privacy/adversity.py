"""Servers that echo, and now and then fail in one of many ways; a classifier of one mind.

For runs of thousands of turns: no fault that waits for a timer, and none after which a circuit
breaker keeps everybody away at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from tests.server.questions import DIFFICULTY, SEARCH, is_calibration, question_of
from tests.servers import Label, Say, Step, last_user_text
from tests.servers.faults import FAULTS as ALL_FAULTS
from tests.servers.faults import Voice
from tests.servers.script import Body

FAULTS = (
    *("500", "400", "400 context", "413", "422", "502", "cut before the head"),
    *("reset after the head", "cut mid-stream", "HTML", "error object", "empty stream"),
    *("reasoning only", "clean end without a finish", "white space only", "invalid UTF-8"),
)
# No multiple of each other, nor of ten: every sort of turn meets every fault.
LOCAL_EVERY, CLOUD_EVERY = 7, 9
# The end of a question is the user's own; in pieces shorter than any placeholder.
ECHO_CHARS, PIECE_CHARS = 400, 7

_BY_NAME = {fault.name: fault for fault in ALL_FAULTS}
_WANTED = {
    DIFFICULTY.name: {"COMPLEX": 0.96, "MODERATE": 0.02, "SIMPLE": 0.02},
    SEARCH.name: {"YES": 0.02, "NO": 0.98},
}


def now_and_then(every: int, dialect: str) -> Callable[[Body], Sequence[Step]]:
    """A script that echoes; every so many requests a fault instead, each in its turn."""
    numbers, names = itertools.count(1), itertools.cycle(FAULTS)

    def script(body: Body) -> Sequence[Step]:
        if next(numbers) % every == 0:
            return _BY_NAME[next(names)].steps(Voice(dialect, body))
        text = last_user_text(body)[-ECHO_CHARS:]
        return [Say(text[at : at + PIECE_CHARS]) for at in range(0, len(text), PIECE_CHARS)]

    return script


def all_complex(body: Body) -> list[Step]:
    """Everything is COMPLEX, and nothing needs a search; without a question, anything may be."""
    question = SEARCH if question_of(body) is SEARCH else DIFFICULTY
    said = {meaning: 1 / len(question.tokens) for meaning in question.tokens}
    if not is_calibration(body):
        said = question.said_for(_WANTED[question.name])
    return [Label({token: said[meaning] for meaning, token in question.tokens.items()})]
