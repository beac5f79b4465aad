"""What a report says, as values: everything in it is counted, and says of how many.

Knows neither a database nor a page. Times are unix seconds, money USD, shares 0..1. "Turns" are
those that a person asked and that are over; Open WebUI's own background tasks and turns that still
run are counted apart and are in no share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ...sessions.record import TurnRow
from .estimates import Share, Spread


@dataclass(frozen=True, slots=True)
class Compared:
    """What `n` turns did cost, and what the same tokens would have cost at the cloud model."""

    n: int = 0
    cost_usd: float = 0.0
    cloud_cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Totals:
    """`local`: answered on this machine, of `answered`, answers from the cache among them. Tokens
    are those of the answers, prompt and completion. `cost_unknown`: turns whose cost nobody knows,
    so that `cost_usd` is a lower bound."""

    turns: int = 0
    answered: int = 0
    local: int = 0
    cached: int = 0
    tokens: int = 0
    local_tokens: int = 0
    cost_usd: float = 0.0
    cost_unknown: int = 0
    compared: Compared = field(default_factory=Compared)
    tasks: int = 0
    task_tokens: int = 0
    unfinished: int = 0

    @property
    def share_local(self) -> Share:
        return Share(self.local, self.answered)

    @property
    def share_local_tokens(self) -> float | None:
        return self.local_tokens / self.tokens if self.tokens else None


@dataclass(frozen=True, slots=True)
class Group:
    """The turns of one route, or of one target. Times are of answers that were made, not of those
    from the cache; `total` is of answers that came to their end."""

    name: str
    turns: int
    local: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    classify: Spread
    first_token: Spread
    total: Spread


@dataclass(frozen=True, slots=True)
class Slot:
    """A day, week, month or year of the period: turns by route, and what they cost."""

    first: date
    name: str
    routes: Mapping[str, int]
    answered: int
    local: int
    cost_usd: float
    cloud_cost_usd: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions of the classifier whose confidence is in `low`..`high`, 0.1 wide.

    `judged`: of those that a person or a judge has rated, the right ones. `uncontested`: of all,
    those that drew no sign of being wrong; most wrong answers draw none either.
    """

    low: float
    high: float
    mean: float
    judged: Share
    uncontested: Share


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong or was given up: `kind` is outcome, error, degradation or note."""

    kind: str
    name: str
    turns: int


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap in force, what was spent in its present period, and the most in one within the time of
    the report. `usd` None: no cap is set."""

    name: str
    usd: float | None
    now_usd: float
    most_usd: float
    most_in: str
    reached: int


@dataclass(frozen=True, slots=True)
class Searches:
    """What the searches came to; `failed` had no source to show."""

    n: int = 0
    failed: int = 0
    pages: int = 0
    pages_read: int = 0
    sources: int = 0
    citing: Share = field(default_factory=lambda: Share(0, 0))
    cited: int = 0
    invalid: int = 0
    rewritten: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)
    search: Spread = field(default_factory=Spread)
    read: Spread = field(default_factory=Spread)
    total: Spread = field(default_factory=Spread)


@dataclass(frozen=True, slots=True)
class Destination:
    """What one target got: calls, turns and bytes; what was masked in them, by kind, and what
    passed by the user's word."""

    host: str
    model: str
    purpose: str
    calls: int
    bytes: int
    masked: Mapping[str, int]
    passed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Egress:
    """What left, as the log itself knows it; whether anything private was in the bytes is what
    `hal audit` looks for. `answered`: turns that the cloud answered, `unlogged`: those of them
    without a row of what left."""

    calls: int = 0
    bytes: int = 0
    destinations: tuple[Destination, ...] = ()
    others: int = 0
    by_day: Mapping[str, int] = field(default_factory=dict)
    private_turns: int = 0
    private_left: int = 0
    answered: int = 0
    unlogged: int = 0


@dataclass(frozen=True, slots=True)
class Rated:
    """Thumbs and ratings of people for one route or target."""

    name: str
    up: Share


@dataclass(frozen=True, slots=True)
class Signal:
    """How often one sign was seen, of all turns, and what it said on average (-1..1)."""

    name: str
    source: str
    turns: Share
    mean: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    by_route: tuple[Rated, ...] = ()
    by_target: tuple[Rated, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A prompt or a policy, and when it was first used; `is_current`: by the newest turn."""

    kind: str
    id: str
    first_seen: float
    is_current: bool


@dataclass(frozen=True, slots=True)
class Suspect:
    """A turn that is worth a look, and how much (see `sessions.cases.suspicion`). `question` is ''
    unless texts were asked for and are kept."""

    turn: TurnRow
    suspicion: float
    signals: tuple[str, ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`since`, `until`: as asked, None for the whole log. `first`, `last`: of the turns found.
    `notes` are sentences about what the log cannot say."""

    made_at: float
    since: float | None = None
    until: float | None = None
    first: float | None = None
    last: float | None = None
    notes: tuple[str, ...] = ()
    totals: Totals = field(default_factory=Totals)
    routes: tuple[Group, ...] = ()
    targets: tuple[Group, ...] = ()
    unit: str = "day"
    slots: tuple[Slot, ...] = ()
    bins: tuple[Bin, ...] = ()
    deciders: Mapping[str, int] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    caps: tuple[Cap, ...] = ()
    cache: Mapping[str, int] = field(default_factory=dict)
    searches: Searches = field(default_factory=Searches)
    egress: Egress = field(default_factory=Egress)
    quality: Quality = field(default_factory=Quality)
    versions: tuple[Version, ...] = ()
    suspects: tuple[Suspect, ...] = ()
