"""What the gateway needs of the outside, and of each of its own policies.

Only shapes; knows neither a wire dialect nor a database. The policies behind `Budget`, `Breakers`,
`Limits` and `AnswerCache` are one per runtime (they outlive a change of settings); what several
replicas would share is behind one of these.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ..errors import HalError
from ..types import Plan, ProviderChunk, Request, Target, Turn, Usage


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at one target: who asks, and under which plan.

    `plan` is what permits the target; egress checks it once more before a byte leaves. `masked`:
    how many private things of which kind were replaced in it, `hashes` which ones those were.
    `keeps_content`: whether the log may keep what is sent.
    """

    id: str
    turn_id: str
    purpose: str
    plan: Plan
    masked: Mapping[str, int] = field(default_factory=dict)
    hashes: tuple[str, ...] = ()
    keeps_content: bool = False


class Provider(Protocol):
    """One wire dialect.

    `stream` yields Text, Thinking, ToolCalls, at most one Usage and exactly one Finish (last). It
    raises a ProviderError for everything that goes wrong, at any time, and never another exception
    but CancelledError and NotSent. Closing the iterator (`aclose`) or cancelling it aborts the
    upstream request at once. The caller owns retries, fallback and the total deadline; the provider
    owns the first-token and the gap timeout.
    """

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]: ...


class EgressLog(Protocol):
    """Where egress is written down; returns after the row is durable, raises when it is not.

    `body` is what is about to be sent, where it may be kept; None where not.
    """

    async def write_egress(self, row: Mapping[str, object], body: str | None) -> None: ...


class Level(StrEnum):
    """How much of a budget is used."""

    FREE = "free"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the budget says to one more cloud turn; `note` says why, in words for the user."""

    level: Level = Level.FREE
    note: str = ""


@dataclass(frozen=True, slots=True)
class Expense:
    """One call that may cost something. `estimate_usd` None: the price is not known."""

    call_id: str
    turn_id: str
    user_id: str | None
    target: Target
    estimate_usd: float | None


class Budget(Protocol):
    """Money and the share of turns. Reserves before a call, settles after it, outlives a restart.

    A reservation counts as spent until it is settled, so that calls at the same time cannot pass
    the same cap together. Two processes on one data folder see each other's.
    """

    async def standing(self, user_id: str | None, estimate_usd: float | None) -> Standing:
        """What a turn of this user that would cost so much may do now. Never raises."""

    async def reserve(self, expense: Expense) -> None:
        """Set the money aside; raises OverBudget, also when a cap is set and cannot be checked."""

    async def settle(self, call_id: str, cost_usd: float, *, is_estimate: bool) -> None:
        """What it came to in the end; 0.0 for a call that the provider did not bill."""

    def turn_ended(self, user_id: str | None, *, leaves_machine: bool) -> None:
        """A turn was answered, here or there: counts for the share of turns."""


class Breakers(Protocol):
    """One circuit breaker per target: closed, open for a while, or half-open for one call."""

    def admit(self, target: Target) -> None:
        """Raises CircuitOpen. The call that is let through half-open must be reported."""

    def succeeded(self, target: Target) -> None: ...

    def failed(self, target: Target, error: HalError, *, cold: bool = False) -> None:
        """`cold`: the model had to be loaded first, so that slowness says nothing."""

    def gave_up(self, target: Target) -> None:
        """The call was ended by us; it says nothing about the target."""

    def is_open(self, target: Target) -> bool:
        """Whether `admit` would raise now; takes no probe."""


class Limits(Protocol):
    """Requests at the same time, and per minute: for the cloud, and for each local host."""

    def slot(self, target: Target, wait_s: float) -> AbstractAsyncContextManager[None]:
        """A place for one call; waits in line at most `wait_s`, then raises LimitReached.

        A cloud target is never waited for, whatever `wait_s`: another target is better.
        """

    def try_slot(self, target: Target) -> AbstractAsyncContextManager[None] | None:
        """A place if there is one now, without waiting; None otherwise. Enter it at once."""

    def in_flight(self, target: Target) -> int:
        """Calls that this host is working on for us."""

    def waiting(self, target: Target) -> int:
        """Calls that wait in our line for this host."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer given before. `similarity` is 1.0 for an exact hit."""

    kind: str
    text: str
    thinking: str
    provider: str
    model: str
    finish: str
    similarity: float
    age_s: float


class AnswerCache(Protocol):
    """Answers that may be given again. Never raises: trouble is a miss."""

    @property
    def is_on(self) -> bool:
        """Whether anything is found or kept at all."""

    async def find(self, turn: Turn, plan: Plan) -> CachedAnswer | None: ...

    async def keep(self, turn: Turn, plan: Plan, answer: CachedAnswer) -> None:
        """Remember an answer that ended well; what may not be kept is ignored."""


class Estimator(Protocol):
    """What a call would cost, before it is made, and what a call did that never said."""

    def before(self, request: Request) -> float | None:
        """USD by the price table; None when the price is unknown."""

    def after(self, request: Request, shown_chars: int) -> Usage:
        """The usage of a call that ended without saying: `is_estimate` is set."""


def permits(plan: Plan, target: Target) -> bool:
    """Whether this plan names this very target."""
    return target in plan.targets
