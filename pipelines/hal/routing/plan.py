"""From a decision to the ordered tuple of targets that a turn may ever reach.

Pure, and the only place where "may this turn leave the machine?" is answered. Knows no client: what
is installed and configured comes in as Offers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NoTarget
from ..settings import CloudSettings
from ..sizes import ANSWER_TOKENS
from ..types import Decision, Findings, Plan, Route, Source, Target


@dataclass(frozen=True, slots=True)
class Offers:
    """The targets that exist. `vision` is the local model to use for images; None: none can see."""

    local: Target
    simple: Target
    vision: Target | None
    cloud: Target | None


@dataclass(frozen=True, slots=True)
class Demand:
    """What the turn needs of a target."""

    prompt_tokens: int
    needs_sight: bool = False


def make_plan(
    decision: Decision, findings: Findings, offers: Offers, demand: Demand, cloud: CloudSettings
) -> Plan:
    """Every target this turn may reach, best first. Raises NoTarget when nothing can answer it."""
    notes: list[str] = []
    locals_ = _local_targets(decision, offers, demand)
    outside = _cloud_target(decision, findings, offers, demand, notes)
    if outside is None:
        targets = locals_
    elif _cloud_first(decision, locals_, demand, cloud, notes):
        targets = (outside, *locals_)
    elif cloud.fallback:
        targets = (*locals_, outside)
    else:
        targets = locals_
    if not targets:
        raise _no_target(demand, findings)
    return Plan(targets, decision.route, decision.route is Route.ENRICH, tuple(notes))


def _local_targets(decision: Decision, offers: Offers, demand: Demand) -> tuple[Target, ...]:
    if demand.needs_sight:
        return (offers.vision,) if offers.vision else ()
    if decision.route is Route.SIMPLE:
        return tuple(dict.fromkeys((offers.simple, offers.local)))
    return (offers.local,)


def _cloud_target(
    decision: Decision, findings: Findings, offers: Offers, demand: Demand, notes: list[str]
) -> Target | None:
    """The cloud target if this turn may leave the machine; says why not where that matters."""
    wanted = decision.route is Route.COMPLEX
    if decision.route is Route.META or _asked_for_local(decision):
        return None
    if findings.must_stay_local:
        if wanted:
            notes.append(f"kept local: {', '.join(findings.reasons)}")
        return None
    if offers.cloud is None:
        if wanted:
            notes.append("the cloud is off or has no key")
        return None
    if demand.needs_sight and not offers.cloud.can_see:
        if wanted:
            notes.append(f"{offers.cloud.model} cannot see images")
        return None
    return offers.cloud


def _asked_for_local(decision: Decision) -> bool:
    return decision.source is Source.OVERRIDE and decision.route is not Route.COMPLEX


def _cloud_first(
    decision: Decision,
    locals_: tuple[Target, ...],
    demand: Demand,
    cloud: CloudSettings,
    notes: list[str],
) -> bool:
    if not locals_:
        return True
    if not any(fits(target, demand) for target in locals_):
        notes.append("too long for the local model")
        return True
    if decision.route is not Route.COMPLEX:
        return False
    sure = decision.confidence >= cloud.confidence or decision.source is Source.STICKY
    if sure or cloud.when_unsure == "cloud":
        return True
    notes.append("not sure enough for the cloud")
    return False


def fits(target: Target, demand: Demand) -> bool:
    """Whether prompt and a useful answer fit into the target's window."""
    room = min(ANSWER_TOKENS, target.context_tokens // 4)
    return demand.prompt_tokens + room <= target.context_tokens


def is_for_cloud_alone(offers: Offers, demand: Demand) -> bool:
    """Whether the cloud, and no local target, has a window for this conversation."""
    if offers.cloud is None or not fits(offers.cloud, demand):
        return False
    return not fits(offers.local, demand)


def _no_target(demand: Demand, findings: Findings) -> NoTarget:
    if not demand.needs_sight:
        return NoTarget("No model may answer this turn.", "Set LOCAL_MODEL.")
    reason = (
        f" It stays on this machine ({', '.join(findings.reasons)})." if findings.reasons else ""
    )
    return NoTarget(
        f"No local model that is installed can see images.{reason}",
        "Set VISION_MODEL to a local model that can see, or allow CLOUD_ATTACHMENTS.",
    )
