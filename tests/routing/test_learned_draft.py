"""What a draft shows about itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.learned.arithmetic import Calculations, check, number
from hal.routing.learned.draft import DRAFT, draft_features


def named(question: str, draft: str, mean_logprob: float | None = None) -> dict[str, float]:
    return dict(zip(DRAFT, draft_features(question, draft, mean_logprob), strict=True))


@pytest.mark.parametrize(
    ("text", "found", "wrong"),
    [
        ("3 x 60 = 180", 1, 0),
        ("3 x 60 = 181.8", 1, 1),
        ("15 + 25 = 40 and 40 - 3 = 36", 2, 1),
        ("$1,200 + $300 = $1,500", 1, 0),
        ("2 + 3 * 4 = 14", 1, 0),
        ("2 + 3 * 4 = 20", 1, 1),
        ("10 / 4 = 2.5", 1, 0),
        ("10 ÷ 3 = 3.33", 1, 0),
        ("5 / 0 = 0", 1, 1),
        ("8 × 5 × 60% = 24", 1, 0),
        ("20 - 25 = -5", 1, 0),
        ("3 apples x 2 = 6", 1, 0),
        ("<<8*5*60/100=24>>24", 1, 0),
        ("x = 5", 0, 0),
        ("a = b + 2", 0, 0),
        ("no numbers here", 0, 0),
    ],
    ids=str,
)
def test_calculations_are_done_again(text: str, found: int, wrong: int) -> None:
    assert check(text) == Calculations(found, wrong)


@given(
    st.integers(0, 10**6),
    st.sampled_from("+-*"),
    st.integers(0, 10**4),
    st.integers(1, 1000),
)
def test_right_is_right_and_off_is_wrong(left: int, sign: str, right: int, off: int) -> None:
    result = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert check(f"{left} {sign} {right} = {result}") == Calculations(1, 0)
    wrong = result + off + abs(result) // 100
    assert check(f"{left} {sign} {right} = {wrong}") == Calculations(1, 1)


def test_money_is_a_number() -> None:
    assert number("$1,200.50") == 1200.5
    assert number("−3%") == -3


@pytest.mark.parametrize(
    ("draft", "name", "value"),
    [
        ("", "is_empty", 1),
        ("", "is_truncated", 1),
        ("It is blue.", "is_truncated", 0),
        ("The total is (3 + 4", "is_truncated", 1),
        ("so 15 + 25 = <<15+2", "is_truncated", 1),
        ("```python\nx = 1\n", "is_truncated", 1),
        ("All of it is\n#### 42", "is_truncated", 0),
        (
            "and the number of the children that came to the party and then went is",
            "is_truncated",
            1,
        ),
        ("#### 42", "has_answer_mark", 1),
        ("So 42", "has_answer_mark", 0),
        ("#### 42", "has_final_number", 1),
        ("I like it.", "has_final_number", 0),
        ("#### 4.5", "final_number_is_whole", 0),
        ("#### -4", "final_number_is_negative", 1),
        ("a\na\nb\nb", "repeated_line_share", 0.5),
        ("```python\ndef f(:\n```", "has_broken_code", 1),
        ("```python\nx = 1\n```", "has_broken_code", 0),
        ('```json\n{"a": }\n```', "has_broken_code", 1),
        ("```\nanything (\n```", "has_broken_code", 0),
        ("```python\n" + "(" * 9000 + "\n```", "has_broken_code", 1),
    ],
    ids=str,
)
def test_a_draft_shows(draft: str, name: str, value: float) -> None:
    assert named("What is it?", draft)[name] == value


@pytest.mark.parametrize(
    "draft", ["I'm unable to help.", "As an AI, no.", "It cannot be determined."]
)
def test_refusals(draft: str) -> None:
    assert named("", draft)["log_refusals"] > 0
    assert named("", "It is Paris.")["log_refusals"] == 0


@pytest.mark.parametrize("draft", ["Perhaps Paris.", "Wait, that is a mistake.", "I think so."])
def test_hedges(draft: str) -> None:
    assert named("", draft)["log_hedges"] > 0
    assert named("", "It is Paris.")["log_hedges"] == 0


def test_numbers_that_were_never_used() -> None:
    assert named("He has 3 and 4 and 5.", "3 + 4 = 7")["unused_number_share"] == pytest.approx(
        1 / 3
    )
    assert named("He has three.", "three")["unused_number_share"] == 0


def test_a_given_logprob_is_passed_on() -> None:
    assert named("", "yes", -2.5)["mean_logprob"] == -2.5
    assert named("", "yes")["mean_logprob"] != -2.5


@given(st.text(max_size=200), st.text(alphabet="0123456789+-*/=$,.() x#<>`\n", max_size=400))
def test_every_draft_has_finite_features(question: str, draft: str) -> None:
    numbers = draft_features(question, draft)
    assert len(numbers) == len(DRAFT)
    assert all(-1e6 < one < 1e6 for one in numbers)


@pytest.mark.parametrize(
    "unit",
    [
        "1 + ",
        "1 + 1 ",
        "1,000,000,000 x ",
        "9" * 50 + "=",
        "1 a x ",
        "####",
        "`" * 3 + "\n",
        "i can",
    ],
    ids=str,
)
def test_ten_times_the_text_is_not_a_hundred_times_the_work(unit: str) -> None:
    """A square would take minutes here; linear takes a blink (the file's limit is 60 s)."""
    text = unit * (200_000 // len(unit)) + "="
    check(text)
    draft_features(text, text)
