"""What a search came to, as the session log keeps it: numbers that stay, words that expire.

Knows rows and what was found; writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from time import time

from ..gateway.ports import Call
from ..sessions.record import LookupRow
from ..sizes import text_tokens
from ..types import Evidence, Plan, Turn
from .failures import problem_of
from .problems import Problem
from .reading import is_good
from .types import Findings, Outcome, Page, Results, Search


@dataclass(slots=True)
class Times:
    """Milliseconds per step. `clock` and `began` in seconds."""

    clock: Callable[[], float]
    began: float
    rewrite: float = 0.0
    search: float = 0.0
    read: float = 0.0
    _last: float = field(default=0.0)

    def lap(self) -> float:
        now = self.clock()
        took, self._last = now - (self._last or self.began), now
        return took * 1000

    @property
    def total(self) -> float:
        return (self.clock() - self.began) * 1000


@dataclass(slots=True)
class Lookup:
    """One search as it goes on: whose it is, and what was asked, found and read so far.

    `deadline` is on the clock of `times`, in seconds. `asked` are the pages that were asked for,
    `read` those that came, whether good or not.
    """

    turn: Turn
    plan: Plan
    call: Call
    times: Times
    deadline: float
    findings: Findings = field(default_factory=lambda: Findings(Search((), by="unfinished")))
    asked: tuple[str, ...] = ()
    read: list[Page] = field(default_factory=list)

    @property
    def left_s(self) -> float:
        return max(0.0, self.deadline - self.times.clock())

    def failed(self, problem: Problem) -> None:
        self.findings = replace(self.findings, problem=problem)

    def ended(self) -> None:
        self.findings = replace(self.findings, took_ms=self.times.total)

    def row(self, evidence: Evidence | None = None) -> LookupRow:
        findings, times = self.findings, self.times
        problem = problem_of(findings)
        return LookupRow(
            turn_id=self.turn.id,
            created_at=time(),
            queries=len(findings.search.queries),
            hits=sum(len(result.hits) for result in findings.results),
            pages=len(self.asked),
            pages_read=sum(is_good(page) for page in self.read),
            sources=len(findings.sources),
            # For ever: neither the queries nor what a server said, which may quote them.
            problem=problem.own_words if problem else "",
            rewritten_by=findings.search.by,
            freshness=findings.search.freshness,
            material_tokens=text_tokens(evidence.question) if evidence else 0,
            rewrite_ms=times.rewrite,
            search_ms=times.search,
            read_ms=times.read,
            total_ms=times.total,
            detail=_detail(findings),
        )


def _detail(findings: Findings) -> dict[str, object]:
    problem = problem_of(findings)
    return {
        "queries": list(findings.search.queries),
        "language": findings.search.language,
        "problem": problem.code if problem else "",
        "meaning": findings.meaning,
        "searches": [_searched(result) for result in findings.results],
        "pages": [asdict(outcome) for outcome in _by_rank(findings.outcomes)],
        "sources": [
            {"number": s.number, "url": s.url, "kind": s.kind, "passages": len(s.passages)}
            for s in findings.sources
        ],
    }


def _searched(result: Results) -> dict[str, object]:
    return {
        "hits": len(result.hits),
        "problem": result.trouble,
        "unresponsive": [list(pair) for pair in result.unresponsive],
        "relaxed": result.relaxed,
        "cached": result.cached,
        "took_ms": round(result.took_ms),
    }


def _by_rank(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: outcome.rank)
