"""From a decision to the ordered tuple of targets that a turn may ever reach.

Pure, and the only place where "may this turn leave the machine?" is answered. Knows no client: what
is installed and configured comes in as Offers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import NoTarget
from ..gateway.ports import Level, Standing
from ..settings import CloudSettings
from ..sizes import ANSWER_TOKENS
from ..types import Decision, Findings, Plan, Route, Source, Target

# These go by another measure than the classifier's confidence.
_NEED_NO_CONFIDENCE = frozenset({Source.STICKY, Source.LEARNED, Source.EXPLORATION})
# Why a turn that needs a search gets none, for the user and for the model.
NOT_SEARCHED = "nothing is searched: nothing of this chat may leave"


@dataclass(frozen=True, slots=True)
class Offers:
    """The targets that exist, and how they stand.

    `main`: the local model on every host that has it, the one to ask first in front. `vision` is
    the local model to use for images; None: none can see. `clouds`: the cloud model and its
    substitute; empty when the cloud is off or has no key. `spill`: why the local models should be
    spared now, "" when they need not be. `note`: what the user should know about them.
    """

    main: tuple[Target, ...]
    simple: Target
    vision: Target | None
    clouds: tuple[Target, ...]
    budget: Standing = field(default_factory=Standing)
    spill: str = ""
    note: str = ""

    @property
    def local(self) -> Target:
        """The local model where it is asked first."""
        return self.main[0]


@dataclass(frozen=True, slots=True)
class Demand:
    """What the turn needs of a target."""

    prompt_tokens: int
    needs_sight: bool = False


def make_plan(
    decision: Decision, findings: Findings, offers: Offers, demand: Demand, cloud: CloudSettings
) -> Plan:
    """Every target this turn may reach, best first. Raises NoTarget when nothing can answer it."""
    notes: list[str] = [offers.note] if offers.note else []
    locals_ = _local_targets(decision, offers, demand)
    outside = _cloud_targets(decision, findings, offers, demand, notes)
    drafts = _drafts(decision, locals_, outside, offers, demand)
    if not outside:
        targets = locals_
    elif drafts:
        targets = (*locals_, *outside)
    elif _cloud_first(decision, locals_, offers, demand, cloud, notes):
        targets = (*outside, *locals_)
    elif cloud.fallback:
        targets = (*locals_, *outside)
    else:
        targets = locals_
    if not targets:
        raise _no_target(demand, findings)
    wants_search = decision.route is Route.ENRICH
    if wants_search and findings.no_search:
        notes.append(NOT_SEARCHED)
    return Plan(
        targets,
        decision.route,
        wants_search and not findings.no_search,
        tuple(notes),
        is_private=findings.is_private,
        stays_local=_why_local(decision, findings),
        scrub=findings.scrub,
        is_open=findings.is_open,
        drafts=drafts,
    )


def _drafts(
    decision: Decision,
    locals_: tuple[Target, ...],
    outside: tuple[Target, ...],
    offers: Offers,
    demand: Demand,
) -> bool:
    """Whether a local answer is looked at first: only where a better one could be had."""
    if not decision.drafts or not outside or offers.budget.level is not Level.FREE:
        return False
    return any(fits(target, demand) for target in locals_)


def _local_targets(decision: Decision, offers: Offers, demand: Demand) -> tuple[Target, ...]:
    if demand.needs_sight:
        return (offers.vision,) if offers.vision else ()
    if decision.route is Route.SIMPLE and offers.simple not in offers.main:
        return (offers.simple, *offers.main)
    return offers.main


def _cloud_targets(
    decision: Decision, findings: Findings, offers: Offers, demand: Demand, notes: list[str]
) -> tuple[Target, ...]:
    """The cloud targets if this turn may leave the machine; says why not where that matters."""
    wanted = decision.route is Route.COMPLEX
    if decision.route is Route.META or _asked_for_local(decision):
        return ()
    if findings.must_stay_local:
        refusal = f"kept local: {', '.join(findings.reasons)}"
    elif not offers.clouds:
        refusal = "the cloud is off or has no key"
    elif demand.needs_sight and not offers.clouds[0].can_see:
        refusal = f"{offers.clouds[0].model} cannot see images"
    elif offers.budget.level is Level.HARD:
        refusal = f"kept local: {offers.budget.note}"
    else:
        return tuple(t for t in offers.clouds if t.can_see or not demand.needs_sight)
    if wanted:
        notes.append(refusal)
    return ()


def _asked_for_local(decision: Decision) -> bool:
    """`/local`; who asks for the cloud or for the web does not mean that."""
    leaving = (Route.COMPLEX, Route.ENRICH)
    return decision.source is Source.OVERRIDE and decision.route not in leaving


def _why_local(decision: Decision, findings: Findings) -> str:
    if decision.route is Route.META:
        return ""  # nobody reads an answer to these
    if findings.must_stay_local:
        return ", ".join(findings.reasons)
    return "you asked for that" if _asked_for_local(decision) else ""


def _cloud_first(  # noqa: PLR0913 - what is wanted, what there is, and what may be
    decision: Decision,
    locals_: tuple[Target, ...],
    offers: Offers,
    demand: Demand,
    cloud: CloudSettings,
    notes: list[str],
) -> bool:
    if not locals_:
        return True
    if not any(fits(target, demand) for target in locals_):
        notes.append("too long for the local model")
        return True
    if decision.source is Source.OVERRIDE and decision.route is not Route.ENRICH:
        return decision.route is Route.COMPLEX  # `/cloud` may use the rest of a budget
    if decision.route is Route.COMPLEX:
        return _sure_enough(decision, offers.budget, cloud, notes)
    if decision.route is Route.ENRICH and cloud.answers_searches:
        return offers.budget.level is Level.FREE
    return _spills(decision, offers, notes)


def _sure_enough(
    decision: Decision, budget: Standing, cloud: CloudSettings, notes: list[str]
) -> bool:
    sure = decision.confidence >= cloud.confidence or decision.source in _NEED_NO_CONFIDENCE
    if not sure and cloud.when_unsure != "cloud":
        notes.append("not sure enough for the cloud")
        return False
    if budget.level is Level.SOFT:
        notes.append(f"kept local: {budget.note}")
        return False
    return True


def _spills(decision: Decision, offers: Offers, notes: list[str]) -> bool:
    """Whether the cloud takes a turn off the local models; a search has its own answerer."""
    if not offers.spill or offers.budget.level is not Level.FREE or decision.route is Route.ENRICH:
        return False
    notes.append(f"spilled to the cloud: {offers.spill}")
    return True


def fits(target: Target, demand: Demand) -> bool:
    """Whether prompt and a useful answer fit into the target's window."""
    room = min(ANSWER_TOKENS, target.context_tokens // 4)
    return demand.prompt_tokens + room <= target.context_tokens


def is_for_cloud_alone(offers: Offers, demand: Demand) -> bool:
    """Whether the cloud, and no local target, has a window for this conversation."""
    if not any(fits(target, demand) for target in offers.clouds):
        return False
    return not any(fits(target, demand) for target in offers.main)


def may_explore(findings: Findings, offers: Offers) -> bool:
    """Whether chance may decide between here and there: only where both could answer, and neither
    privacy nor money has a say."""
    is_free = offers.budget.level is Level.FREE
    return bool(offers.clouds) and is_free and not findings.must_stay_local


def _no_target(demand: Demand, findings: Findings) -> NoTarget:
    if not demand.needs_sight:
        return NoTarget("No model may answer this turn.", "Set LOCAL_MODEL.")
    reason = (
        f" It stays on this machine ({', '.join(findings.reasons)})."
        if findings.must_stay_local
        else ""
    )
    return NoTarget(
        f"No local model that is installed can see images.{reason}",
        "Set VISION_MODEL to a local model that can see, or allow CLOUD_ATTACHMENTS.",
    )
