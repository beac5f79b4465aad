"""Asks the small local model how hard a turn is and whether it needs a search.

One forward pass per question: the log-probabilities of the label tokens, less the label bias that
content-free inputs show (computed once per model digest and prompt, kept in the session log), plus
how common each label is. A
server without log-probabilities (Ollama before 0.12.11) answers with constrained JSON instead.
Knows no thresholds: `decide.py` has those.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Protocol

from ..errors import BadReply
from ..types import DIFFICULTIES, Message, Turn
from .decide import Verdict
from .excerpt import excerpt
from .labels import label_logprobs, mean_prior, probabilities
from .question import Question

# Inputs that ask for nothing: what the model answers to them is its bias (Zhao et al. 2021).
CONTENT_FREE = ("N/A", "", "[text]")
# Accuracy of a small model's constrained label, as measured on 40 prompts: what such an answer is
# worth when the model does not say how sure it is.
STRUCTURED_CONFIDENCE = 0.65
# Room for the template of the chat model around our text.
TEMPLATE_TOKENS = 32
NEEDS_SEARCH = "YES"


class ClassifierModel(Protocol):
    """The model calls that classification needs."""

    async def first_token(
        self, model: str, messages: tuple[Message, ...], *, num_ctx: int
    ) -> Mapping[str, float] | None: ...

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, object],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]: ...

    async def digest(self, model: str) -> str: ...


class StateStore(Protocol):
    """Small values that outlive the process."""

    async def get_state(self, key: str) -> str | None: ...

    async def put_state(self, key: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Questions:
    """The two questions about a turn: how hard it is, and whether it needs a search."""

    difficulty: Question
    search: Question


@dataclass(frozen=True, slots=True)
class Windows:
    """The classifier's name, the window it is loaded with, and how much of that we let it read."""

    model: str
    num_ctx: int
    reads_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Probabilities of one question's meanings, and how they came about."""

    p: dict[str, float]
    calibrated: bool
    degraded: str | None = None


class Classifier:
    """Asks the model `name`; one per settings, as it remembers what it learned of the model."""

    def __init__(
        self,
        model: ClassifierModel,
        questions: Questions,
        windows: Windows,
        state: StateStore,
    ) -> None:
        self._model, self._windows = model, windows
        self.questions = questions
        self._state = state
        self._priors: dict[str, dict[str, float]] = {}
        self._has_logprobs = True
        self._measuring: dict[str, asyncio.Task[dict[str, float] | None]] = {}

    async def classify(self, turn: Turn) -> Verdict:
        """Both questions about one turn. Raises ProviderError; keeps no deadline of its own."""
        began = perf_counter()
        history = turn.messages[:-1]
        difficulty, search = await asyncio.gather(
            self._ask(self.questions.difficulty, turn.question, history),
            self._ask(self.questions.search, turn.question, history),
        )
        return Verdict(
            difficulty={route: difficulty.p[route] for route in DIFFICULTIES},
            needs_search=search.p[NEEDS_SEARCH],
            prompt_id=f"{self.questions.difficulty.prompt.id} {self.questions.search.prompt.id}",
            calibrated=difficulty.calibrated and search.calibrated,
            latency_ms=(perf_counter() - began) * 1000,
            degraded=difficulty.degraded or search.degraded,
        )

    async def answer(self, question: Question, turn: Turn) -> Answer:
        """One of the two alone: whoever decides many turns asks the same prompt in a row, so that a
        server keeps its beginning in memory. Raises ProviderError."""
        return await self._ask(question, turn.question, turn.messages[:-1])

    async def warm(self) -> None:
        """Load the model, calibrate, and have both prompts in its cache, before the first turn."""
        for question in (self.questions.difficulty, self.questions.search):
            await self._ask(question, CONTENT_FREE[0], ())

    async def _ask(self, question: Question, text: str, history: tuple[Message, ...]) -> Answer:
        budget = self._windows.reads_tokens - question.fixed_tokens - TEMPLATE_TOKENS
        read = excerpt(text, history, budget)
        messages = question.messages(read.question, read.earlier)
        if self._has_logprobs:
            logprobs = await self._logprobs(question, messages)
            if logprobs is not None:
                prior = await self._prior(question)
                p = probabilities(logprobs, prior, question.base_rates)
                return Answer(_named(question, p), prior is not None)
        return await self._structured(question, messages)

    async def _logprobs(
        self, question: Question, messages: tuple[Message, ...]
    ) -> dict[str, float] | None:
        tokens = await self._model.first_token(
            self._windows.model, messages, num_ctx=self._windows.num_ctx
        )
        if tokens is None:
            self._has_logprobs = False
            return None
        logprobs = label_logprobs(tokens, tuple(question.labels))
        if logprobs is None:
            raise BadReply("The classifier answered something else than a label.")
        return logprobs

    async def _structured(self, question: Question, messages: tuple[Message, ...]) -> Answer:
        reply = await self._model.structured(
            self._windows.model, messages, question.schema, num_ctx=self._windows.num_ctx
        )
        label = reply.get("label")
        if label not in question.labels:
            raise BadReply("The classifier answered something else than a label.")
        rest = (1.0 - STRUCTURED_CONFIDENCE) / (len(question.labels) - 1)
        p = {name: STRUCTURED_CONFIDENCE if name == label else rest for name in question.labels}
        return Answer(_named(question, p), calibrated=False, degraded="classifier_without_logprobs")

    async def _prior(self, question: Question) -> dict[str, float] | None:
        """The label bias of this model on this prompt, from memory, the log, or the model.

        Measuring goes on when the turn that began it has run into its deadline: else a slow machine
        would begin anew with every turn and never end.
        """
        name = question.prompt.id
        if name not in self._priors:
            if name not in self._measuring:
                task = asyncio.get_running_loop().create_task(self._find_prior(question))
                task.add_done_callback(partial(self._measured, name))
                self._measuring[name] = task
            return await asyncio.shield(self._measuring[name])
        return self._priors[name]

    def _measured(self, name: str, task: asyncio.Task[dict[str, float] | None]) -> None:
        self._measuring.pop(name, None)
        if not task.cancelled() and task.exception() is None and (prior := task.result()):
            self._priors[name] = prior

    async def _find_prior(self, question: Question) -> dict[str, float] | None:
        digest = await self._model.digest(self._windows.model)
        key = f"calibration:{digest}:{question.prompt.id}"
        known = _parse_prior(await self._state.get_state(key), question)
        prior = known or await self._measure_prior(question)
        if prior is not None and known is None:
            await self._state.put_state(key, json.dumps(prior))
        return prior

    async def _measure_prior(self, question: Question) -> dict[str, float] | None:
        observations = []
        for text in CONTENT_FREE:
            logprobs = await self._logprobs(question, question.messages(text))
            if logprobs is None:
                return None
            observations.append(logprobs)
        return mean_prior(observations)


def _named(question: Question, p: Mapping[str, float]) -> dict[str, float]:
    return {question.labels[label]: value for label, value in p.items()}


def _parse_prior(text: str | None, question: Question) -> dict[str, float] | None:
    if text is None:
        return None
    try:
        prior = {str(label): float(value) for label, value in json.loads(text).items()}
    except (AttributeError, TypeError, ValueError):
        return None
    return prior if set(prior) == set(question.labels) else None
