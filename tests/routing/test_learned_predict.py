"""The prediction: sums by hand, which stack is used, and that nothing can break it."""

from __future__ import annotations

from array import array
from dataclasses import replace
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.learned.cascade import judge_draft
from hal.routing.learned.draft import DRAFT, draft_features
from hal.routing.learned.ngrams import BUCKETS, word_buckets, words_of
from hal.routing.learned.predict import LearnedRouter, Prediction, log_odds, sigmoid, standardised
from hal.routing.learned.surface import SURFACE
from hal.routing.learned.weights import Link, Stack, Weights
from hal.routing.learned.weights_file import load_weights

from .test_learned_weights import PRIOR, head, whole

LABELS = {"SIMPLE": 0.2, "COMPLEX": 0.7, "ENRICH": 0.1}
ALONE = Stack(("prompt",), 0.0, (1.0,))


def words_only(weight: float = 1.0) -> Weights:
    """A router whose every word bucket weighs the same."""
    one = head(
        link=Link.IDENTITY,
        surface=(),
        words=array("f", [weight]) * BUCKETS,
        pieces=array("f"),
        embedding=(),
        stacks=(ALONE,),
    )
    return whole(local_ok=replace(one, link=Link.LOGISTIC), gain=one, vocabulary={})


def test_a_bag_counts_one_over_the_root_of_its_size() -> None:
    text = "why is the sky blue"
    items = len(word_buckets(words_of(text)))
    said = LearnedRouter(words_only()).predict(text)
    assert said.gain == pytest.approx(items / sqrt(items))
    assert said.p_local_ok == pytest.approx(1 / (1 + exp(-sqrt(items))))
    assert said.p_needs_search is None
    assert said.inputs == ("prompt",)


def test_pieces_are_looked_up_in_the_files_vocabulary() -> None:
    one = head(link=Link.IDENTITY, surface=(), words=array("f"), embedding=(), stacks=(ALONE,))
    said = LearnedRouter(whole(gain=one)).predict("cats")
    assert said.gain == pytest.approx((0.25 - 1.5) / sqrt(2))


def test_surface_numbers_are_standardised_and_cut() -> None:
    assert standardised((1.0, 100.0, -100.0), (0.0, 0.0, 0.0), (2.0, 2.0, 2.0)) == (0.5, 4.0, -4.0)


STACKS = (
    Stack(("prompt",), 1.0, (0.0,)),
    Stack(("prompt", "embedding"), 2.0, (0.0, 0.0)),
    Stack(("prompt", "SIMPLE", "COMPLEX", "ENRICH"), 3.0, (0.0,) * 4),
    Stack(("prompt", "embedding", "SIMPLE", "COMPLEX", "ENRICH"), 4.0, (0.0,) * 5),
)


@pytest.mark.parametrize(
    ("labels", "embedding", "bias"),
    [
        (None, None, 1.0),
        (None, [0.0, 0.0, 0.0], 2.0),
        (LABELS, None, 3.0),
        (LABELS, [0.0, 0.0, 0.0], 4.0),
        ({"SIMPLE": 0.5}, None, 1.0),
        (None, [0.0], 1.0),
    ],
    ids=["prompt", "embedding", "labels", "all", "labels missing", "another embedding"],
)
def test_the_stack_of_what_is_known_is_used(
    labels: dict[str, float] | None, embedding: list[float] | None, bias: float
) -> None:
    weights = whole(gain=head(link=Link.IDENTITY, stacks=STACKS))
    assert LearnedRouter(weights).predict("hi", labels, embedding).gain == bias


def test_an_embedding_is_a_dot_product() -> None:
    stack = Stack(("prompt", "embedding"), 0.0, (0.0, 1.0))
    one = head(link=Link.IDENTITY, stacks=(ALONE, stack))
    said = LearnedRouter(whole(gain=one)).predict("hi", None, [1, 2, 3])
    assert said.gain == pytest.approx(0.1 - 0.4 + 0.9)


@given(st.text(max_size=500))
def test_any_text_has_a_probability(text: str) -> None:
    said = LearnedRouter(whole(needs_search=head())).predict(text)
    assert 0 <= said.p_local_ok <= 1
    assert said.p_needs_search is not None
    assert 0 <= said.p_needs_search <= 1
    assert said.gain == said.gain


def test_a_long_prompt_is_read_in_part() -> None:
    router = LearnedRouter(words_only())
    short, long = "word " * 100 + "end", "word " * 100_000 + "end"
    assert router.predict(long).gain == pytest.approx(router.predict(short).gain, rel=0.5)


@pytest.mark.parametrize("p", [0.0, 1e-12, 0.25, 0.5, 1.0])
def test_log_odds_are_finite(p: float) -> None:
    assert abs(log_odds(p)) <= 6.0 + 1e-9
    assert sigmoid(log_odds(0.25)) == pytest.approx(0.25)


@pytest.mark.parametrize("total", [-1e9, -800.0, 0.0, 800.0, 1e9])
def test_a_sigmoid_of_anything(total: float) -> None:
    assert 0 <= sigmoid(total) <= 1


def test_the_prior_thinks_that_long_questions_are_harder() -> None:
    router = LearnedRouter(load_weights(PRIOR))
    easy = router.predict("What is the capital of France?")
    hard = router.predict(
        "A company with 340 employees, of whom 60 % work in 3 shifts, wants to reorganise its "
        "manufacturing, considering transportation costs of 12,000 per month, internationalisation "
        "of its suppliers, and environmental regulations. Derive the optimal configuration. " * 4
    )
    assert easy.p_local_ok > hard.p_local_ok
    assert easy.gain < hard.gain


def test_a_draft_is_judged_with_its_prompt() -> None:
    weights = whole()
    prediction = Prediction(0.8, 0.1, None, ("prompt",))
    said = judge_draft(weights, "What is 2 + 2?", "2 + 2 = 4", prediction)
    assert said is not None
    features = draft_features("What is 2 + 2?", "2 + 2 = 4")
    total = 0.1 + 0.5 * sum(max(-4, min(4, one)) for one in features)
    total += 0.3 * log_odds(0.8) - 0.4 * 0.1
    assert said.p_ok == pytest.approx(sigmoid(total))
    assert len(features) == len(DRAFT)


def test_without_draft_weights_nobody_judges() -> None:
    prediction = Prediction(0.8, 0.1, None, ("prompt",))
    assert judge_draft(whole(draft=None), "a", "b", prediction) is None


def test_there_are_about_twenty_surface_features() -> None:
    assert len(SURFACE) == len(set(SURFACE)) == 23
