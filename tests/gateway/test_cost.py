"""What a call would cost, and what one that broke off may have cost, by the sheet of prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.gateway.cost import EXPECTED_ANSWER_TOKENS, EXPECTED_REASONING_TOKENS, PriceEstimator
from hal.gateway.cost import prompt_tokens as estimated_prompt_tokens
from hal.gateway.ports import Estimator
from hal.gateway.providers.cloud_models import CloudModels, Price, cost_usd
from hal.sizes import BYTES_PER_TOKEN, IMAGE_TOKENS, MESSAGE_TOKENS
from hal.types import Message, Parameters, Request, Target, Usage

from .helpers import LOCAL

MODELS = CloudModels.load()
ESTIMATOR: Estimator = PriceEstimator(MODELS)


def cloud(model: str) -> Target:
    return Target("xai", model, True, 1_000_000)


def ask(model: str, prompt_tokens: int = 1_000, **changes: Any) -> Request:
    """A request of about so many tokens, one message."""
    text = "x" * int((prompt_tokens - MESSAGE_TOKENS) * BYTES_PER_TOKEN)
    return replace(Request(cloud(model), (Message("user", text),)), **changes)


@pytest.mark.parametrize(
    ("model", "prompt", "limit", "want"),
    [
        # Per million tokens: grok-4.3 1.25 in and 2.50 out, reasons a little (low: 500 tokens).
        pytest.param("grok-4.3", 1_000, None, 0.00125 + 2_000 * 2.5e-6, id="low"),
        pytest.param("grok-4.3", 1_000, 100, 0.00125 + 600 * 2.5e-6, id="short-answer"),
        pytest.param("grok-4.3", 1_000, 100_000, 0.00125 + 2_000 * 2.5e-6, id="a-limit-is-no-wish"),
        pytest.param("grok-4.3", 1_000, 0, 0.00125 + 2_000 * 2.5e-6, id="no-limit-as-0"),
        pytest.param("grok-4.3", 1_000, -1, 0.00125 + 2_000 * 2.5e-6, id="no-limit-as-minus-1"),
        # grok-4.7: 2 in, 6 out, reasons hard (high: 4,000 tokens).
        pytest.param("grok-4.7", 1_000, None, 0.002 + 5_500 * 6e-6, id="high"),
        pytest.param("grok-4.20-non-reasoning", 1_000, None, 0.00125 + 1_500 * 2.5e-6, id="none"),
        # From 200,000 tokens of prompt on, all of it costs twice as much.
        pytest.param("grok-4.3", 199_990, 100, 0.2499875 + 600 * 2.5e-6, id="below-the-tier"),
        pytest.param("grok-4.3", 200_010, 100, 2 * (0.2500125 + 600 * 2.5e-6), id="in-the-tier"),
        pytest.param("grok-4.7", 300_000, None, 2 * (0.6 + 5_500 * 6e-6), id="tier-of-4.7"),
    ],
)
def test_before(model: str, prompt: int, limit: int | None, want: float) -> None:
    request = ask(model, prompt, parameters=Parameters(max_tokens=limit))
    assert ESTIMATOR.before(request) == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize(
    ("model", "asked_for", "effort"),
    [
        ("grok-4.3", "default", "low"),
        ("grok-4.3", "none", "none"),
        ("grok-4.3", "high", "high"),
        ("grok-4.7", "none", "high"),  # it knows no "none": the word is not sent
        ("grok-4.20", "low", "high"),
        ("grok-4.20-non-reasoning", "high", "none"),
    ],
)
def test_reasoning_is_expected_as_it_is_asked_for(model: str, asked_for: str, effort: str) -> None:
    usd = PriceEstimator(MODELS, asked_for).before(ask(model))
    tokens = EXPECTED_ANSWER_TOKENS + EXPECTED_REASONING_TOKENS[effort]
    assert usd == pytest.approx(cost_usd(MODELS.find(model), Usage(1_000, tokens)), rel=1e-3)


def test_a_model_of_this_machine_costs_nothing() -> None:
    request = Request(LOCAL, (Message("user", "hello"),))
    assert ESTIMATOR.before(request) == 0.0
    assert ESTIMATOR.after(request, 36) == Usage(7, 10, cost_usd=0.0, is_estimate=True)


def test_a_model_of_unknown_price_counts_as_the_dearest() -> None:
    dearest = ESTIMATOR.before(ask("grok-4.7"))
    assert dearest is not None
    assert ESTIMATOR.before(ask("grok-9")) == pytest.approx(dearest, rel=0.01)
    usage = ESTIMATOR.after(ask("grok-9"), 360)
    assert (usage.completion_tokens, usage.is_estimate) == (100, True)
    assert usage.cost_usd is not None
    assert usage.cost_usd > 0


def test_without_any_price_there_is_no_estimate() -> None:
    estimator = PriceEstimator(CloudModels(()))
    assert estimator.before(ask("grok-9")) is None
    assert estimator.after(ask("grok-9"), 360).cost_usd is None


def test_ones_own_price_is_used() -> None:
    estimator = PriceEstimator(MODELS.priced({"grok-9": Price(10.0, 10.0, 0.0)}))
    assert estimator.before(ask("grok-9")) == pytest.approx(0.01, rel=1e-3)


CLOUD_PRICES = [
    pytest.param("grok-4.3", Usage(1_000_000), 2.5, id="a long prompt is dearer"),
    pytest.param("grok-4.3", Usage(1000, 200), (1250 + 500) / 1e6, id="counted by another model"),
    pytest.param("grok-4.3", Usage(1000, 200, 400, 50), 0.001455, id="counted by the cloud"),
    pytest.param("grok-4.3", Usage(), None, id="nobody counted"),
    pytest.param("grok-9", Usage(1000, 200), None, id="no price, and no guess"),
]


@pytest.mark.parametrize(("model", "usage", "usd"), CLOUD_PRICES)
def test_what_the_same_tokens_cost_at_the_cloud(
    model: str, usage: Usage, usd: float | None
) -> None:
    found = PriceEstimator(MODELS).at_cloud(model, usage)
    assert found == (None if usd is None else pytest.approx(usd))


def test_images_and_tools_are_counted() -> None:
    plain = estimated_prompt_tokens(ask("grok-4.3"))
    picture = Message("user", "", images=("data:image/png;base64," + "A" * 1_000_000,))
    tool = {"type": "function", "function": {"name": "f", "description": "d" * 3_600}}
    seen = ask("grok-4.3", tools=(tool,))
    with_both = replace(seen, messages=(*seen.messages, picture))
    more = estimated_prompt_tokens(with_both) - plain
    assert more == pytest.approx(IMAGE_TOKENS + MESSAGE_TOKENS + 1_000, abs=30)


def test_after_counts_what_was_shown_and_the_reasoning_before_it() -> None:
    usage = ESTIMATOR.after(ask("grok-4.3"), 3_600)
    assert usage.is_estimate
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens) == (
        1000,
        1000,
        500,
    )
    assert usage.cost_usd == pytest.approx(0.00125 + 1_500 * 2.5e-6)


def test_a_call_that_showed_nothing_still_read_its_prompt() -> None:
    usage = ESTIMATOR.after(ask("grok-4.3", 250_000), 0)
    assert usage.completion_tokens == 0
    assert usage.cost_usd == pytest.approx(2 * (250_000 * 1.25e-6 + 500 * 2.5e-6))


@given(st.sampled_from([model.match for model in MODELS.models]), st.integers(0, 20_000))
def test_more_shown_never_costs_less(model: str, chars: int) -> None:
    request = ask(model, 100)
    less, more = ESTIMATOR.after(request, chars), ESTIMATOR.after(request, chars + 1)
    assert less.cost_usd is not None
    assert more.cost_usd is not None
    assert 0 < less.cost_usd <= more.cost_usd
