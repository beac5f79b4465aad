"""From token log-probabilities to label probabilities."""

from __future__ import annotations

from math import exp, isfinite, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.labels import label_logprobs, mean_prior, probabilities
from tests.core.things import fixed

ABC = ("A", "B", "C")
LOWEST_FLOAT = -3.4e38  # what llama.cpp reports for a token that cannot come


def shares(tokens: dict[str, float]) -> dict[str, float]:
    found = label_logprobs({token: log(p) for token, p in tokens.items()}, ABC)
    assert found is not None
    return {label: round(exp(value), 3) for label, value in found.items()}


TABLE = [
    pytest.param({"A": 0.5, "B": 0.3, "C": 0.2}, (0.5, 0.3, 0.2), id="already normal"),
    pytest.param({"A": 0.1, "B": 0.1, "C": 0.2, "The": 0.6}, (0.25, 0.25, 0.5), id="renormalised"),
    pytest.param(
        {"A": 0.1, " A": 0.2, "a": 0.1, "\nA": 0.1, "B": 0.3, "C": 0.2}, (0.5, 0.3, 0.2),
        id="spellings add up",
    ),
    pytest.param(
        {"AB": 0.4, "Answer": 0.1, "A": 0.25, "B": 0.15, "C": 0.1}, (0.5, 0.3, 0.2),
        id="words that only begin alike",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tokens", "expected"), TABLE)
def test_normalised(tokens: dict[str, float], expected: tuple[float, ...]) -> None:
    assert tuple(shares(tokens).values()) == expected


@pytest.mark.parametrize(
    "tokens", [{}, {"The": -0.1}, {"": -0.1, " ": -1.0}], ids=["nothing", "words", "blanks"]
)
def test_no_label_at_all(tokens: dict[str, float]) -> None:
    assert label_logprobs(tokens, ABC) is None


WORDS = ("easy", "normal", "hard")
PREFIXES = [
    ({"easy": 0.6, "hard": 0.2, "normal": 0.2}, (0.6, 0.2, 0.2)),
    ({" eas": 0.3, "Easy": 0.3, "h": 0.2, "NORM": 0.2}, (0.6, 0.2, 0.2)),
    ({"easy": 0.3, "hardly": 0.4, "normal": 0.15, "hard": 0.05, "\n": 0.1}, (0.6, 0.3, 0.1)),
]


@pytest.mark.parametrize(("tokens", "expected"), PREFIXES, ids=["whole", "begun", "others"])
def test_words_as_labels(tokens: dict[str, float], expected: tuple[float, ...]) -> None:
    found = label_logprobs({token: log(p) for token, p in tokens.items()}, WORDS)
    assert found is not None
    assert tuple(map(exp, found.values())) == pytest.approx(expected)


def test_a_beginning_that_two_labels_share_speaks_for_neither() -> None:
    assert label_logprobs({"s": -0.1}, ("short", "simple")) is None


def test_a_missing_label_is_below_the_last_of_the_list() -> None:
    found = shares({"A": 0.9, "x": 0.05, "B": 0.02})
    assert found["A"] > found["B"] > found["C"] > 0


def test_a_token_that_cannot_come_is_no_arithmetic_error() -> None:
    found = label_logprobs({"A": 0.0, "B": LOWEST_FLOAT}, ABC)
    assert found is not None
    assert all(map(isfinite, found.values()))
    assert probabilities(found)["A"] == pytest.approx(1.0)


def test_the_prior_is_the_mean_over_the_observations() -> None:
    assert mean_prior([{"A": -1.0, "B": -3.0}, {"A": -2.0, "B": -1.0}]) == {"A": -1.5, "B": -2.0}


def test_calibration_turns_a_biased_answer() -> None:
    prior = {"A": log(0.8), "B": log(0.1), "C": log(0.1)}
    seen = {"A": log(0.5), "B": log(0.4), "C": log(0.1)}
    found = probabilities(seen, prior)
    assert max(found, key=found.__getitem__) == "B"


logprobs = st.floats(-800, 0)
tokens = st.dictionaries(st.sampled_from(["A", " B", "c", "The", "x", "y"]), logprobs)
distribution = st.fixed_dictionaries(dict.fromkeys(ABC, logprobs))


@fixed
@given(tokens=tokens)
def test_every_reply_gives_a_distribution_or_none(tokens: dict[str, float]) -> None:
    found = label_logprobs(tokens, ABC)
    if found is not None:
        assert all(map(isfinite, found.values()))
        assert sum(probabilities(found).values()) == pytest.approx(1.0)


@fixed
@given(seen=distribution, prior=st.none() | distribution)
def test_probabilities_add_up(seen: dict[str, float], prior: dict[str, float] | None) -> None:
    found = probabilities(seen, prior)
    assert sum(found.values()) == pytest.approx(1.0)
    assert all(0 <= p <= 1 for p in found.values())


@fixed
@given(seen=distribution)
def test_without_a_prior_the_order_is_kept(seen: dict[str, float]) -> None:
    found = probabilities(seen)
    for one in ABC:
        for other in ABC:
            if seen[one] > seen[other]:
                assert found[one] >= found[other]


@fixed
@given(seen=distribution)
def test_calibrating_with_the_own_distribution_leaves_nothing(seen: dict[str, float]) -> None:
    assert list(probabilities(seen, seen).values()) == pytest.approx([1 / 3] * 3)
    rates = {"A": 0.5, "B": 0.3, "C": 0.2}
    assert probabilities(seen, seen, rates) == pytest.approx(rates)


@fixed
@given(seen=distribution)
def test_base_rates_count_only_where_the_bias_is_known(seen: dict[str, float]) -> None:
    assert probabilities(seen, None, {"A": 0.9, "B": 0.05, "C": 0.05}) == probabilities(seen)
