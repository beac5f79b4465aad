"""The gateway's policies that outlive a change of settings: one set per runtime.

Opens, configures and closes them; knows none from the inside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from .background import Background
from .gateway.ports import AnswerCache, Breakers, Budget, CachedAnswer, Expense, Limits, Standing
from .sessions.store import SessionStore
from .settings import Settings
from .types import Plan, Request, Target, Turn, Usage


class _NoBreakers:
    def admit(self, target: Target) -> None: ...
    def succeeded(self, target: Target) -> None: ...
    def failed(self, target: Target, error: Any, *, cold: bool = False) -> None: ...
    def gave_up(self, target: Target) -> None: ...
    def is_open(self, target: Target) -> bool:
        return False


@asynccontextmanager
async def _place() -> AsyncIterator[None]:
    yield


class _NoLimits:
    def slot(self, target: Target, wait_s: float) -> Any:
        return _place()

    def try_slot(self, target: Target) -> Any:
        return _place()

    def in_flight(self, target: Target) -> int:
        return 0

    def waiting(self, target: Target) -> int:
        return 0


class _NoBudget:
    async def standing(self, user_id: str | None, estimate_usd: float | None) -> Standing:
        return Standing()

    async def reserve(self, expense: Expense) -> None: ...
    async def settle(self, call_id: str, cost_usd: float, *, is_estimate: bool) -> None: ...
    def turn_ended(self, user_id: str | None, *, leaves_machine: bool) -> None: ...


class _NoCache:
    async def find(self, turn: Turn, plan: Plan) -> CachedAnswer | None:
        return None

    async def keep(self, turn: Turn, plan: Plan, answer: CachedAnswer) -> None: ...


class NoEstimate:
    def before(self, request: Request) -> float | None:
        return 0.0

    def after(self, request: Request, shown_chars: int) -> Usage:
        return Usage(cost_usd=0.0, is_estimate=True)


@dataclass(frozen=True, slots=True)
class SharedPolicies:
    breakers: Breakers = field(default_factory=_NoBreakers)
    limits: Limits = field(default_factory=_NoLimits)
    budget: Budget = field(default_factory=_NoBudget)
    cache: AnswerCache = field(default_factory=_NoCache)
    background: Background = field(default_factory=Background)

    @classmethod
    def make(cls, settings: Settings, store: SessionStore) -> SharedPolicies:
        return cls()

    def configure(self, settings: Settings) -> None: ...
    async def close(self) -> None:
        await self.background.drain(1.0)
