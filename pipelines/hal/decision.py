"""Who decides a turn that no rule decides: the learned router alone where it is sure, else the
classifier, with the learned router's word where there is one.

Asks both and keeps the classifier's deadline; neither can fail a turn. Knows no target.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from .errors import ProviderError
from .routing.decide import decide, default_decision
from .routing.learned.deciding import Boundary
from .services import Services
from .types import Decision, Route, Turn

logger = logging.getLogger("hal.turn")


def ask_learned(
    turn: Turn, services: Services, previous: Route | None
) -> tuple[Boundary | None, Decision | None]:
    """What this machine's log says of the turn, and the decision where that is enough.

    Costs a millisecond or two on the loop (bench/routing.py).
    """
    began = perf_counter()
    try:
        boundary = services.boundary(turn)
        if boundary is None or not boundary.is_sure:
            return boundary, None
        decision = boundary.decide(previous, services.settings.routing)
    except Exception:  # a mistake of ours in deciding must not cost the answer
        logger.exception("the learned router failed")
        return None, None
    return boundary, replace(decision, latency_ms=(perf_counter() - began) * 1000)


async def ask_classifier(
    turn: Turn,
    services: Services,
    previous: Route | None,
    boundary: Boundary | None,
    deadline_s: float | None = None,
) -> Decision:
    """The classifier's decision, weighed by the learned router's expectation; or the default one.

    `deadline_s`: another one than the settings have.
    """
    began = perf_counter()
    settings = services.settings.routing
    deadline_s = settings.deadline_s if deadline_s is None else deadline_s
    try:
        async with asyncio.timeout(deadline_s):
            verdict, embedding = await asyncio.gather(
                services.classifier.classify(turn), _vector(turn, services, boundary)
            )
        if boundary is not None:
            return boundary.decide(previous, settings, verdict, embedding)
        return decide(verdict, previous, settings)
    except TimeoutError:
        degraded, words = "classifier_timeout", f"no decision within {deadline_s:g} s"
    except ProviderError as error:
        degraded, words = f"classifier_{error.code}", f"no decision: {error.sentence}"
    except Exception:  # a mistake of ours in deciding must not cost the answer
        logger.exception("the classifier failed")
        degraded, words = "classifier_internal", "no decision: an unexpected error"
    return default_decision(degraded, words, (perf_counter() - began) * 1000)


async def _vector(
    turn: Turn, services: Services, boundary: Boundary | None
) -> Sequence[float] | None:
    """Beside the classifier: where the learned router is sure, nobody waits for it."""
    return None if boundary is None else await services.vector(turn, boundary)
