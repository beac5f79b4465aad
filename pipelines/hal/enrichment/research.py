"""The enrichment step of a turn: rewrite, search, read, choose, and say what came of it.

Knows the order and the hard stop; each step is somebody else's. Never fails a turn: whatever goes
wrong becomes a sentence that the user and the model read.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol
from uuid import uuid4

from ..errors import HalError
from ..gateway.ports import Call
from ..prompts import Prompt
from ..recorder import TurnRecorder
from ..types import Evidence, Plan, Sources, Status, Turn
from . import problems
from .failures import failure, instructions, note, problem_of, word
from .lookups import Lookup, Times
from .material import material
from .merge import merge
from .passages import terms
from .problems import Problem
from .rank import budget_for, choose
from .readable import showable
from .reading import DEADLINE_S, PageCache, Reader, read_pages
from .types import Findings, Hit, Results, Search
from .worth import candidates

logger = logging.getLogger("hal.enrichment")

# Rewriting, searching and reading each have a limit of their own; together they would be longer
# than a person waits in front of an empty answer.
HARD_STOP_S = 12.0
# 32 bits that no page can have guessed.
_NONCE_BYTES = 4
Step = Status | Sources | Evidence


class Rewrites(Protocol):
    async def rewrite(self, turn: Turn, today: date) -> Search: ...


class Searches(Protocol):
    async def search(self, search: Search, call: Call) -> tuple[Results, ...]: ...


class Compares(Protocol):
    """How near each text is to the question by its meaning, and "used" or why nobody can tell."""

    async def nearness(
        self, question: str, texts: Sequence[str], within_s: float
    ) -> tuple[Mapping[str, float], str]: ...


class Instructions(Protocol):
    """What an answer is written by: `Prompts`, or whatever has them as they are in force now."""

    @property
    def grounded(self) -> Prompt: ...

    @property
    def no_evidence(self) -> Prompt: ...


@dataclass(frozen=True, slots=True)
class Prompts:
    """`grounded` for an answer from sources, `no_evidence` for one without."""

    grounded: Prompt
    no_evidence: Prompt


@dataclass(frozen=True, slots=True)
class Researcher:
    """One per settings; `pages` outlives them. `today` is the user's own day. `meaning`: None where
    passages are compared by their words alone."""

    rewriter: Rewrites
    searxng: Searches
    reader: Reader
    pages: PageCache
    prompts: Instructions
    today: Callable[[], date]
    meaning: Compares | None = None
    hard_stop_s: float = HARD_STOP_S

    async def gather(
        self, turn: Turn, plan: Plan, recorder: TurnRecorder
    ) -> AsyncGenerator[Step, None]:
        """Status lines, the sources in the order of their numbers, and one Evidence at the end."""
        lookup, today = self._begun(turn, plan), self.today()
        try:
            async with aclosing(self._steps(lookup, today)) as steps:
                async for step in steps:
                    yield step
        except TimeoutError:
            lookup.failed(problems.too_slow(self.hard_stop_s))
        except Exception:  # a mistake of ours in looking something up must not cost the answer
            logger.exception("the search failed")
            lookup.failed(problems.broken())
        except BaseException:  # Stop, or the client went away: what was done is in the log
            lookup.failed(problems.stopped())
            recorder.looked_up(lookup.row())
            raise
        lookup.ended()
        lookup.findings, evidence = self._evidence(turn.question, lookup.findings, today)
        recorder.looked_up(lookup.row(evidence))
        if not evidence.sources:
            recorder.degraded("search_failed" if lookup.findings.search.queries else "no_search")
        yield Sources(evidence.sources, evidence.word)
        yield _told(lookup.findings)
        yield evidence

    async def unsearched(self, why: str, recorder: TurnRecorder) -> AsyncGenerator[Step, None]:
        """The same where nothing may be searched: a silent answer from memory would pass for a
        current one. `why`: the words of the plan, which the user has read."""
        findings = Findings(Search((), by="silent"), problem=problems.silent(why))
        _, evidence = self._evidence("", findings, self.today())
        recorder.degraded("no_search")
        yield Sources((), evidence.word)
        yield evidence

    def _begun(self, turn: Turn, plan: Plan) -> Lookup:
        loop = asyncio.get_running_loop()
        now = loop.time()
        call = Call(uuid4().hex, turn.id, "search", plan, keeps_content=not turn.is_temporary)
        return Lookup(turn, plan, call, Times(loop.time, now), now + self.hard_stop_s)

    async def _steps(self, lookup: Lookup, today: date) -> AsyncGenerator[Step, None]:
        yield Status("Looking for what to search")
        queries = await self._rewrite(lookup, today)
        if not queries:
            return
        yield Status(f"Searching: {'; '.join(queries)}", queries=queries)
        hits = await self._search(lookup)
        if not hits:
            return
        yield Status(_reading(len(hits)), urls=tuple(hit.url for hit in hits))
        hits = await self._read(lookup, hits)
        await self._choose(lookup, hits, today)

    async def _rewrite(self, lookup: Lookup, today: date) -> tuple[str, ...]:
        async with asyncio.timeout_at(lookup.deadline):
            search = await self.rewriter.rewrite(lookup.turn, today)
        lookup.times.rewrite = lookup.times.lap()
        lookup.findings = replace(lookup.findings, search=search)
        return search.queries

    async def _search(self, lookup: Lookup) -> tuple[Hit, ...]:
        """The results that are worth reading, the best first."""
        search = lookup.findings.search
        async with asyncio.timeout_at(lookup.deadline):
            results = await self.searxng.search(search, lookup.call)
        lookup.times.search = lookup.times.lap()
        hits, outcomes = merge(results, wanted=_wanted(lookup.turn, search))
        lookup.findings = replace(lookup.findings, results=results, outcomes=outcomes)
        return hits

    async def _read(self, lookup: Lookup, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """Those of them that may be shown, whether their pages could be read or not."""
        lookup.asked = tuple(hit.url for hit in hits)
        pages = await read_pages(
            lookup.asked,
            self.reader,
            lookup.call,
            cache=self.pages,
            deadline_s=min(DEADLINE_S, lookup.left_s),
            came=lookup.read.append,
        )
        lookup.read = pages
        lookup.times.read = lookup.times.lap()
        shown, refused = showable(hits, pages)
        outcomes = (*lookup.findings.outcomes, *refused)
        lookup.findings = replace(lookup.findings, outcomes=outcomes)
        return shown

    async def _choose(self, lookup: Lookup, hits: Sequence[Hit], today: date) -> None:
        findings, question = lookup.findings, lookup.turn.question
        wanted = _wanted(lookup.turn, findings.search)
        near: Mapping[str, float] = {}
        if self.meaning is not None:
            texts = await asyncio.to_thread(candidates, wanted, hits, lookup.read, today)
            near, meaning = await self.meaning.nearness(question, texts, lookup.left_s)
            findings = replace(findings, meaning=meaning)
        sources, outcomes = await asyncio.to_thread(
            choose,
            wanted,
            findings.search.freshness,
            hits,
            lookup.read,
            budget_for(lookup.plan.targets),
            today,
            near,
        )
        outcomes = (*findings.outcomes, *outcomes)
        lookup.findings = replace(findings, sources=sources, outcomes=outcomes)

    def _evidence(
        self, question: str, findings: Findings, today: date
    ) -> tuple[Findings, Evidence]:
        """What the model is told; no sources when a prompt is broken, as an edited one may be."""
        try:
            return findings, self._rendered(question, findings, today)
        except Exception as error:
            logger.exception("the material could not be written")
            problem = problem_of(findings) or _broken(error)
            findings = replace(findings, sources=(), problem=problem)
            return findings, Evidence(note=note(problem), word=word(findings))

    def _rendered(self, question: str, findings: Findings, today: date) -> Evidence:
        problem = problem_of(findings)
        if problem is not None:
            told = instructions(self.prompts.no_evidence, findings, today)
            return Evidence(instructions=told, note=note(problem), word=word(findings))
        nonce = secrets.token_hex(_NONCE_BYTES)
        text = material(self.prompts.grounded, question, findings, nonce, today)
        return Evidence(question=text, sources=findings.sources, word=word(findings))


def _broken(error: Exception) -> Problem:
    return problems.no_prompt(error.sentence) if isinstance(error, HalError) else problems.broken()


def _wanted(turn: Turn, search: Search) -> frozenset[str]:
    """The words that a good source has."""
    return frozenset(term for text in (turn.question, *search.queries) for term in terms(text))


def _reading(count: int) -> str:
    return f"Reading {count} page{'' if count == 1 else 's'}"


def _told(findings: Findings) -> Status:
    """ "4 sources, 2.9 s", or why there are none."""
    urls = tuple(source.url for source in findings.sources)
    if not urls:
        return Status(f"No sources: {failure(findings)}. Answering without them", done=True)
    snippets = sum(source.kind == "snippet" for source in findings.sources)
    unread = f" ({snippets} as the search engine sums them up)" if snippets else ""
    text = f"{word(findings)}{unread}, {findings.took_ms / 1000:.1f} s"
    return Status(text, done=True, urls=urls)
