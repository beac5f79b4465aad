"""What a search engine gets to see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.kinds import TIERS, Kind, Span, Tier
from hal.privacy.queries import clean_query
from tests.core.things import fixed

MAIL = ("jo@x.de", Kind.EMAIL)
NAME = ("Jo Berg", Kind.PERSON)
PHONE = ("+49 170 1234567", Kind.PHONE)
IBAN = ("DE89 3704 0044 0532 0130 00", Kind.IBAN)


def cleaned(text: str, *private: tuple[str, Kind], public: tuple[str, ...] = ()) -> str:
    at = [(text.index(value), value, kind) for value, kind in private if value in text]
    spans = [Span(start, start + len(value), kind) for start, value, kind in at]
    return clean_query(text, spans, public)


CASES = {
    "nothing private": ("python 3.12 release date?", "python 3.12 release date?"),
    "in the middle": ("weather in Bonn for jo@x.de tomorrow", "weather in Bonn tomorrow"),
    "at the end": ("latest news about chess for jo@x.de", "latest news about chess"),
    "at the start": ("jo@x.de: what are the rules of chess", "what are the rules of chess"),
    "in brackets": ("rules of chess (jo@x.de) please", "rules of chess please"),
    "a question": ("weather in Bonn with Jo Berg?", "weather in Bonn?"),
    "German": ("Wie ist das Wetter bei Jo Berg in Bonn?", "Wie ist das Wetter in Bonn?"),
    "French": ("météo à Lyon pour jo@x.de demain", "météo à Lyon demain"),
    "Spanish": ("noticias de fútbol para jo@x.de", "noticias de fútbol"),
    "Polish": ("pogoda dla jo@x.de w Gdańsku", "pogoda w Gdańsku"),
    "Chinese": ("北京天气 jo@x.de", "北京天气"),
    "two values": ("mail jo@x.de or call +49 170 1234567 about chess", "mail or call about chess"),
    "only a mail address": ("jo@x.de", ""),
    "only an account": ("DE89 3704 0044 0532 0130 00", ""),
    "only words around it": ("what is the email of jo@x.de?", ""),
    "only German words around it": ("Wem gehört die Nummer +49 170 1234567?", ""),
    "only a name": ("who is Jo Berg", ""),
    "only small words": ("what is it", ""),
    "only marks": ("?!", ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_what_is_searched(text: str, expected: str) -> None:
    assert cleaned(text, MAIL, NAME, PHONE, IBAN) == expected


@pytest.mark.parametrize("marks", ['""', "“”", "„“", "«»", "''"])
def test_a_quoted_name_stays(marks: str) -> None:
    text = f"films by {marks[0]}Jo Berg{marks[1]}"
    assert cleaned(text, NAME) == text
    assert cleaned(text, (text[9:], Kind.PERSON)) == text  # the span holds its marks


def test_a_quoted_mail_address_does_not() -> None:
    assert cleaned('films by "jo@x.de"', MAIL) == "films"


def test_a_public_name_stays() -> None:
    assert cleaned("films by Jo Berg", NAME, public=("JO  BERG",)) == "films by Jo Berg"
    assert cleaned("films by Jo Berg", NAME, public=("Berg",)) == "films"


@pytest.mark.parametrize("kind", [kind for kind in Kind if TIERS[kind] is not Tier.SOFT])
def test_public_is_for_names(kind: Kind) -> None:
    assert cleaned("chess Jo Berg", ("Jo Berg", kind), public=("Jo Berg",)) == "chess"


texts = st.lists(
    st.sampled_from(["chess", "of", "to", "(", ")", '"', "?", ".", " ", "  ", "Q7", "\n", "王"]),
    max_size=14,
).map("".join)


@fixed
@given(texts, st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=4))
def test_nothing_new_and_nothing_private(text: str, cuts: list[tuple[int, int]]) -> None:
    spans = [
        Span(at, min(len(text), at + size), Kind.SECRET) for at, size in cuts if at < len(text)
    ]
    query = clean_query(text, spans)
    private = {at for span in spans for at in range(span.start, span.end)}
    left = "".join(char for at, char in enumerate(text) if at not in private)
    letters = [char for char in query if char.isalnum()]
    assert all(query.count(char) <= left.count(char) for char in letters)
    assert "[[" not in query
    assert clean_query(query, []) == query


def test_a_long_text_of_small_words_takes_one_look() -> None:
    text = "to " * 100_000 + "x"
    assert clean_query(text, [Span(len(text) - 1, len(text), Kind.SECRET)]) == ""
