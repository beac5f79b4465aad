"""What a search came to, as the session log keeps it: numbers that stay, words that expire.

Knows rows and what was found; writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from time import time

from ..sessions.record import LookupRow
from ..sizes import text_tokens
from ..types import Evidence
from .material import failure
from .reading import is_good
from .types import Findings, Outcome, Page, Results


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


def lookup_row(
    turn_id: str, findings: Findings, read: Sequence[Page], times: Times, evidence: Evidence
) -> LookupRow:
    """`read` are the pages that were asked for."""
    search = findings.search
    return LookupRow(
        turn_id=turn_id,
        created_at=time(),
        queries=len(search.queries),
        hits=sum(len(result.hits) for result in findings.results),
        pages=len(read),
        pages_read=sum(is_good(page) for page in read),
        sources=len(findings.sources),
        problem=_problem(findings),
        rewritten_by=search.by,
        freshness=search.freshness,
        material_tokens=text_tokens(evidence.question),
        rewrite_ms=times.rewrite,
        search_ms=times.search,
        read_ms=times.read,
        total_ms=times.total,
        detail=_detail(findings),
    )


def _problem(findings: Findings) -> str:
    """Without the queries: those are for `detail`, which expires."""
    if findings.sources:
        return ""
    if not findings.search.queries:
        return failure(findings)
    said = [result.problem for result in findings.results if result.problem]
    return findings.problem or "; ".join(dict.fromkeys(said)) or "no page could be read"


def _detail(findings: Findings) -> dict[str, object]:
    return {
        "queries": list(findings.search.queries),
        "language": findings.search.language,
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
        "problem": result.problem,
        "unresponsive": [list(pair) for pair in result.unresponsive],
        "relaxed": result.relaxed,
        "cached": result.cached,
        "took_ms": round(result.took_ms),
    }


def _by_rank(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: outcome.rank)
