"""What this turn could ask, best first, and how it stands: hosts, line, breakers, money.

Puts together what others know for the plan; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .gateway.ports import Breakers, Budget, Estimator, Limits
from .routing.catalogue import Catalogue
from .routing.plan import Offers
from .types import Request, Target, Turn


@dataclass(frozen=True, slots=True)
class Survey:
    """One per settings. `spill`: never, busy or busy_or_cold."""

    catalogue: Catalogue
    breakers: Breakers
    limits: Limits
    budget: Budget
    estimator: Estimator
    spill: str
    pass_tools: bool

    async def offers(self, turn: Turn) -> Offers:
        """The offers of this moment; costs some microseconds, as it stands before every turn."""
        offers = await self.catalogue.offers()
        return replace(
            offers,
            budget=await self.budget.standing(turn.user_id, self._estimate(turn, offers.clouds)),
        )

    def _estimate(self, turn: Turn, clouds: tuple[Target, ...]) -> float | None:
        if not clouds:
            return None
        tools = turn.tools if self.pass_tools else ()
        request = Request(clouds[0], turn.messages, turn.parameters, tools)
        return self.estimator.before(request)
