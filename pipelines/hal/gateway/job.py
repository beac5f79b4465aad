"""One turn on its way to an answer: what it may use, what has been shown of it, how it can end.

Knows neither targets nor the order of the layers; `gateway.py` walks with these.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ..background import Background
from ..errors import EgressRefused, HalError, NotSent, ProviderError
from ..privacy.masked import Masked, Masking
from ..recorder import TurnRecorder
from ..types import (
    Evidence,
    Outcome,
    Plan,
    ProviderChunk,
    Target,
    Text,
    Thinking,
    ToolCalls,
    Turn,
    Usage,
)
from .attempt import Attempt
from .drafting import Draft, DraftCheck
from .ports import AnswerCache, Breakers, Budget, Estimator, Limits


class CutOff(HalError):
    """The answer broke off after part of it was shown; nothing may be tried again."""

    code = "cut_off"


class Unanswered(HalError):
    """Every target of the plan failed; `code` is that of the last one."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


Refusal = ProviderError | NotSent


@dataclass(frozen=True, slots=True)
class Policies:
    """What stands between a turn and a provider; `is_cold`: the model has to be loaded first."""

    cache: AnswerCache
    budget: Budget
    limits: Limits
    breakers: Breakers
    estimator: Estimator
    is_cold: Callable[[Target], bool]
    background: Background
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Job:
    """One turn on its way to an answer. `masking`: makes the turn as a cloud target may see it,
    where the plan says so; used once, before the first of them is asked. `draft_check`: what a
    draft has to pass, where the plan wants one. `purpose` of its calls: "" for what follows from
    the turn, an answer or a task."""

    turn: Turn
    plan: Plan
    evidence: Evidence
    recorder: TurnRecorder
    masking: Masking | None = None
    draft_check: DraftCheck | None = None
    purpose: str = ""

    def check_for(self, target: Target) -> DraftCheck | None:
        """None where the answer of this target is shown as it comes."""
        return self.draft_check if self.plan.drafts and not target.leaves_machine else None

    async def prepare(self, target: Target) -> None:
        """Before a target is asked: mask what it must not see. Raises EgressRefused."""
        if self._sees_placeholders(target) and self.masking is not None:
            await self.masking.prepare()

    def masked_for(self, target: Target) -> Masked | None:
        """None when this target may see the turn as it is. Raises EgressRefused."""
        if not self._sees_placeholders(target):
            return None
        if self.masking is None or self.masking.made is None:
            raise EgressRefused("Nothing was sent: nobody has masked what is private in it.")
        return self.masking.made

    def _sees_placeholders(self, target: Target) -> bool:
        return target.leaves_machine and self.plan.scrub


@dataclass(slots=True)
class Progress:
    """What the user has seen of this turn so far, and how long it may still take. `replaced`: the
    draft that another target is to replace."""

    job: Job
    deadline: float
    answer_shown: bool = False
    thinking_shown: bool = False
    replaced: Draft | None = None

    @property
    def remaining_s(self) -> float:
        return self.deadline - asyncio.get_running_loop().time()

    def note(self, chunk: ProviderChunk) -> None:
        recorder = self.job.recorder
        if isinstance(chunk, Text) and chunk.text:
            # Blank lines alone are no answer: another target may still give one.
            self.answer_shown = self.answer_shown or not chunk.text.isspace()
            recorder.text(chunk.text)
        elif isinstance(chunk, Thinking) and chunk.text:
            self.thinking_shown = True
            recorder.thinking(chunk.text)
        elif isinstance(chunk, ToolCalls):
            self.answer_shown = True
        elif isinstance(chunk, Usage):
            recorder.used(chunk)
            if chunk.fills_window:
                recorder.degraded("window_full")


@dataclass(slots=True)
class Bill:
    """The attempts at one target, which are paid together."""

    attempts: list[Attempt] = field(default_factory=list)

    def total(self, estimate_usd: float | None) -> tuple[float, bool]:
        """USD, and whether any of it is a guess. A call of unknown price counts as estimated."""
        usages = [attempt.usage for attempt in self.attempts]
        guess = estimate_usd or 0.0
        usd = sum(guess if usage.cost_usd is None else usage.cost_usd for usage in usages)
        return usd, any(usage.is_estimate or usage.cost_usd is None for usage in usages)


def cut_off(error: HalError) -> CutOff:
    return CutOff(
        f"The answer was cut off: {error.sentence}",
        'What was shown is kept. Write "go on" to have it continued, or ask again.',
    )


def unanswered(plan: Plan, failures: Sequence[tuple[Target, Refusal]]) -> Unanswered:
    """What went wrong with each of them; remedies are told once."""
    sentences = [error.sentence for _, error in failures]
    if len(failures) > 1:
        sentences = [f"{target.label}: {error.sentence}" for target, error in failures]
    begin = ""
    if plan.stays_local:
        begin = f"I cannot answer without leaving this machine ({plan.stays_local}). "
    elif len(failures) > 1:
        begin = "No model could answer. "
    return Unanswered(begin + " ".join(dict.fromkeys(sentences)), failures[-1][1].code)


def outcome_of(error: HalError) -> Outcome:
    return Outcome.CUT if isinstance(error, CutOff) else Outcome.FAILED
