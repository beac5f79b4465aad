"""Collects what happens in one turn and hands it to the session log.

One recorder per turn, used on the loop's thread alone. Knows rows, not SQL; nothing here waits.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import Protocol

from . import __version__
from .prompts import Prompt
from .sessions.record import CallRow, ContentRow, LookupRow, PromptVersionRow, Row, TurnRow
from .types import Decision, Findings, Outcome, Plan, ProviderChunk, Target, Turn, Usage


class RowWriter(Protocol):
    """The session log as the recorder needs it: takes a row, answers when it is durable."""

    def write(self, row: Row) -> Future[None]: ...


class Citations(Protocol):
    """What an answer made of its sources: the numbers that it cites, and how many it made up."""

    @property
    def cited(self) -> tuple[int, ...]: ...

    @property
    def invalid(self) -> int: ...

    def chunks(
        self, source: AsyncIterator[ProviderChunk]
    ) -> AsyncGenerator[ProviderChunk, None]: ...


@dataclass(slots=True)
class CallRecord:
    """One attempt at one target, as it goes on."""

    row: CallRow
    began: float
    clock: Callable[[], float]
    usage: Usage = field(default_factory=Usage)
    first_token_ms: float | None = None

    def token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = (self.clock() - self.began) * 1000

    def ended(self, outcome: Outcome, error_code: str = "") -> CallRow:
        return replace(
            self.row,
            first_token_ms=self.first_token_ms,
            total_ms=(self.clock() - self.began) * 1000,
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cached_tokens=self.usage.cached_tokens,
            reasoning_tokens=self.usage.reasoning_tokens,
            cost_usd=self.usage.cost_usd,
            is_estimate=self.usage.is_estimate,
            outcome=outcome,
            error_code=error_code,
        )


class TurnRecorder:
    """The record of one turn. `clock` is monotonic seconds, `now` unix seconds."""

    def __init__(
        self,
        turn: Turn,
        writer: RowWriter,
        policy_id: str,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], float] = time,
    ) -> None:
        self._turn, self._writer, self._clock, self._now = turn, writer, clock, now
        self._began = clock()
        self._row = TurnRow(
            id=turn.id,
            started_at=now(),
            chat_id=turn.chat_id,
            message_id=turn.message_id,
            user_message_id=turn.user_message_id,
            session_id=turn.session_id,
            user_id=turn.user_id,
            task=turn.task,
            privacy_word=turn.privacy or "",
            policy_id=policy_id,
            hal_version=__version__,
            features_json=json.dumps(dict(turn.features)),
        )
        self._calls = 0
        self._open_calls: dict[str, CallRow] = {}
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._degradations: list[str] = []
        self.usage = Usage()
        self.target: Target | None = None
        self.first_token_ms: float | None = None
        self.delivered_chars: int | None = None
        self._cost_usd, self._cost_unknown = 0.0, False
        self.cache = self.cached_model = ""
        self.finish_reason = "stop"
        self.citing: Citations | None = None
        self.search = self._note = ""
        self._lookup: LookupRow | None = None
        self._begun = self.finished = False

    @property
    def cost_usd(self) -> float | None:
        """All calls of the turn together, those that failed as well; None when one is unknown."""
        return None if self._cost_unknown else self._cost_usd

    @property
    def answer(self) -> str:
        """What the model has said."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._thinking)

    @property
    def elapsed_ms(self) -> float:
        return (self._clock() - self._began) * 1000

    def begin(self) -> None:
        """Write the rows of a turn that goes on, once: a kill shows as one that never ended."""
        if not self._begun:
            self._begun = True
            rows: tuple[Row, ...] = (self._row, *self._open_calls.values())
            for row in rows:
                self._writer.write(row)

    def inspected(self, findings: Findings) -> None:
        """Where nobody looks, the log says so: nothing else would tell it from a clean turn."""
        self._row = replace(
            self._row,
            private_kinds=dict(findings.kinds),
            is_hard=findings.is_hard,
            privacy_word=self._row.privacy_word or ("off" if findings.is_open else ""),
        )

    def decided(self, decision: Decision, plan: Plan) -> None:
        self._row = replace(
            self._row,
            route=decision.route,
            source=decision.source,
            confidence=decision.confidence,
            reason=decision.reason,
            needs_search=decision.needs_search,
            probabilities=dict(decision.probabilities),
            prompt_id=decision.prompt_id,
            classify_ms=decision.latency_ms,
            notes=plan.notes,
        )
        if decision.degraded:
            self.degraded(decision.degraded)

    def degraded(self, event: str) -> None:
        self._degradations.append(event)

    def speculation(self, outcome: str) -> None:
        self._row = replace(self._row, speculation=outcome)

    def prompt(self, prompt: Prompt) -> None:
        self._writer.write(
            PromptVersionRow(
                id=prompt.id,
                name=prompt.name,
                version=prompt.version,
                sha256=prompt.sha256,
                text=prompt.text,
                first_seen=self._now(),
            )
        )

    def call(self, target: Target, purpose: str, attempt: int = 1) -> CallRecord:
        """A call that begins; `attempt` counts the tries at this target."""
        self._calls += 1
        row = CallRow(
            id=uuid.uuid4().hex,
            turn_id=self._turn.id,
            n=self._calls,
            purpose=purpose,
            provider=target.provider,
            model=target.model,
            host=target.host,
            attempt=attempt,
            started_at=self._now(),
        )
        if self._begun:
            self._writer.write(row)
        else:
            self._open_calls[row.id] = row
            if target.leaves_machine:
                self.begin()  # what leaves has its turn and its call in the log before it
        return CallRecord(row, self._clock(), self._clock)

    def call_ended(self, call: CallRecord, outcome: Outcome, error_code: str = "") -> None:
        self._open_calls.pop(call.row.id, None)
        self._cost_unknown = self._cost_unknown or call.usage.cost_usd is None
        self._cost_usd += call.usage.cost_usd or 0.0
        self._writer.write(call.ended(outcome, error_code))

    def answered_by(self, target: Target) -> None:
        if target is self.target:  # called for every chunk
            return
        self.target = target
        self._row = replace(
            self._row,
            provider=target.provider,
            model=target.model,
            leaves_machine=target.leaves_machine,
        )

    def from_cache(self, kind: str, provider: str, model: str) -> None:
        """The answer was given before, by this model; nobody was asked."""
        self.cache, self.cached_model = kind, model
        self.usage = Usage(cost_usd=0.0)
        self._row = replace(self._row, cache=kind, provider=provider, model=model)

    def used(self, usage: Usage) -> None:
        self.usage = usage

    def looked_up(self, row: LookupRow) -> None:
        """What a search came to; which of its sources the answer used is known at the end."""
        self._lookup = row

    def noted(self, note: str) -> None:
        """What was shown in front of the model's first word."""
        self._note = note

    def text(self, text: str) -> None:
        self._first_token()
        self._text.append(text)

    def thinking(self, text: str) -> None:
        self._first_token()
        self._thinking.append(text)

    def _first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms

    def finish(
        self, outcome: Outcome, error_code: str = "", *, keep_content: bool
    ) -> Future[None] | None:
        """Write the last state of the turn, once; the future resolves when it is durable."""
        if self.finished:
            return None
        self._begun = self.finished = True
        self._row = replace(
            self._row,
            outcome=outcome,
            error_code=error_code,
            first_token_ms=self.first_token_ms,
            total_ms=self.elapsed_ms,
            finish_reason=self.finish_reason if outcome is Outcome.DONE else "",
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=self.cost_usd,
            degradations=tuple(self._degradations),
        )
        keep_content = keep_content and not self._turn.is_temporary and not self._turn.task
        if keep_content:
            self._writer.write(self._content())
        if self._lookup is not None:
            self._writer.write(self._cited(self._lookup, keep_content))
        return self._writer.write(self._row)

    def _cited(self, row: LookupRow, keep_content: bool) -> LookupRow:
        """Queries and addresses are as private as the question."""
        row = row if keep_content else replace(row, detail={})
        if self.citing is None:
            return row
        return replace(row, cited=self.citing.cited, invalid=self.citing.invalid)

    def _content(self) -> ContentRow:
        """The answer as far as it was handed over: after Stop, that is less than was generated."""
        answer = self._note + self.answer
        return ContentRow(
            turn_id=self._turn.id,
            created_at=self._now(),
            question=self._turn.question,
            answer=answer if self.delivered_chars is None else answer[: self.delivered_chars],
            thinking=self.reasoning,
        )
