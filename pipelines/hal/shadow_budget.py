"""Whether a shadow may leave the machine now: it costs money, and nobody asked for it.

Asks the real budget, which has to be far from its end, and the log for what shadows have cost
today. Sets nothing aside: that is the gateway's, for this call as for any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .compose import compose
from .errors import HalError
from .gateway.budget import day_begins
from .gateway.job import Policies
from .gateway.ports import Level
from .sessions.reader import SessionReader
from .settings import RouterSettings
from .types import Evidence, Target, Turn


class ShadowBudget:
    """`clock`: seconds since the epoch. A day is the budget's own, in this machine's time zone."""

    def __init__(
        self,
        settings: RouterSettings,
        policies: Policies,
        reader: SessionReader,
        clock: Callable[[], float],
    ) -> None:
        self._cap_usd = settings.shadow_daily_usd
        self._policies, self._reader, self._clock = policies, reader, clock

    async def allows(self, turn: Turn, target: Target) -> bool:
        """Also false where the turn does not fit, or where the log does not say what was spent."""
        policies = self._policies
        try:
            request = compose(turn, target, Evidence(), pass_tools=False)
            estimate_usd = policies.estimator.before(request)
            standing = await policies.budget.standing(turn.user_id, estimate_usd)
            if standing.level is not Level.FREE or policies.breakers.is_open(target):
                return False
            return await self._fits_today(estimate_usd)
        except HalError:
            return False

    async def _fits_today(self, estimate_usd: float | None) -> bool:
        if self._cap_usd is None:
            return True
        if estimate_usd is None:
            return False
        today = day_begins(self._clock())
        spent = await asyncio.to_thread(self._reader.shadows_cost, today, estimate_usd)
        return spent + estimate_usd <= self._cap_usd
