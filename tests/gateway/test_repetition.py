"""The repetition guard: fires on loops, and on nothing that an ordinary answer holds."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import BadReply
from hal.gateway.repetition import (
    CYCLE_CHARS,
    CYCLE_TOTAL_CHARS,
    EQUAL_PIECES,
    EQUAL_WORDS,
    LOOK_EVERY_CHARS,
    EndlessRepetition,
    RepetitionGuard,
    is_cycle,
)
from tests.core.things import fixed


def pieces_until_error(pieces: Iterable[str]) -> int | None:
    """How many pieces were taken in before it fired; None when it did not."""
    guard = RepetitionGuard("local big:30b")
    for count, piece in enumerate(pieces):
        try:
            guard.check(piece)
        except EndlessRepetition:
            return count + 1
    return None


def tokens(text: str) -> list[str]:
    """As models cut it, about: words with their space, runs of signs, digits, line ends."""
    found = re.findall(r" ?\w{1,6}|\n+| +|[^\w\s]{1,4}", text)
    assert "".join(found) == text
    return found


@pytest.mark.parametrize("word", [" the", "same", " sorry,", "你好", "ha\n", "<br>", " ÄÖ"])
def test_a_hundred_equal_words(word: str) -> None:
    assert pieces_until_error([word] * EQUAL_WORDS) == EQUAL_WORDS
    assert pieces_until_error([word] * (EQUAL_WORDS - 1) + ["."] + [word] * 99) is None


@pytest.mark.parametrize("piece", ["!", "-", "\n", " ", "G", "@@@@", "AAAA", " 0", "的", "🎉"])
def test_a_thousand_equal_pieces_of_anything(piece: str) -> None:
    assert pieces_until_error([piece] * EQUAL_PIECES) == EQUAL_PIECES
    assert pieces_until_error([piece] * (EQUAL_PIECES - 1) + ["."] + [piece] * 99) is None


LOOPS = {
    "a sentence": "I will not talk in class. ",
    "a list without end": "- item\n",
    "two signs": "| ",
    "a paragraph": "".join(f"Sentence number {n} of a paragraph. " for n in range(20)),
    "the longest cycle": "".join(random.Random(1).choices("abcdefgh \n", k=CYCLE_CHARS)),
}


@pytest.mark.parametrize("cycle", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("size", [1, 7, 64, 1024])
def test_a_cycle_without_end_however_it_is_cut(cycle: str, size: int) -> None:
    before = "A good beginning, which is no part of the cycle.\n\n"
    text = before + cycle * (2 * CYCLE_TOTAL_CHARS // len(cycle))
    fired = pieces_until_error(text[at : at + size] for at in range(0, len(text), size))
    assert fired is not None
    assert fired * size <= len(before) + CYCLE_TOTAL_CHARS + LOOK_EVERY_CHARS + 2 * size


def zeros(rows: int) -> str:
    return "[" + ",\n ".join("[" + ", ".join("0" * rows) + "]" for _ in range(rows)) + "]"


ORDINARY = {
    "a rule of dashes": "-" * 400,
    "many rules": ("=" * 80 + "\nA heading\n" + "-" * 80 + "\n") * 20,
    "an empty table": "| name | value | unit |\n" + "|---|---|---|\n" + "|   |   |   |\n" * 200,
    "a wide separator": "|" + "-----|" * 150 + "\n",
    "a table of equal rows": "| Monday | closed | closed |\n" * 100,
    "a line a hundred times": "I will not talk in class.\n" * 100,
    "a matrix of zeros": zeros(30),
    "a large matrix of zeros": zeros(50),
    "a list of nulls": "[" + "null, " * 300 + "null]",
    "base64 of zeros": base64.b64encode(bytes(600)).decode(),
    "base64 of anything": base64.b64encode(random.Random(2).randbytes(30_000)).decode(),
    "a hex dump of zeros": "".join(f"{n:08x} {'00 ' * 16}|................|\n" for n in range(200)),
    "code with equal lines": "    assert next(items) is None\n" * 60,
    "closing brackets": "\n".join(" " * n + "}" for n in range(200, 0, -1)),
    "blank lines": "\n" * 200,
    "a bar chart": "\n".join("█" * n for n in range(1, 120)),
    "a song": ("Na na na nananana, nananana, hey Jude\n" * 19),
    "long prose": "".join(
        f"{n} green bottles hanging on the wall,\n" * 2 for n in range(999, 0, -1)
    ),
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_answers_pass(text: str) -> None:
    text = "Here it is:\n\n" + text + "\n\nThat is all."
    assert pieces_until_error(tokens(text)) is None
    for size in (1, 5, 33, 500):
        cut = (text[at : at + size] for at in range(0, len(text), size))
        assert pieces_until_error(cut) is None


def test_a_loop_that_follows_a_long_answer_is_found_too() -> None:
    good = tokens("".join(f"Line {n} says something else.\n" for n in range(2000)))
    loop = tokens("And so on, and so on, and on.\n" * 400)
    fired = pieces_until_error(good + loop)
    assert fired is not None
    assert fired > len(good)


def test_the_error_is_a_sentence_and_a_bad_reply() -> None:
    guard = RepetitionGuard("local big:30b")
    for _ in range(EQUAL_WORDS - 1):
        guard.check(" word")
    with pytest.raises(BadReply, match=r"^local big:30b repeated itself without end\.$") as caught:
        guard.check(" word")
    assert caught.value.remedy
    assert caught.value.code == "repetition"


def test_empty_pieces_are_nothing() -> None:
    assert pieces_until_error([""] * 5000) is None
    assert pieces_until_error([" the", ""] * EQUAL_WORDS) == 2 * EQUAL_WORDS - 1


@fixed
@given(st.text("ab \n", min_size=1, max_size=40), st.integers(0, 40))
def test_a_cycle_is_one_from_wherever_it_is_seen(cycle: str, shift: int) -> None:
    text = (cycle * (CYCLE_TOTAL_CHARS // len(cycle) + 50))[shift : shift + CYCLE_TOTAL_CHARS]
    assert is_cycle(text)
    for at in (0, len(text) // 2, len(text) - 1):
        assert not is_cycle(text[:at] + "X" + text[at + 1 :])


@fixed
@given(st.text("ab", min_size=CYCLE_CHARS + 1, max_size=CYCLE_CHARS + 30), st.data())
def test_a_longer_cycle_is_none(cycle: str, data: st.DataObject) -> None:
    marked = "X" + cycle  # one X in each turn of it: no shorter cycle hides within
    text = (marked * (CYCLE_TOTAL_CHARS // len(marked) + 1))[:CYCLE_TOTAL_CHARS]
    assert not is_cycle(text)
