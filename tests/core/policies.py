"""The gateway's policies for tests: real breakers and limits, a purse and a memory for answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hal.background import Background
from hal.errors import OverBudget
from hal.gateway.breakers import BreakerRegistry
from hal.gateway.job import Policies
from hal.gateway.limits import CallLimits
from hal.gateway.ports import CachedAnswer, Expense, Standing
from hal.settings import LimitSettings
from hal.types import Plan, Request, Target, Turn, Usage
from tests.core.things import DEFAULTS

ESTIMATE_USD = 0.25


@dataclass
class Purse:
    """A `Budget` that remembers; `empty` refuses."""

    empty: bool = False
    reserved: dict[str, Expense] = field(default_factory=dict)
    settled: dict[str, tuple[float, bool]] = field(default_factory=dict)

    async def standing(self, user_id: str | None, estimate_usd: float | None) -> Standing:
        return Standing()

    async def reserve(self, expense: Expense) -> None:
        if self.empty:
            raise OverBudget("today's budget of $5.00 is used up.")
        self.reserved[expense.call_id] = expense

    async def settle(self, call_id: str, cost_usd: float, *, is_estimate: bool) -> None:
        assert call_id in self.reserved
        assert call_id not in self.settled
        self.settled[call_id] = (cost_usd, is_estimate)

    def turn_ended(self, user_id: str | None, *, leaves_machine: bool) -> None: ...


@dataclass
class Memory:
    """An `AnswerCache` with one answer at most."""

    hit: CachedAnswer | None = None
    kept: list[CachedAnswer] = field(default_factory=list)
    is_on: bool = True

    async def find(self, turn: Turn, plan: Plan) -> CachedAnswer | None:
        return self.hit

    async def keep(self, turn: Turn, plan: Plan, answer: CachedAnswer) -> None:
        self.kept.append(answer)


class Guess:
    """An `Estimator` by round numbers: every call costs a quarter, and a cent per character."""

    def before(self, request: Request) -> float | None:
        return ESTIMATE_USD if request.target.leaves_machine else 0.0

    def after(self, request: Request, shown_chars: int) -> Usage:
        return Usage(10, shown_chars, cost_usd=0.01 * shown_chars, is_estimate=True)


@dataclass
class Rules:
    """Everything between a turn and a provider, to be looked at afterwards."""

    purse: Purse = field(default_factory=Purse)
    memory: Memory = field(default_factory=Memory)
    limits_set: LimitSettings = DEFAULTS.limits
    now: float = 1000.0
    cold: Callable[[Target], bool] = lambda _target: False

    def __post_init__(self) -> None:
        self.breakers = BreakerRegistry(lambda: self.now, lambda: self.now)
        self.limits = CallLimits(self.limits_set, lambda: self.now)
        self.background = Background()

    def policies(self) -> Policies:
        return Policies(
            cache=self.memory,
            budget=self.purse,
            limits=self.limits,
            breakers=self.breakers,
            estimator=Guess(),
            is_cold=self.cold,
            background=self.background,
            random=lambda: 0.0,
            sleep=lambda _seconds: asyncio.sleep(0),
        )
