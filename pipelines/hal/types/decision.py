"""What is decided about a turn: what is private in it, which route, and every target that it may
ever reach.

Frozen values; knows neither who decides nor how a target is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .words import Route, Source


@dataclass(frozen=True, slots=True)
class Findings:
    """What in all that would travel is private. `reasons` are words for the user, never values.

    `kinds`: how many different values of which kind were found. `is_hard`: one of them never leaves
    but by the user's word. `scrub`: a cloud target may answer, and sees placeholders. `is_open`:
    all of it may leave, because the user or the settings say so. `is_private`: nothing of it may be
    kept in a cache; a lone name is no reason for that. `no_search`: not even a cleaned query may.
    """

    must_stay_local: bool = False
    reasons: tuple[str, ...] = ()
    kinds: Mapping[str, int] = field(default_factory=dict)
    is_private: bool = False
    is_hard: bool = False
    scrub: bool = False
    is_open: bool = False
    no_search: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Which route, how sure, and why.

    `confidence` and `probabilities` are in 0..1; `needs_search` is P(needs current information),
    None when nobody asked. `degraded` names what went wrong on the way, None when nothing did.
    `propensity`: with which probability the same rules take this route again, 1 without chance.
    `p_local_ok` and `gain` are what the learned router `router_id` expects: that the local answer
    is good enough, and how much better the cloud's is; None where it was not asked.
    `drafts`: the local answer is looked at before it is shown.
    """

    route: Route
    confidence: float
    source: Source
    reason: str
    needs_search: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    prompt_id: str | None = None
    latency_ms: float = 0.0
    degraded: str | None = None
    propensity: float = 1.0
    p_local_ok: float | None = None
    gain: float | None = None
    router_id: str = ""
    drafts: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A model that can answer. `context_tokens` is the window we may fill, prompt and answer.

    `host` is the address of its server. `place` is what people call that server, "" where there
    is one only.
    """

    provider: str
    model: str
    leaves_machine: bool
    context_tokens: int
    can_see: bool = False
    can_think: bool = False
    host: str = ""
    place: str = ""

    @property
    def label(self) -> str:
        """What the status line calls it."""
        name = f"{'xAI' if self.leaves_machine else 'local'} {self.model}"
        return f"{name} on {self.place}" if self.place else name


@dataclass(frozen=True, slots=True)
class Plan:
    """Every target that this turn may ever reach, best first; nothing may reach another one.

    `is_private`: something in it must not leave the machine, and must not be kept in a cache.
    `stays_local`: why no cloud target is among them, when that was a choice; words for the user.
    `scrub`: what is private is replaced by placeholders before a cloud target sees it. `is_open`:
    the last look before the socket lets private things pass, because the user or the settings do.
    `drafts`: the first target's answer is a draft, which one of the others may replace before
    anything is shown.
    """

    targets: tuple[Target, ...]
    route: Route
    enrich: bool = False
    notes: tuple[str, ...] = ()
    is_private: bool = False
    stays_local: str = ""
    scrub: bool = False
    is_open: bool = False
    drafts: bool = False

    @property
    def may_leave(self) -> bool:
        return any(target.leaves_machine for target in self.targets)
