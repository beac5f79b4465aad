"""The vocabulary of a search: what is asked, what was found, what was read, what is cited.

Knows no server, no library and no turn; every value is frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..types import Cited
from .problems import Problem

__all__ = ["Cited", "Findings", "Freshness", "Hit", "Outcome", "Page", "Results", "Search"]


class Freshness(StrEnum):
    """How new a source has to be; the names are SearXNG's time ranges."""

    ANY = "any"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Search:
    """What to search for. `queries`: one or two, cleaned of operators and of what is private.

    `language` is an ISO 639-1 code, "" when nobody knows. `by`: "model", or why it was not the
    model ("timeout", "error", ...), when the queries are the user's own words.
    """

    queries: tuple[str, ...]
    freshness: Freshness = Freshness.ANY
    language: str = ""
    by: str = "model"


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search engine. `date` is ISO (YYYY-MM-DD), "" when unknown; `rank` from 1."""

    url: str
    title: str
    snippet: str
    rank: int
    engine: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What one query found. `problem` is None when the search worked; `unresponsive` are engines
    that did not answer, with their reasons."""

    query: str
    hits: tuple[Hit, ...] = ()
    problem: Problem | None = None
    unresponsive: tuple[tuple[str, str], ...] = ()
    relaxed: bool = False
    cached: bool = False
    took_ms: float = 0.0

    @property
    def trouble(self) -> str:
        """The problem as the user reads it, "" for none."""
        return self.problem.sentence if self.problem else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for. `text` is what can be read, "" when nothing; then `reason` says
    why in a word of ours ("timeout", "forbidden_address", "status 404", ...). `url` is the final
    one, after redirects. `is_cut`: a limit ended it."""

    asked_url: str
    url: str
    text: str = ""
    title: str = ""
    date: str = ""
    reason: str = ""
    status: int | None = None
    wire_bytes: int = 0
    took_ms: float = 0.0
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one result: for the log. `fate` is "cited", "unused", "dropped"."""

    url: str
    rank: int
    fate: str
    reason: str = ""
    status: int | None = None
    wire_bytes: int = 0
    took_ms: float = 0.0
    passages: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """What the whole stage came to. `sources` in the order in which they are numbered; `problem`
    ended it. `meaning`: "used" when passages were compared by meaning as well, or a word of ours
    that says why they were not; "" when nobody asked for it."""

    search: Search
    results: tuple[Results, ...] = ()
    sources: tuple[Cited, ...] = ()
    outcomes: tuple[Outcome, ...] = field(default_factory=tuple)
    problem: Problem | None = None
    took_ms: float = 0.0
    meaning: str = ""
