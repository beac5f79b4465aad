"""Passages: they are the page, they are short, they end where sentences do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment.bm25 import bm25
from hal.enrichment.passages import (
    PASSAGE_CHARS,
    PASSAGE_WORDS,
    is_same_text,
    passages,
    shingles,
    terms,
    word_count,
)
from tests.core.things import fixed
from tests.privacy.linear import hostile

SENTENCE = "The lighthouse keeper counts nine ships before the evening bell rings. "  # 11 words


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_sentences_stay_whole() -> None:
    cut = passages(SENTENCE * 40)
    assert len(cut) == 4
    assert all(passage.endswith("rings.") for passage in cut)
    assert all(word_count(passage) == 110 for passage in cut)


def test_a_full_passage_ends_with_its_paragraph() -> None:
    cut = passages("\n".join([SENTENCE * 7, SENTENCE * 2, SENTENCE * 9]))
    assert [word_count(passage) for passage in cut] == [77, 121 - 11, 11]
    assert cut[0] == (SENTENCE * 7).strip()


def test_a_heading_stays_with_what_follows() -> None:
    cut = passages(f"{SENTENCE * 8}\nHistory\n{SENTENCE * 4}")
    assert cut[1].startswith("History\n")


def test_chinese_and_japanese() -> None:
    sentence = "灯台守は夕方の鐘が鳴る前に九隻の船を数える。"
    cut = passages(sentence * 20)
    assert len(cut) > 2
    assert all(passage.endswith("。") for passage in cut)
    assert all(word_count(passage) <= PASSAGE_WORDS for passage in cut)


def test_a_text_without_borders_is_cut_between_words() -> None:
    cut = passages(" ".join(f"word{n}" for n in range(500)))
    assert " ".join(cut).split() == [f"word{n}" for n in range(500)]


def test_nothing_has_no_passages() -> None:
    assert passages("") == passages(" \n ") == ()


@fixed
@given(st.text(st.sampled_from("ab. \n!?。字”\u00a0")) | st.text(max_size=3000))
def test_together_they_are_the_text(text: str) -> None:
    cut = passages(text)
    assert squeezed("".join(cut)) == squeezed(text)
    assert all(word_count(passage) <= PASSAGE_WORDS for passage in cut)
    assert all(0 < len(passage) <= PASSAGE_CHARS for passage in cut)


@pytest.mark.parametrize("text", hostile(60_000).values(), ids=hostile(1))
def test_hostile_texts_are_cut_too(text: str) -> None:
    cut = passages(text)
    assert all(len(passage) <= PASSAGE_CHARS for passage in cut)
    assert len(cut) <= 60_000
    shingles(text)


def test_terms() -> None:
    assert terms("Straße, CAFÉ-au_lait 3.5 ｅ２") == [
        "strasse",
        "café",
        "au",
        "lait",
        "3",
        "5",
        "e2",
    ]
    assert terms("東京都は") == ["東京", "京都", "都は"]
    assert terms("5月") == ["5", "月"]


ARTICLE = " ".join(f"{word}{n}" for n in range(60) for word in ("the", "storm", "reached", "port"))


def test_the_same_text_with_another_head_is_the_same() -> None:
    other = f"By our correspondent, Lisbon. {ARTICLE} Read more."
    assert is_same_text(shingles(ARTICLE), shingles(other))
    assert not is_same_text(shingles(ARTICLE), shingles(ARTICLE[: len(ARTICLE) // 2]))
    assert not is_same_text(shingles("one thing"), shingles("another thing"))
    assert not is_same_text(frozenset(), frozenset())
    assert is_same_text(shingles("short"), shingles("Short"))


def test_bm25_likes_rare_words_often_in_short_texts() -> None:
    texts = [
        "the tide turns",
        "the tide and the moon and the tide again",
        "the moon is far away and nothing else is said here",
        "the cat",
    ]
    scores = bm25({"the", "moon", "tide"}, [text.split() for text in texts])
    assert max(scores) == scores[1]
    assert scores[3] == min(scores)
    assert scores[0] > scores[2]
    assert bm25({"dog"}, [["cat"]] * 4) == [0, 0, 0, 0]
    assert bm25({"dog"}, []) == []


@fixed
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=5))
def test_bm25_is_zero_exactly_without_a_match(texts: list[list[str]]) -> None:
    for text, score in zip(texts, bm25({"a"}, texts), strict=True):
        assert (score > 0) == ("a" in text)
