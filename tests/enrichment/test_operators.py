"""SearXNG finds nothing but words in a query of ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment.operators import (
    MAX_CHARS,
    MAX_QUERIES,
    MAX_WORDS,
    distinct,
    gist,
    shortened,
    without_controls,
    without_operators,
)
from tests.core.things import fixed

OPERATORS = {
    "external bang": ("!!g chess rules", "chess rules"),
    "feeling lucky": ("!! chess", "chess"),
    "engine": ("!go chess", "chess"),
    "category": ("!images chess", "chess"),
    "bang in the middle": ("chess !wp rules", "chess rules"),
    "bang at the end": ("chess rules !!ddg", "chess rules"),
    "language": (":de Schach", "Schach"),
    "region": (":pt-BR :pt_br xadrez", "xadrez"),
    "automatic language": (":auto chess", "chess"),
    "language by name": (":german chess", "german chess"),
    "language in the middle": ("chess :fr rules", "chess rules"),
    "time limit": ("<3 chess", "chess"),
    "milliseconds": ("chess <850", "chess"),
    "several in one word": ("<:!!g chess", "chess"),
    "hidden behind nothing": ("\u200b!!g chess", "chess"),
    "hidden in it": ("!\u200b!g chess", "chess"),
    "behind a tab": ("\t!!g\u00a0!go\u2003chess", "chess"),
    "only operators": ("!!g :de <3", ""),
    "exclamation after a word": ("Yahoo! mail login", "Yahoo! mail login"),
    "a colon after a word": ("python: list sort", "python: list sort"),
    "a pseudo-class": ("css ::before :root", "css before root"),
    "a comparison": ("is 3<5 and x <y", "is 3<5 and x y"),
    "a version": ("numpy<2 pandas", "numpy<2 pandas"),
    "quoted words": ('"to be" Hamlet', '"to be" Hamlet'),
    "controls": ("chess\x00 \x07rules\nof\r\nplay", "chess rules of play"),
    "half an emoji": ("chess \ud83d rules", "chess rules"),
    "other scripts": ("北京 天气 🎉", "北京 天气 🎉"),
}


@pytest.mark.parametrize(("query", "expected"), OPERATORS.values(), ids=OPERATORS)
def test_operators_go(query: str, expected: str) -> None:
    assert without_operators(query) == expected


signs = st.text(st.sampled_from("!:<de3gx \t\u200b\u00ad\x00\ud83d天é-_"), max_size=30)


@fixed
@given(signs)
def test_no_word_is_an_operator(text: str) -> None:
    query = without_operators(text)
    # As SearXNG cuts it.
    assert not [word for word in re.split(r"\s+", query) if word[:1] in {"!", ":", "<"}]
    assert without_operators(query) == query
    assert without_controls(query) == query
    query.encode()  # half an emoji could not be sent


@fixed
@given(st.text(st.sampled_from("ab \n天"), max_size=500))
def test_a_short_query_is_the_beginning(text: str) -> None:
    query = shortened(text)
    assert len(query.split()) <= MAX_WORDS
    assert len(query) <= MAX_CHARS
    assert " ".join(text.split()).startswith(query)
    assert shortened(query) == query


def test_the_cut_is_between_words_where_there_are_any() -> None:
    assert shortened("word " * 40) == " ".join(["word"] * MAX_WORDS)
    long = " ".join(["x" * 30] * 8)
    assert shortened(long) == " ".join(["x" * 30] * 5)
    assert shortened("天" * 500) == "天" * MAX_CHARS


GISTS = {
    "a question": ("How tall is the Eiffel Tower?", "How tall is the Eiffel Tower?"),
    "the last question": (
        "Hello there. Are you well? How old is Rome? Thanks!",
        "How old is Rome?",
    ),
    "no question": ("Latest chess news. I like it.", "Latest chess news."),
    "the end of a long one": (
        "I was wondering whether you could be so kind as to tell me what a litre of diesel costs?",
        "as to tell me what a litre of diesel costs?",
    ),
    "Chinese": ("你好。北京天气怎么样？谢谢。", "北京天气怎么样？"),
    "nothing": ("  \n ", ""),
}


@pytest.mark.parametrize(("text", "expected"), GISTS.values(), ids=GISTS)
def test_what_the_user_asks_about(text: str, expected: str) -> None:
    assert gist(text).endswith(expected)
    assert len(gist(text).split()) <= MAX_WORDS


def test_two_different_queries_at_most() -> None:
    assert distinct(["chess", "", "Chess", "rules", "more"]) == ("chess", "rules")
    assert len(distinct(["a", "b", "c"])) == MAX_QUERIES
    assert distinct(["", ""]) == ()


@pytest.mark.parametrize("piece", ["!", ":", "<", "! ", "\u200b", "\n", "a! ", "。", ". ", "? "])
def test_much_of_anything(piece: str) -> None:
    text = piece * (60_000 // len(piece))
    assert without_operators(text) == without_operators(without_operators(text))
    assert len(gist(text).split()) <= MAX_WORDS
