"""What this turn could ask, best first, and how it stands: hosts, line, breakers, money.

Puts together what others know for the plan; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .gateway.ports import Breakers, Budget, Estimator, Limits
from .routing.catalogue import Catalogue
from .routing.load import order, spill_reason
from .routing.plan import Offers
from .settings import Settings
from .types import Request, Target, Turn


@dataclass(frozen=True, slots=True)
class Survey:
    """One per settings."""

    catalogue: Catalogue
    breakers: Breakers
    limits: Limits
    budget: Budget
    estimator: Estimator
    settings: Settings

    async def offers(self, turn: Turn) -> Offers:
        """The offers of this moment; costs some microseconds, as it stands before every turn."""
        offers = await self.catalogue.offers()
        budget = await self.budget.standing(turn.user_id, self._estimate(turn, offers.clouds))
        return self.by_load(replace(offers, budget=budget), turn)

    def by_load(self, offers: Offers, turn: Turn) -> Offers:
        """The same offers as the hosts are busy now: deciding takes a while, and others begin."""
        loads, limits = self.catalogue.loads(), self.limits
        return replace(
            offers,
            main=order(loads, limits.in_flight, self.breakers.is_open, turn.chat_id),
            spill=spill_reason(
                loads,
                limits.in_flight,
                limits.waiting,
                self.settings.cloud.spill,
                self.settings.limits.local_concurrent,
            ),
        )

    def _estimate(self, turn: Turn, clouds: tuple[Target, ...]) -> float | None:
        if not clouds:
            return None
        tools = turn.tools if self.settings.answer.pass_tools else ()
        request = Request(clouds[0], turn.messages, turn.parameters, tools)
        return self.estimator.before(request)
