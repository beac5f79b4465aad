"""The decisions that need no model: tasks, commands, images, tool rounds, nothing asked.

Pure. Knows neither the health of a target nor the classifier.
"""

from __future__ import annotations

from ..types import Decision, Override, Route, Source, Turn

OVERRIDE_ROUTES = {
    Override.LOCAL: (Route.MODERATE, "you asked for the local model"),
    Override.CLOUD: (Route.COMPLEX, "you asked for the cloud"),
    Override.WEB: (Route.ENRICH, "you asked for a search"),
}


def decide_by_rules(
    turn: Turn, previous: Route | None, *, only_cloud_holds: bool = False
) -> Decision | None:
    """The decision when it is certain; None when somebody has to read the question.

    `previous` is the route that this chat took last: a tool round continues its own turn.
    `only_cloud_holds`: the conversation fits the cloud's window and not the local one.
    """
    if turn.task:
        return _rule(Route.META, f"background task: {turn.task}")
    if turn.override in OVERRIDE_ROUTES:
        route, reason = OVERRIDE_ROUTES[turn.override]
        return Decision(route, 1.0, Source.OVERRIDE, reason)
    if turn.is_tool_round:
        return _rule(previous or Route.MODERATE, "goes on after a tool call")
    if only_cloud_holds:
        return _rule(Route.COMPLEX, "too long for the local model")
    if turn.has_images:
        return _rule(Route.MODERATE, "image")
    if not turn.question.strip():
        return _rule(Route.SIMPLE, "nothing was asked")
    return None


def _rule(route: Route, reason: str) -> Decision:
    return Decision(route, 1.0, Source.RULE, reason)
