"""What a call would cost by the price table, and what one did that never said.

Pure. Knows the table and sizes, no provider and no budget. A guess is meant to be a little too
high: it is set aside for as long as the call runs, then the bill takes its place. So a model that
the table does not know, because it is newer, counts as the dearest one that it knows: a budget that
is set must hold, and a new model must not be out of reach until somebody finds its price.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import ceil

from ..sizes import BYTES_PER_TOKEN, conversation_tokens, text_tokens
from ..types import Request, Usage
from .providers.cloud_models import CloudModel, CloudModels, cost_usd

# Two pages: what goes to the cloud is hard, and its answers are long.
EXPECTED_ANSWER_TOKENS = 1500
# By effort; billed as output, and in most replies seen by nobody. Not measured by us: xAI gives no
# figures, and each step up is said to double or triple the last.
EXPECTED_REASONING_TOKENS = {"none": 0, "low": 500, "medium": 1500, "high": 4000, "xhigh": 8000}


@dataclass(frozen=True, slots=True)
class PriceEstimator:
    """The `Estimator` of ports.py. `reasoning` is the effort that is asked for, or "default"."""

    models: CloudModels
    reasoning: str = "default"

    def before(self, request: Request) -> float | None:
        """USD; 0.0 for a model on this machine, None when the table has no price at all.

        Nothing is taken to be in the provider's cache. `max_tokens` lowers the expectation and does
        not raise it: many chats come with a limit of 8,000 or 100,000, and few answers come near.
        """
        if not request.target.leaves_machine:
            return 0.0
        expected, limit = EXPECTED_ANSWER_TOKENS, request.parameters.max_tokens or 0
        model = self._priced(request)
        usage = Usage(
            prompt_tokens=prompt_tokens(request),
            completion_tokens=min(limit, expected) if limit > 0 else expected,
            reasoning_tokens=self._reasoning_tokens(model),
        )
        return cost_usd(model, usage)

    def after(self, request: Request, shown_chars: int) -> Usage:
        """The usage of a call that was accepted and ended without saying: `is_estimate` is set.

        What was shown was made, and so was the reasoning before it. Of what came after, and was
        never sent, nobody knows.
        """
        usage = Usage(
            prompt_tokens=prompt_tokens(request),
            completion_tokens=ceil(shown_chars / BYTES_PER_TOKEN),
            is_estimate=True,
        )
        if not request.target.leaves_machine:
            return replace(usage, cost_usd=0.0)
        model = self._priced(request)
        usage = replace(usage, reasoning_tokens=self._reasoning_tokens(model))
        return replace(usage, cost_usd=cost_usd(model, usage))

    def at_cloud(self, model: str, usage: Usage) -> float | None:
        """What the same tokens cost at this model, in USD, whoever has answered.

        None when nobody counted them, or where the table has no price: a guess would not do, since
        what is compared with it is what was paid.
        """
        is_counted = usage.prompt_tokens > 0 or usage.completion_tokens > 0
        return cost_usd(self.models.find(model), usage) if is_counted else None

    def _priced(self, request: Request) -> CloudModel:
        model = self.models.find(request.target.model)
        return model if model.price else replace(model, price=self.models.dearest)

    def _reasoning_tokens(self, model: CloudModel) -> int:
        # What the model does not take is not sent to it, and its own way holds.
        effort = self.reasoning if self.reasoning in model.efforts else model.effort
        return EXPECTED_REASONING_TOKENS.get(effort, EXPECTED_REASONING_TOKENS["high"])


def prompt_tokens(request: Request) -> int:
    """What the provider will count, roughly: messages, images and tools."""
    tools = sum(
        text_tokens(json.dumps(dict(tool), default=str, ensure_ascii=False))
        for tool in request.tools
    )
    return conversation_tokens(request.messages) + tools
