"""Two questions ask for the same, or they do not: tables and properties."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hal.gateway.cache_guard import difference
from tests.core.things import fixed

PAIRS = Path(__file__).resolve().parents[2] / "bench" / "cache" / "pairs.jsonl"
ROWS = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
QUESTIONS = sorted({row[side] for row in ROWS for side in ("a", "b")})
ENGLISH = [text for text in QUESTIONS if re.match(r"(?:What|How|Who|Why|Where|When)\b", text)]
# About half of the paraphrases share their words; fewer would make the semantic cache an exact one.
LEAST_PARAPHRASES = 0.55

questions = st.sampled_from(QUESTIONS)


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"] == "different"], ids=str)
def test_near_misses_are_told_apart(row: dict[str, str]) -> None:
    assert difference(row["a"], row["b"]) is not None


def test_many_paraphrases_are_let_through() -> None:
    same = [row for row in ROWS if row["kind"] == "same"]
    let_through = sum(difference(row["a"], row["b"]) is None for row in same)
    assert let_through / len(same) > LEAST_PARAPHRASES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the capital of France?", "what is the capital of france"),
        ("How do I sort a list?", "Please tell me how to sort a list."),
        ("Reversing a list in Python", "How do I reverse a list in Python?"),
        ("What can't a VPN do?", "What cannot a VPN do?"),
        ("How do I cook rice for two people?", "How do I cook rice for 2 people?"),
        ("What is 12 x 7?", "What is 12 times 7?"),
        ("What is 20 °C in Fahrenheit?", "What is 20 degrees Celsius in Fahrenheit?"),
        ("Is Will Smith an actor?", "is Will Smith an actor"),
        ("What Is A Prime Number?", "What is a prime number?"),
        ("Wie kocht man Reis?", "Bitte erkläre mir, wie ich Reis koche."),
        ("Comment trier une liste ?", "Comment est-ce que je peux trier une liste ?"),
        ("東京の人口は?", "東京の人口は？"),
    ],
)
def test_the_same_in_other_words(one: str, other: str) -> None:
    assert difference(one, other) is None


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Is 5 greater than 3?", "Is 3 greater than 5?", "number"),
        ("What is 2^3?", "What is 2*3?", "sign"),
        ("What is the point of `a`?", "What is the point of `A`?", "code"),
        ("What does -v do in grep?", "What does -V do in grep?", "code"),
        ("How many Mb are in a GB?", "How many MB are in a GB?", "code"),
        ("Which birds can fly?", "Which birds can't fly?", "negation"),
        ("A cake with eggs", "A cake without eggs", "negation"),
        ("Who invented the radio?", "When was the radio invented?", "question word"),
        ("Can dogs eat grapes?", "Why can dogs eat grapes?", "question word"),
        ("Who is the king of Spain?", "Who was the king of Spain?", "meaning"),
        ("Can bitcoin crash?", "Will bitcoin crash?", "meaning"),
        ("What is my address?", "What is your address?", "meaning"),
        ("Is Python compiled?", "How is Python compiled?", "meaning"),
        ("How do I write a poem about rain?", "Write a poem about rain", "meaning"),
        ("Solve 2x = 4", "Explain 2x = 4", "meaning"),
        ("Can I take aspirin and wine?", "Can I take aspirin or wine?", "meaning"),
        ("What is the capital of Austria?", "What is the capital of Australia?", "word"),
        ("Do I have to tip in Japan?", "Can I tip in Japan?", "meaning"),
        ("Cities with over 30 degrees", "Cities with under 30 degrees", "word"),
        ("How do I turn on dark mode?", "How do I turn off dark mode?", "word"),
        ("Wie schalte ich den Router ein?", "Wie schalte ich den Router aus?", "word"),
        ("Where is parking in Rome?", "Where are parks in Rome?", "word"),
        ("Who is Will Smith?", "Who is Smith?", "word"),
        ("What is the law in the US?", "What is the law in us?", "word"),
        ("The weather in Lisbon in may", "The weather in Lisbon", "word"),
        ("Convert JSON to CSV", "Convert CSV to JSON", "order"),
        ("Flights from Oslo to Rome", "Flights from Rome to Oslo", "order"),
        ("Flights to Oslo", "Flights from Oslo", "order"),
        ("How do I pay with a card?", "How do I pay for a card?", "order"),
        ("Who did Germany invade?", "Who invaded Germany?", "order"),
        ("Why do cats chase dogs?", "Why do dogs chase cats?", "order"),
        ("Is he older than her?", "Is she older than him?", "word"),
        ("What is a prime number?", "Was ist eine Primzahl?", "language"),
        ("東京の人口は?", "大阪の人口は?", "script"),
        ("犬は人を噛みますか?", "人は犬を噛みますか?", "script"),
    ],
)
def test_what_tells_two_questions_apart(one: str, other: str, why: str) -> None:
    assert difference(one, other) == why


@fixed
@given(questions)
def test_a_question_asks_for_the_same_as_itself(text: str) -> None:
    assert difference(text, text) is None
    assert difference(text, f"  {text}\n") is None
    assert difference(text.rstrip("?.! "), text) is None


@fixed
@given(questions, questions)
def test_it_does_not_matter_which_was_first(one: str, other: str) -> None:
    assert difference(one, other) == difference(other, one)


@fixed
@given(st.text(max_size=60), st.text(max_size=60))
def test_anything_can_be_compared(one: str, other: str) -> None:
    assert difference(one, one) is None
    assert difference(one, other) == difference(other, one)


@fixed
@given(st.sampled_from([text for text in QUESTIONS if re.search(r"\d", text)]), st.data())
def test_another_digit_is_another_question(text: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([m.start() for m in re.finditer(r"\d", text)]))
    digit = data.draw(st.sampled_from([d for d in "123456789" if d != text[place]]))
    assert difference(text, f"{text[:place]}{digit}{text[place + 1 :]}") is not None


@fixed
@given(st.sampled_from(ENGLISH), st.sampled_from(["not", "never", "without"]), st.data())
def test_a_negation_more_is_another_question(text: str, word: str, data: st.DataObject) -> None:
    words = text.split()
    place = data.draw(st.integers(1, len(words)))
    assert difference(text, " ".join([*words[:place], word, *words[place:]])) is not None


@fixed
@given(st.sampled_from(ENGLISH), st.sampled_from(["Zürich", "zebra", "xylophone"]), st.data())
def test_another_content_word_is_another_question(
    text: str, word: str, data: st.DataObject
) -> None:
    places = list(re.finditer(r"[A-Za-z]{4,}", text))
    assume(places)
    place = data.draw(st.sampled_from(places))
    changed = f"{text[: place.start()]}{word}{text[place.end() :]}"
    assert difference(text, changed) is not None
    assert difference(text, f"{text.rstrip('?. ')} {word}?") is not None


@fixed
@given(questions)
def test_case_alone_makes_no_difference_but_in_code(text: str) -> None:
    assert difference(text, text.lower()) in (None, "code")
