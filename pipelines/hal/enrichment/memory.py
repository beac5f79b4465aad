"""Searches that were made a moment ago, and how SearXNG has fared lately.

Pure but for the clock, which it is given (seconds of any clock that only moves forward). Both are
in memory only: what was searched for is nobody's business after a restart.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from ..gateway.breaker import FAILURES_TO_OPEN, Breaker, Rule
from .problems import Problem, paused
from .types import Freshness, Results

# A follow-up question and a second try find the same; prices and results are no older than this.
KEPT_S = 600.0
# About 10 KB each at ten hits: 2 MB.
KEPT_SEARCHES = 200
# Long enough that a row of turns does not wait four seconds each for a search that hangs, short
# enough that nobody restarts anything once it is well again. Never doubled: a person waits for it.
PAUSE_S = 60.0
# A search that is let through as a probe is over by then: two tries at its time limit.
PROBE_END_S = 8.0
_RULE = Rule(FAILURES_TO_OPEN, cooldown_s=PAUSE_S, cap_s=PAUSE_S)
# What says that SearXNG is in trouble. A wrong setting is answered at once, each time, and asking
# again is how its repair is noticed; engines without an answer are not SearXNG's own trouble.
_TROUBLE = frozenset({"refused", "unreachable", "reset", "timeout", "failed", "limited"})

Key = tuple[str, Freshness, str]


class SearchMemory:
    """The latest searches with hits, the oldest dropped first."""

    def __init__(self, clock: Callable[[], float], limit: int = KEPT_SEARCHES) -> None:
        self._clock, self._limit = clock, limit
        self._kept: OrderedDict[Key, tuple[float, Results]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Results | None:
        """The same search from before, marked as such; None when it is not there or too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        made_at, results = kept
        if self._clock() - made_at >= KEPT_S:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return replace(results, cached=True, took_ms=0.0)

    def put(self, key: Key, results: Results) -> None:
        """Keeps what found something; a failure or an empty page is worth another try."""
        if results.problem or not results.hits:
            return
        self._kept[key] = (self._clock(), results)
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)


class Health:
    """SearXNG's circuit breaker, asked once per turn and told once how that went."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._breaker = Breaker(since=clock())
        self._cause: Problem | None = None

    def refusal(self) -> Problem | None:
        """Why it is not asked now; None: the call begins, and `tell` or `gave_up` must follow."""
        now = self._clock()
        if self._breaker.admits(now):
            self._breaker = self._breaker.admitted(now)
            return None
        until = self._breaker.until
        left_s = until - now if until is not None and until > now else PROBE_END_S
        return paused(self._cause, left_s) if self._cause else None

    def tell(self, problems: list[Problem | None]) -> None:
        """How the queries of one turn fared; one that was answered speaks for the others."""
        sent = [problem for problem in problems if not (problem and problem.code == "held_back")]
        troubles = [problem for problem in sent if problem and problem.code in _TROUBLE]
        if not sent:
            self.gave_up()
        elif len(troubles) == len(sent):
            self._cause = troubles[0]
            self._breaker = self._breaker.failed(_RULE, troubles[0].code, self._clock())
        else:
            self._breaker = self._breaker.succeeded(self._clock())

    def gave_up(self) -> None:
        """The call ended without saying anything about SearXNG."""
        self._breaker = self._breaker.gave_up()
