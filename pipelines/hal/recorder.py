"""Collects what happens in one turn and hands it to the session log.

One recorder per turn, used on the loop's thread alone. Knows rows, not SQL, and which signals a
turn gives is not its business; nothing here waits.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from time import monotonic, time
from typing import Any

from . import __version__
from .prompts import Prompt
from .recording import CallRecord, Citations, FinishedTurn, RowWriter
from .sessions.record import (
    CallRow,
    ContentRow,
    LookupRow,
    PolicyRow,
    PromptVersionRow,
    Row,
    TurnRow,
)
from .sessions.scoring import note_signals
from .sessions.succession import spoken, words_of
from .types import Decision, Findings, Outcome, Plan, Target, Turn, Usage


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
            override=turn.override or "",
            message_count=len(spoken(turn)),
            prompt_chars=sum(len(message.text) for message in turn.messages),
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
        self.search = self._note = self._draft = ""
        self._lookup: LookupRow | None = None
        # What the turn's tokens cost at the cloud model; None where that is not known.
        self.cloud_price: Callable[[Usage], float | None] = lambda _usage: None
        self._kept_chars = -1
        # Told once, at the end; must neither raise nor wait.
        self.observe: Callable[[FinishedTurn], None] | None = None
        self._ended: list[CallRow] = []
        self._decided_ms: float | None = None
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
            propensity=decision.propensity,
            p_local_ok=decision.p_local_ok,
            gain=decision.gain,
            router_id=decision.router_id,
        )
        self._decided_ms = self.elapsed_ms
        if decision.degraded:
            self.degraded(decision.degraded)

    @property
    def degradations(self) -> tuple[str, ...]:
        """What went wrong on the way, and what was done instead."""
        return tuple(self._degradations)

    def degraded(self, event: str) -> None:
        self._degradations.append(event)

    def speculation(self, outcome: str) -> None:
        self._row = replace(self._row, speculation=outcome)

    def cascaded(self, outcome: str, draft: str = "") -> None:
        """What became of a local draft, and its text where another answer is shown instead."""
        self._row = replace(self._row, cascade=outcome)
        self._draft = draft

    @property
    def cascade(self) -> str:
        return self._row.cascade

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

    def policy(self, rules: Mapping[str, Any]) -> None:
        """What the turn's policy id stands for."""
        self._writer.write(
            PolicyRow(id=self._row.policy_id, first_seen=self._now(), settings=rules)
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
        row = call.ended(outcome, error_code)
        self._ended.append(row)
        self._writer.write(row)

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

    @property
    def may_keep_texts(self) -> bool:
        """Whether this is a turn whose texts are kept at all, where the settings keep texts."""
        return not self._turn.is_temporary and not self._turn.task

    def keep_so_far(self) -> None:
        """Queue what was said so far, if something was added: a kill must not take all of it.

        Costs a copy of the answer here and one row in the writer's next commit. Of an answer that
        is handed over as a whole nothing has been delivered yet.
        """
        chars = sum(map(len, self._text)) + sum(map(len, self._thinking))
        if self.may_keep_texts and not self.finished and chars != self._kept_chars:
            self._kept_chars = chars
            content = self._content()
            self._writer.write(content if self._turn.stream else replace(content, answer=""))

    def finish(
        self, outcome: Outcome, error_code: str = "", *, keep_content: bool
    ) -> Future[None] | None:
        """Write the last state of the turn, once; the future resolves when it is durable."""
        if self.finished:
            return None
        self._begun = self.finished = True
        self._row = self._last_row(outcome, error_code)
        keep_content = keep_content and self.may_keep_texts
        if keep_content:
            self._writer.write(self._content())
        if self._lookup is not None:
            self._writer.write(self._cited(self._lookup, keep_content))
        written = self._writer.write(self._row)
        if self.may_keep_texts:  # of the others not even a signal is kept
            self._note_signals()
        if self.observe is not None:
            self.observe(self._finished_turn())
        return written

    def _last_row(self, outcome: Outcome, error_code: str) -> TurnRow:
        return replace(
            self._row,
            outcome=outcome,
            error_code=error_code,
            first_token_ms=self.first_token_ms,
            total_ms=self.elapsed_ms,
            finish_reason=self.finish_reason if outcome is Outcome.DONE else "",
            prompt_tokens=self.usage.prompt_tokens,
            completion_tokens=self.usage.completion_tokens,
            cost_usd=self.cost_usd,
            cloud_cost_usd=self.cloud_price(self.usage),
            degradations=tuple(self._degradations),
        )

    def _finished_turn(self) -> FinishedTurn:
        lookup = None if self._lookup is None else self._cited(self._lookup, keep_content=False)
        return FinishedTurn(self._row, tuple(self._ended), lookup, self._decided_ms)

    def _cited(self, row: LookupRow, keep_content: bool) -> LookupRow:
        """Queries and addresses are as private as the question."""
        row = row if keep_content else replace(row, detail={})
        if self.citing is None:
            return row
        return replace(row, cited=self.citing.cited, invalid=self.citing.invalid)

    def _note_signals(self) -> None:
        """Behind the turn's last row: the writer reads them, when nobody waits for it any more."""
        has_sources = self._lookup is not None and self._lookup.sources > 0
        said = self._delivered.removeprefix(self._note)  # by the model, not by us
        words = words_of(self._turn, said, has_sources=has_sources)
        self._writer.apply(partial(note_signals, row=self._row, words=words, now_s=self._now()))

    @property
    def _delivered(self) -> str:
        """The answer as far as it was handed over: after Stop, that is less than was generated."""
        answer = self._note + self.answer
        return answer if self.delivered_chars is None else answer[: self.delivered_chars]

    def _content(self) -> ContentRow:
        return ContentRow(
            turn_id=self._turn.id,
            created_at=self._now(),
            question=self._turn.question,
            answer=self._delivered,
            thinking=self.reasoning,
            draft=self._draft,
        )
