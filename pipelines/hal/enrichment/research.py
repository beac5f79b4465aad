"""The enrichment step of a turn: rewrite, search, read, choose, and say what came of it.

Knows the order and the hard stop; each step is somebody else's. Never fails a turn: whatever goes
wrong becomes a sentence that the user and the model read.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol
from uuid import uuid4

from ..errors import HalError
from ..gateway.ports import Call
from ..prompts import Prompt
from ..recorder import TurnRecorder
from ..types import Evidence, Plan, Sources, Status, Target, Turn
from .lookups import Times, lookup_row
from .material import failure, material, no_evidence
from .merge import merge
from .rank import CLOUD_TOKENS, LOCAL_TOKENS, SMALL_TOKENS, budget_tokens, choose
from .readable import outcome
from .reading import DEADLINE_S, PageCache, Reader, read_pages
from .types import Findings, Hit, Outcome, Page, Results, Search

logger = logging.getLogger("hal.enrichment")

# Rewriting, searching and reading each have a limit of their own; together they would be longer
# than a person waits in front of an empty answer.
HARD_STOP_S = 12.0
# A window like that is a small model's: more than three sources would confuse it.
SMALL_WINDOW_TOKENS = 8192
# 32 bits that no page can have guessed.
_NONCE_BYTES = 4
# How the reasons begin for which a page was not asked for at all (`targets`).
FORBIDDEN = "forbidden_"
BROKEN = "the search failed here, with an unexpected error"

Step = Status | Sources | Evidence


class Rewrites(Protocol):
    async def rewrite(self, turn: Turn, today: date) -> Search: ...


class Searches(Protocol):
    async def search(self, search: Search, call: Call) -> tuple[Results, ...]: ...


@dataclass(frozen=True, slots=True)
class Prompts:
    """`grounded` for an answer from sources, `no_evidence` for one without."""

    grounded: Prompt
    no_evidence: Prompt


@dataclass(frozen=True, slots=True)
class Researcher:
    """One per settings; `pages` outlives them. `today` is the user's own day."""

    rewriter: Rewrites
    searxng: Searches
    reader: Reader
    pages: PageCache
    prompts: Prompts
    today: Callable[[], date]
    hard_stop_s: float = HARD_STOP_S

    async def gather(
        self, turn: Turn, plan: Plan, recorder: TurnRecorder
    ) -> AsyncGenerator[Step, None]:
        """Status lines, the sources in the order of their numbers, and one Evidence at the end."""
        loop = asyncio.get_running_loop()
        times, today = Times(loop.time, loop.time()), self.today()
        deadline = times.began + self.hard_stop_s
        findings = Findings(Search((), by="unfinished"))
        read: list[Page] = []
        call = Call(uuid4().hex, turn.id, "search", plan, keeps_content=not turn.is_temporary)
        try:
            yield Status("Looking for what to search")
            async with asyncio.timeout_at(deadline):
                search = await self.rewriter.rewrite(turn, today)
            times.rewrite = times.lap()
            findings = replace(findings, search=search)
            if search.queries:
                yield Status(f"Searching: {'; '.join(search.queries)}", queries=search.queries)
                async with asyncio.timeout_at(deadline):
                    results = await self.searxng.search(search, call)
                times.search = times.lap()
                hits, outcomes = merge(results)
                findings = replace(findings, results=results, outcomes=outcomes)
                urls = [hit.url for hit in hits]
                if urls:
                    yield Status(_reading(len(urls)), urls=tuple(urls))
                    left_s = max(0.0, deadline - loop.time())
                    read = await read_pages(
                        urls,
                        self.reader,
                        call,
                        cache=self.pages,
                        deadline_s=min(DEADLINE_S, left_s),
                    )
                    times.read = times.lap()
                    budget = _budget(plan.targets)
                    hits, refused = _showable(hits, read)
                    findings = replace(findings, outcomes=(*outcomes, *refused))
                    sources, more = await asyncio.to_thread(
                        choose, turn.question, search, hits, read, budget, today
                    )
                    outcomes = (*findings.outcomes, *more)
                    findings = replace(findings, sources=sources, outcomes=outcomes)
        except TimeoutError:
            findings = replace(findings, problem=f"it took longer than {self.hard_stop_s:g} s")
        except Exception:  # a mistake of ours in looking something up must not cost the answer
            logger.exception("the search failed")
            findings = replace(findings, problem=BROKEN)
        findings = replace(findings, took_ms=times.total)
        findings, evidence = self._evidence(turn.question, findings, today)
        recorder.looked_up(lookup_row(turn.id, findings, read, times, evidence))
        if findings.sources:
            yield Sources(findings.sources)
        else:
            recorder.degraded("search_failed" if findings.search.queries else "no_search")
        yield Status(_told(findings), done=True, urls=tuple(s.url for s in findings.sources))
        yield evidence

    def unsearched(self, why: str) -> Evidence:
        """What the model is told where nothing may be searched: a silent answer from memory would
        pass for a current one."""
        findings = Findings(Search((), by="silent"), problem=why)
        return self._evidence("", findings, self.today())[1]

    def _evidence(
        self, question: str, findings: Findings, today: date
    ) -> tuple[Findings, Evidence]:
        """What the model is told; no sources when a prompt is broken, as an edited one may be."""
        try:
            return findings, self._rendered(question, findings, today)
        except Exception as error:
            logger.exception("the material could not be written")
            problem = error.sentence if isinstance(error, HalError) else BROKEN
            return replace(findings, results=(), sources=(), problem=problem), Evidence()

    def _rendered(self, question: str, findings: Findings, today: date) -> Evidence:
        if not findings.sources:
            return Evidence(instructions=no_evidence(self.prompts.no_evidence, findings, today))
        nonce = secrets.token_hex(_NONCE_BYTES)
        text = material(self.prompts.grounded, question, findings, nonce, today)
        return Evidence(question=text, sources=findings.sources)


def _showable(
    hits: Sequence[Hit], pages: Sequence[Page]
) -> tuple[tuple[Hit, ...], tuple[Outcome, ...]]:
    """Without what leads to where nobody may go: as a source it would be a link for the user, and
    its excerpt says what a stranger wants it to say."""
    pairs = list(zip(hits, pages, strict=True))
    refused = [(hit, page) for hit, page in pairs if page.reason.startswith(FORBIDDEN)]
    dropped = tuple(outcome(hit, page, "dropped", page.reason) for hit, page in refused)
    return tuple(hit for hit, page in pairs if (hit, page) not in refused), dropped


def _budget(targets: Sequence[Target]) -> int:
    """As much as is good for the first of them, and fits the window of each."""
    first, holds_tokens = targets[0], min(target.context_tokens for target in targets)
    if first.leaves_machine:
        return budget_tokens(holds_tokens, CLOUD_TOKENS)
    is_small = first.context_tokens <= SMALL_WINDOW_TOKENS
    return budget_tokens(holds_tokens, SMALL_TOKENS if is_small else LOCAL_TOKENS)


def _reading(count: int) -> str:
    return f"Reading {count} page{'' if count == 1 else 's'}"


def _told(findings: Findings) -> str:
    """ "4 sources, 2.9 s", or why there are none."""
    count = len(findings.sources)
    if count:
        snippets = sum(source.kind == "snippet" for source in findings.sources)
        unread = f" ({snippets} as the search engine sums them up)" if snippets else ""
        noun = "source" if count == 1 else "sources"
        return f"{count} {noun}{unread}, {findings.took_ms / 1000:.1f} s"
    why = failure(findings) or findings.problem
    return f"No sources: {why.rstrip('.')}. Answering without them"
