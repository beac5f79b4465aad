"""What the served router sees in a text: surface numbers, buckets, word pieces."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.learned.ngrams import (
    BUCKETS,
    FURTHEST_PAIR,
    pair_buckets,
    part_buckets,
    word_buckets,
    words_of,
)
from hal.routing.learned.pieces import piece_positions
from hal.routing.learned.surface import SURFACE, surface

VOCABULARY = {piece: at for at, piece in enumerate(["un", "##afford", "##able", "cat", "##s", "ü"])}


def named(text: str) -> dict[str, float]:
    return dict(zip(SURFACE, surface(text), strict=True))


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("ab12", "digit_share", 0.5),
        ("Wow OK", "upper_share", 0.5),
        ("Grüß", "non_ascii_share", 0.5),
        ("is it not?", "has_negation", 1.0),
        ("is it?", "has_negation", 0.0),
        ("tell me.", "is_about_me", 1.0),
        ("fill ____ in", "has_gap", 1.0),
        ("internationalisation is long", "long_word_share", 1 / 3),
        ("a a a b", "distinct_word_share", 0.5),
        ("", "characters_per_word", 0.0),
    ],
)
def test_a_surface_number(text: str, name: str, value: float) -> None:
    assert named(text)[name] == pytest.approx(value)


def test_list_items_are_lines_that_begin_like_one() -> None:
    few, many = named("a. in the text"), named("- one\n  * two\n3) three\nB. four")
    assert many["log_list_items"] > few["log_list_items"] > 0


@given(st.text(max_size=300))
def test_every_text_has_finite_features(text: str) -> None:
    numbers = surface(text)
    assert len(numbers) == len(SURFACE)
    assert all(-1e6 < number < 1e6 for number in numbers)
    words = words_of(text)
    found = word_buckets(words) + pair_buckets(words) + part_buckets(words)
    assert all(0 <= bucket < BUCKETS for bucket in found)
    assert all(at in range(len(VOCABULARY)) for at in piece_positions(words, VOCABULARY))


def test_repeating_a_text_adds_one_pair_of_words_only() -> None:
    once = words_of("why is the sky blue")
    assert sorted(part_buckets(once)) == sorted(part_buckets(once * 50))
    assert len(word_buckets(once * 50)) == len(word_buckets(once)) + 1


def test_buckets_are_the_same_in_another_process() -> None:
    """Python's own hash is not: it is salted per process."""
    script = (
        "from hal.routing.learned.ngrams import *\n"
        "print(sorted(word_buckets(words_of('Wie hoch ist der Turm?'))))"
    )
    seeds = ("1", "2")
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in seeds
    }
    assert printed == {f"{sorted(word_buckets(words_of('Wie hoch ist der Turm?')))}\n"}


def test_known_buckets() -> None:
    """CRC-32 of the bytes: fixed by a standard, so weights of another machine fit."""
    assert word_buckets(["hello"]) == [0x3610A686 % BUCKETS]


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("cat", ["cat"]),
        ("cats", ["cat", "##s"]),
        ("unaffordable", ["un", "##afford", "##able"]),
        ("xcat", []),
        ("über", ["ü"]),
        ("", []),
        ("c" * 101, []),
    ],
)
def test_word_pieces(word: str, pieces: list[str]) -> None:
    assert piece_positions([word], VOCABULARY) == [VOCABULARY[piece] for piece in pieces]


def test_a_word_counts_once() -> None:
    assert piece_positions(["cat", "cat"], VOCABULARY) == piece_positions(["cat"], VOCABULARY)


def test_pairs_are_near_each_other_and_in_order() -> None:
    words = ["a", "b", "c", "d", "e", "f"]
    assert len(pair_buckets(words)) == 5 + 4 + 3
    assert FURTHEST_PAIR == 3
    assert pair_buckets(["a", "b"]) != pair_buckets(["b", "a"])
    assert pair_buckets(["a"]) == []


def test_a_long_word_is_cut_before_it_is_taken_apart() -> None:
    assert len(part_buckets(["a" * 10_000])) == len(part_buckets(["a" * 24]))
