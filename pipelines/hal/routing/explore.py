"""Sends a few turns the other way on purpose, so that the log can tell what would have been.

Pure: the chance comes in as a number. Off by default; knows neither money nor what is private,
whoever calls it has looked at both.
"""

from __future__ import annotations

from dataclasses import replace

from ..types import DIFFICULTIES, Decision, Route, Source

# Only what somebody weighed can be weighed again: rules and commands are not up to chance.
_WEIGHED = frozenset({Source.CLASSIFIER, Source.LEARNED})


def explore(decision: Decision, share: float, chance: float) -> Decision:
    """The decision with its propensity, or the other side of it. `share` 0..1 of the turns go the
    other way; `chance` is uniform in 0..1.
    """
    if share <= 0 or decision.source not in _WEIGHED or decision.route not in DIFFICULTIES:
        return decision
    if chance >= share:
        return replace(decision, propensity=1.0 - share)
    other = Route.MODERATE if decision.route is Route.COMPLEX else Route.COMPLEX
    return replace(
        decision,
        route=other,
        source=Source.EXPLORATION,
        reason="tried the other way, to learn from it (EXPLORATION)",
        propensity=share,
        drafts=False,
    )
