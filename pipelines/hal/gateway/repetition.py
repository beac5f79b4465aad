"""Tells when a model repeats itself without end, from the pieces of its answer.

Knows no target and no provider. Reads what it is given once, at the cost of one comparison per
piece and one look at the last lines per thousand characters.
"""

from __future__ import annotations

from ..errors import BadReply

# LiteLLM's number, for pieces that are words. Rules of dashes, rows of zeros and runs of base64
# repeat one character, or none that is a letter.
EQUAL_WORDS = 100
# For everything else. At one token each, this is a rule that fills a screen, or endless newlines
# for twenty seconds.
EQUAL_PIECES = 1000
# So much of one short cycle is two thousand tokens. A person who asks for a line a hundred times,
# or for a matrix of fifty by fifty zeros, gets less.
CYCLE_TOTAL_CHARS = 8000
# A paragraph that comes back. Together with the total: at least ten times, letter by letter.
CYCLE_CHARS = 800
# How much is new between two looks at the cycle.
LOOK_EVERY_CHARS = 1000


class EndlessRepetition(BadReply):
    """The model has lost itself in a loop. It says nothing about the health of its server."""

    code = "repetition"


class RepetitionGuard:
    """One per answer; `check` each piece of text. `label` is what the target is called."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._last = ""
        self._equal = 0
        self._tail: list[str] = []
        self._fresh_chars = 0

    def check(self, text: str) -> None:
        """Raises EndlessRepetition."""
        if not text:
            return
        self._equal = self._equal + 1 if text == self._last else 1
        self._last = text
        if self._equal == EQUAL_PIECES or (self._equal == EQUAL_WORDS and _is_word(text)):
            raise self._error()
        self._tail.append(text)
        self._fresh_chars += len(text)
        if self._fresh_chars >= LOOK_EVERY_CHARS:
            self._fresh_chars = 0
            self._look()

    def _look(self) -> None:
        tail = "".join(self._tail)[-CYCLE_TOTAL_CHARS:]
        self._tail = [tail]
        if len(tail) == CYCLE_TOTAL_CHARS and is_cycle(tail):
            raise self._error()

    def _error(self) -> EndlessRepetition:
        return EndlessRepetition(
            f"{self._label} repeated itself without end.", "Ask again, or in other words."
        )


def is_cycle(text: str) -> bool:
    """Whether all of it is one cycle of at most CYCLE_CHARS, over and over.

    If it is, its last CYCLE_CHARS come back one cycle earlier, and nowhere between.
    """
    end = text[-CYCLE_CHARS:]
    start = text.rfind(end, len(text) - 2 * CYCLE_CHARS, len(text) - 1)
    if start < 0:
        return False
    cycle = len(text) - len(end) - start
    return text[cycle:] == text[:-cycle]


def _is_word(text: str) -> bool:
    return len({letter for letter in text.casefold() if letter.isalpha()}) > 1
