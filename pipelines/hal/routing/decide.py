"""From what the classifier says to a Decision.

Pure: thresholds, stickiness and the default. Knows neither the classifier nor the targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..settings import RoutingSettings
from ..types import DIFFICULTIES, Decision, Route, Source

REASONS = {
    Route.SIMPLE: "small talk or a plain fact",
    Route.MODERATE: "an ordinary question",
    Route.COMPLEX: "beyond the local model",
    Route.ENRICH: "needs current information",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier says: P(difficulty), adding up to 1, and P(needs a search)."""

    difficulty: Mapping[Route, float]
    needs_search: float
    prompt_id: str
    calibrated: bool
    latency_ms: float = 0.0
    degraded: str | None = None

    @property
    def combined(self) -> dict[str, float]:
        """One distribution over all four routes."""
        stay = 1.0 - self.needs_search
        mixed = {str(route): p * stay for route, p in self.difficulty.items()}
        return {**mixed, str(Route.ENRICH): self.needs_search}


def decide(verdict: Verdict, previous: Route | None, settings: RoutingSettings) -> Decision:
    """ENRICH when a search is needed; else the likeliest difficulty, unless the chat sticks."""
    if verdict.needs_search >= settings.search_confidence:
        return _decision(verdict, Route.ENRICH, verdict.needs_search)
    route = max(DIFFICULTIES, key=lambda difficulty: verdict.difficulty[difficulty])
    confidence = verdict.difficulty[route]
    if _sticks(route, confidence, previous, settings):
        assert previous is not None  # noqa: S101  (_sticks is False without one)
        kept = f"stays with this chat ({REASONS[route]} at {confidence:.2f} is no clear change)"
        return _decision(verdict, previous, confidence, Source.STICKY, kept)
    return _decision(verdict, route, confidence)


def _sticks(
    route: Route, confidence: float, previous: Route | None, settings: RoutingSettings
) -> bool:
    changes = previous in DIFFICULTIES and previous is not route
    return settings.sticky and changes and confidence < settings.sticky_confidence


def _decision(
    verdict: Verdict,
    route: Route,
    confidence: float,
    source: Source = Source.CLASSIFIER,
    reason: str = "",
) -> Decision:
    return Decision(
        route=route,
        confidence=confidence,
        source=source,
        reason=reason or REASONS[route],
        needs_search=verdict.needs_search,
        probabilities=verdict.combined,
        prompt_id=verdict.prompt_id,
        latency_ms=verdict.latency_ms,
        degraded=verdict.degraded,
    )


def default_decision(degraded: str, words: str, latency_ms: float = 0.0) -> Decision:
    """The decision when nobody could decide: the local model, said openly."""
    return Decision(
        Route.MODERATE, 0.0, Source.DEFAULT, words, latency_ms=latency_ms, degraded=degraded
    )
