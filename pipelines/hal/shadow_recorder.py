"""Collects what happens when the other target answers a turn that is over.

Writes calls under the turn that they belong to, and rows of its own; the turn's row, its text and
its cost stay as they were. Knows rows, not SQL; nothing here waits.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from dataclasses import replace

from .recorder import TurnRecorder
from .recording import CallRecord, RowWriter
from .sessions.record import RUNNING, ShadowContentRow, ShadowRow
from .shadow_choice import Chosen
from .types import Outcome, Target, Turn


class ShadowRecorder(TurnRecorder):
    """The record of one shadow. `turn_recorder` is that of the turn, which has ended."""

    def __init__(
        self,
        turn: Turn,
        writer: RowWriter,
        turn_recorder: TurnRecorder,
        target: Target,
        chosen: Chosen,
    ) -> None:
        super().__init__(turn, writer, "")
        # Its calls go on counting, and its row, which is complete, is not written again.
        self._calls = turn_recorder._calls
        self._begun = True
        self._shadow = ShadowRow(
            id=uuid.uuid4().hex,
            turn_id=turn.id,
            created_at=self._now(),
            reason=chosen.reason,
            propensity=chosen.propensity,
            provider=target.provider,
            model=target.model,
            leaves_machine=target.leaves_machine,
            router_id=chosen.router_id,
        )

    def start(self) -> None:
        """Write that it has begun: a kill shows as a shadow that never ended."""
        self._shadow = replace(self._shadow, outcome=RUNNING, error_code="")
        self._text.clear()
        self._writer.write(self._shadow)

    def call(self, target: Target, purpose: str, attempt: int = 1) -> CallRecord:
        record = super().call(target, purpose, attempt)
        self._shadow = replace(self._shadow, call_id=record.row.id)
        return record

    def end(self, outcome: Outcome, error_code: str = "") -> Future[None]:
        """Write how it ended, and what it said if that is all of it."""
        if outcome is Outcome.DONE:
            self._writer.write(
                ShadowContentRow(
                    shadow_id=self._shadow.id, created_at=self._now(), answer=self.answer
                )
            )
        self._shadow = replace(self._shadow, outcome=outcome, error_code=error_code)
        return self._writer.write(self._shadow)
