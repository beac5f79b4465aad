"""From what the learned router expects to a Decision, and to what becomes of a draft.

Pure: a prediction, a calibrated choice and the chat's course in, a decision out. Knows no file, no
target and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...settings import RoutingSettings
from ...types import DIFFICULTIES, Decision, Route, Source
from ..decide import REASONS, Verdict
from .calibration import Choice, DraftChoice
from .cascade import judge_draft
from .predict import LearnedRouter, Prediction

# Up to here the search head may leave the classifier out: one search in twenty that nobody thinks
# of shows as an answer from memory, which the user can have searched with `/web`.
SEARCH_SURE = 0.05
# Less expected quality than this is not worth another model in the middle of a chat, which has to
# read all of it first.
STICKY_GAIN = 0.05


@dataclass(frozen=True, slots=True)
class Boundary:
    """The learned router as it decides one turn. `drafts`: a local answer may be looked at before
    it is shown, where the choice says for which turns.
    """

    router: LearnedRouter
    router_id: str
    choice: Choice
    text: str
    alone: Prediction
    drafts: bool = False

    @classmethod
    def of(
        cls, router: LearnedRouter, router_id: str, choice: Choice, text: str, *, drafts: bool
    ) -> Boundary:
        """Look at the question, without the classifier; about a millisecond."""
        return cls(router, router_id, choice, text, router.predict(text), drafts)

    @property
    def is_sure(self) -> bool:
        """Whether the language model's classifier would not change the decision."""
        return is_sure(self.alone, self.choice.margin, *self._limits)

    @property
    def _band(self) -> DraftChoice | None:
        """Which turns are drafted; None where none are."""
        return self.choice.draft if self.drafts else None

    @property
    def _threshold(self) -> float:
        """The gain from which on a turn goes to the cloud."""
        band = self._band
        return self.choice.threshold if band is None or band.high is None else band.high

    @property
    def _limits(self) -> tuple[float, ...]:
        """The gains at which the decision changes."""
        band = self._band
        return (self._threshold,) if band is None else (band.low, self._threshold)

    def decide(
        self,
        previous: Route | None,
        settings: RoutingSettings,
        verdict: Verdict | None = None,
        embedding: Sequence[float] | None = None,
    ) -> Decision:
        """`verdict`: what the classifier says, and `embedding`: the question's vector of length 1,
        where they were asked for.
        """
        if verdict is None:
            return self._decision(self.alone, previous, settings, None)
        prediction = self.router.predict(self.text, labels_of(verdict), embedding)
        return self._decision(prediction, previous, settings, verdict)

    def replaces(self, draft: str) -> bool:
        """Whether another target shall answer instead of this local draft."""
        if self.choice.draft is None:
            return False
        judged = judge_draft(self.router.weights, self.text, draft, self.alone)
        return judged is not None and judged.gain >= self.choice.draft.threshold

    def _decision(
        self,
        prediction: Prediction,
        previous: Route | None,
        settings: RoutingSettings,
        verdict: Verdict | None,
    ) -> Decision:
        search = prediction.p_needs_search
        if search is None and verdict is not None:
            search = verdict.needs_search
        if search is not None and search >= settings.search_confidence:
            route, confidence, source, reason = (
                *(Route.ENRICH, search),
                *(Source.LEARNED, REASONS[Route.ENRICH]),
            )
        else:
            route = self._difficulty(prediction, verdict)
            source, reason = Source.LEARNED, words(prediction.p_local_ok)
            if self._sticks(route, prediction.gain, previous, settings):
                assert previous is not None  # noqa: S101  (_sticks is False without one)
                route, source = previous, Source.STICKY
                reason = f"stays with this chat ({reason}, which is close to the limit)"
            p = prediction.p_local_ok
            confidence = 1.0 - p if route is Route.COMPLEX else p
        return Decision(
            route=route,
            confidence=confidence,
            source=source,
            reason=reason,
            needs_search=search,
            probabilities=verdict.combined if verdict else {},
            prompt_id=verdict.prompt_id if verdict else None,
            latency_ms=verdict.latency_ms if verdict else 0.0,
            degraded=verdict.degraded if verdict else None,
            p_local_ok=prediction.p_local_ok,
            gain=prediction.gain,
            router_id=self.router_id,
            drafts=self._drafts(route, prediction.gain),
        )

    def _difficulty(self, prediction: Prediction, verdict: Verdict | None) -> Route:
        if prediction.gain >= self._threshold:
            return Route.COMPLEX
        if verdict is None:
            return Route.MODERATE
        hard = verdict.difficulty
        return Route.SIMPLE if hard[Route.SIMPLE] > hard[Route.MODERATE] else Route.MODERATE

    def _sticks(
        self, route: Route, gain: float, previous: Route | None, settings: RoutingSettings
    ) -> bool:
        if not settings.sticky or previous not in DIFFICULTIES:
            return False
        changes = (previous is Route.COMPLEX) != (route is Route.COMPLEX)
        return changes and abs(gain - self._threshold) < STICKY_GAIN

    def _drafts(self, route: Route, gain: float) -> bool:
        band = self._band
        if band is None or route not in {Route.SIMPLE, Route.MODERATE}:
            return False
        return band.low <= gain < self._threshold


def is_sure(prediction: Prediction, margin: float, *limits: float) -> bool:
    """Far enough from every limit at which the decision changes, and known to need no search."""
    search = prediction.p_needs_search
    if search is None or search > SEARCH_SURE:
        return False
    return all(abs(prediction.gain - limit) >= margin for limit in limits)


def labels_of(verdict: Verdict) -> Mapping[str, float]:
    """The classifier's probabilities as the weights know them (`weights.LABELS`)."""
    return {
        str(Route.SIMPLE): verdict.difficulty[Route.SIMPLE],
        str(Route.COMPLEX): verdict.difficulty[Route.COMPLEX],
        str(Route.ENRICH): verdict.needs_search,
    }


def words(p_local_ok: float) -> str:
    """The reason of a learned decision, for the status line."""
    return f"local answer good enough: {p_local_ok:.0%}"
