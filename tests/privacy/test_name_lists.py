"""The name lists: what they hold, and what they say of words that are names as well."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.name_lists import PARTICLES, NameLists, without_accents
from tests.core.things import fixed

NAMES = NameLists.load()

GIVEN = (
    "James", "mary", "SUSAN", "Jürgen", "Jurgen", "Élodie", "Elodie", "Alejandro", "Femke",
    "Małgorzata", "Malgorzata", "Conceição", "Björn", "Ayşe", "Priya", "Mohammed", "Yuki",
    "Kwame", "Oksana", "Zoltán", "Jean-Pierre", "Anna-Lena",
)  # fmt: skip
SURNAMES = (
    "Smith", "Müller", "Muller", "Lefebvre", "García", "Garcia", "Rossi", "Dijkstra", "Kowalski",
    "Gonçalves", "Johansson", "O'Brien", "O’Brien", "Yılmaz", "Patel", "Nguyen", "Okafor",
)  # fmt: skip


@pytest.mark.parametrize("word", GIVEN)
def test_given_names_in_any_case_and_without_accents(word: str) -> None:
    assert NAMES.is_given(word)
    assert NAMES.is_given(word.lower())
    assert NAMES.is_given(word.upper())


@pytest.mark.parametrize("word", SURNAMES)
def test_surnames(word: str) -> None:
    assert NAMES.is_surname(word)


@pytest.mark.parametrize(
    "word", ["table", "Kubernetes", "Invoice", "Straße", "xyzzy", "", "-", "Smith-x", "'"]
)
def test_other_words_are_no_names(word: str) -> None:
    assert not NAMES.is_given(word)
    assert not NAMES.is_surname(word)


WORDS = (
    "Will May Rose Mark Hope Art Bill Grace Angel Jordan Paris April June Summer Chase Austin"
    " Dallas Virginia Claude Alexa Java Ruby Jasmine"
)


@pytest.mark.parametrize("word", WORDS.split())
def test_names_that_are_words_need_a_second_cue(word: str) -> None:
    assert NAMES.is_ambiguous(word) or not NAMES.is_given(word)


@pytest.mark.parametrize("word", ["Peter", "Susan", "Giulia", "Hans", "Ewa", "Laura", "Henry"])
def test_names_that_are_nothing_else_do_not(word: str) -> None:
    assert NAMES.is_given(word)
    assert not NAMES.is_ambiguous(word)


def test_particles_are_no_evidence() -> None:
    assert not PARTICLES & NAMES.given
    assert not PARTICLES & NAMES.surnames


def test_the_lists_are_small_and_clean() -> None:
    """They are loaded in every process, and a stray sign would be a name for ever."""
    for words in (NAMES.given, NAMES.surnames, NAMES.ambiguous, NAMES.ordinary):
        assert 500 < len(words) < 12_000
        assert all(re.sub("[-'.]", "", without_accents(word)).isalpha() for word in words)


@fixed
@given(st.text(max_size=12))
def test_any_word_has_an_answer_that_ignores_case(word: str) -> None:
    assert NAMES.is_given(word) == NAMES.is_given(word.lower())
    assert NAMES.is_ordinary(word) <= NAMES.is_ambiguous(word)


@pytest.mark.parametrize(
    ("word", "plain"),
    [("gonçalves", "goncalves"), ("łukasz", "lukasz"), ("groß", "gross"), ("søren", "soren")],
)
def test_without_accents(word: str, plain: str) -> None:
    assert without_accents(word) == plain
