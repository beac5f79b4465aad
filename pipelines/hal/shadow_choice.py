"""Which turns the other target answers as well, when nobody waits any more, and with what chance.

Pure: a turn, its plan and what became of it in, a reason or a choice out. Knows no queue, no model
and no money. What is not excluded here was the question of a person, holds nothing private, may
leave the machine by its own plan, and was answered in full by one target.
"""

from __future__ import annotations

from dataclasses import dataclass

from .routing.learned.predict import Prediction
from .types import Plan, Route, Target, Turn

ANCHOR, DISAGREEMENT = "anchor", "disagreement"
# How much likelier a turn is taken on which a candidate router would decide otherwise. Such pairs
# say most (200 of them as much as 400 random ones and more), and random ones show what both routers
# agree on wrongly: with 4, there are equally many of both where one turn in five is disputed.
DISPUTED_FACTOR = 4.0
# A candidate without a calibration: the local answer is more likely good enough than not.
LEAST_P_LOCAL_OK = 0.5


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a turn. `target`: who answered, None for nobody; `cache`: from where, "" where
    a model was asked; `finish`: how the answer ended; `is_whole`: there is a text, and nothing was
    in its way."""

    target: Target | None
    cache: str = ""
    finish: str = "stop"
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Chosen:
    """Why a turn was chosen, and with which probability; `router_id`: the candidate that would have
    decided otherwise, "" where chance alone would have chosen it."""

    reason: str
    propensity: float
    router_id: str = ""


def why_not(
    turn: Turn, plan: Plan, answered: Answered, *, keeps_texts: bool, passes_tools: bool
) -> str:
    """The first reason, in one word for programs; "" where the turn may have a shadow.

    Open WebUI sends its tools with every turn: they count where a model gets to see them.
    """
    reasons = (
        ("texts_not_kept", not keeps_texts),
        ("temporary", turn.is_temporary),
        ("task", turn.task is not None),
        ("command", turn.override is not None),
        ("privacy_word", turn.privacy is not None),
        # Also where the settings let private things pass: then nobody has looked.
        ("private", plan.is_private or plan.scrub or plan.is_open),
        ("stays", not plan.may_leave),
        ("tools", (bool(turn.tools) and passes_tools) or turn.is_tool_round),
        ("attachments", turn.has_images or bool(turn.attachments)),
        # Its sources would have to be the same.
        ("search", plan.enrich or plan.route is Route.ENRICH),
        # A draft that was replaced is a pair already.
        ("draft", plan.drafts),
        ("cache", bool(answered.cache)),
        ("unanswered", answered.target is None or not answered.is_whole),
        ("unfinished", answered.finish != "stop"),
        ("one_sided", other_target(plan, answered.target) is None),
    )
    return next((why for why, holds in reasons if holds), "")


def other_target(plan: Plan, target: Target | None) -> Target | None:
    """The first target of the plan on the other side: the cloud for a local answer, and the other
    way round. Nothing outside the plan, ever."""
    if target is None:
        return None
    others = (one for one in plan.targets if one.leaves_machine != target.leaves_machine)
    return next(others, None)


def disputes(prediction: Prediction, threshold: float | None, target: Target) -> bool:
    """Whether a candidate would have decided otherwise. `threshold` of its gain, as calibrated for
    the router in force; None: there is none."""
    if threshold is None:
        wants_cloud = prediction.p_local_ok < LEAST_P_LOCAL_OK
    else:
        wants_cloud = prediction.gain >= threshold
    return wants_cloud != target.leaves_machine


def choose(share: float, disputed_by: str, drawn: float) -> Chosen | None:
    """`share` of all turns, and more of the disputed ones; `drawn` is uniform in [0, 1).

    One draw for both, so that the propensity is simply the probability of being chosen.
    """
    propensity = min(1.0, DISPUTED_FACTOR * share) if disputed_by else share
    if drawn >= propensity:
        return None
    if drawn < share:
        return Chosen(ANCHOR, propensity)
    return Chosen(DISAGREEMENT, propensity, disputed_by)
