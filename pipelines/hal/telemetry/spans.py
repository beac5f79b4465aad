"""OpenTelemetry spans of a turn that has ended, sent to a collector in the user's own network.

One span for the turn, one below it for the decision, the search and each call, with the times that
they really had. The trace's id is the turn's. Sending is the SDK's work, in a thread of its own
with a bounded queue: a turn never waits. Knows no settings. Needs the extra `otel`, whose import of
half a second is paid by those alone who name a collector.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, cast

from .. import __version__
from ..recording import FinishedTurn
from ..sessions.conventions import (
    CHAT,
    DECISION,
    RETRIEVAL,
    AttributeValue,
    call_attributes,
    decision_attributes,
    lookup_attributes,
    operation,
    turn_attributes,
)
from ..sessions.record import CallRow, LookupRow, TurnRow
from ..types import Outcome
from .door import Door

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Span, SpanKind

# A live view, not an archive: seconds matter more than the size of a request.
SEND_EVERY_MS = 1000
# Some five hundred turns, about 2 MB; the oldest give way when a collector does not keep up.
QUEUE_SPANS = 2048
BATCH_SPANS = 512
# A reload must not wait for a collector that hangs.
CLOSE_TIMEOUT_S = 1.0
_FAILED = frozenset({Outcome.FAILED, Outcome.CUT})

Times = tuple[float, float]


class Spans:
    """One collector. `send` on the loop's thread, `close` from another one.

    `endpoint` is the whole address that takes traces. Raises ImportError without the extra.
    """

    def __init__(self, endpoint: str, *, send_every_ms: int = SEND_EVERY_MS) -> None:
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._trace, self._context = trace, Context
        self._ids = _TurnIds()
        self._door = Door(endpoint)
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "hal-auto", "service.version": __version__}),
            shutdown_on_exit=False,
            id_generator=cast("IdGenerator", self._ids),
        )
        processor = BatchSpanProcessor(
            cast("SpanExporter", self._door),
            max_queue_size=QUEUE_SPANS,
            schedule_delay_millis=send_every_ms,
            max_export_batch_size=BATCH_SPANS,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("hal-auto", __version__)

    def send(self, turn: FinishedTurn) -> None:
        """Queue the spans of one turn; microseconds, and never an exception for a collector."""
        row, kinds = turn.row, self._trace.SpanKind
        self._ids.turn_id = row.id
        whole = _turn_times(row)
        name = f"turn {row.route}" if row.route else "turn"
        root = self._begin(name, kinds.SERVER, None, whole, turn_attributes(row))
        if row.classify_ms and turn.decided_ms is not None:
            self._child(root, DECISION, _decision_times(turn), decision_attributes(row))
        if turn.lookup is not None:
            self._child(root, RETRIEVAL, _lookup_times(turn.lookup), lookup_attributes(turn.lookup))
        for call in turn.calls:
            self._call(root, call)
        self._end(root, whole, row.outcome, row.error_code)

    def close(self) -> None:
        """Send what waits, for CLOSE_TIMEOUT_S at most; after that it is dropped."""
        ending = threading.Thread(target=self._provider.shutdown, name="hal-spans", daemon=True)
        ending.start()
        ending.join(CLOSE_TIMEOUT_S)
        if ending.is_alive():
            self._door.shutdown()
            ending.join(CLOSE_TIMEOUT_S)

    def _call(self, root: Span, call: CallRow) -> None:
        times = _from(call.started_at, call.total_ms)
        attributes = call_attributes(call)
        kind, what = self._trace.SpanKind.CLIENT, operation(call.purpose)
        name = f"{what} {call.model}" if what == CHAT else what
        self._end(self._begin(name, kind, root, times, attributes), times, *_ended(call))

    def _child(
        self, root: Span, name: str, times: Times, attributes: dict[str, AttributeValue]
    ) -> None:
        self._end(self._begin(name, self._trace.SpanKind.INTERNAL, root, times, attributes), times)

    def _begin(
        self,
        name: str,
        kind: SpanKind,
        parent: Span | None,
        times: Times,
        attributes: dict[str, AttributeValue],
    ) -> Span:
        # An empty context: what the server's other pipelines trace is no parent of ours.
        context = self._context()
        if parent is not None:
            context = self._trace.set_span_in_context(parent, context)
        return self._tracer.start_span(
            name, context, kind=kind, attributes=attributes, start_time=_nanoseconds(times[0])
        )

    def _end(self, span: Span, times: Times, outcome: str = "", error_code: str = "") -> None:
        if outcome in _FAILED:
            span.set_status(self._trace.StatusCode.ERROR, error_code)
        span.end(end_time=_nanoseconds(times[1]))


class _TurnIds:
    """The trace of a turn has its id, so that a line of the log leads to it."""

    turn_id = ""

    def generate_span_id(self) -> int:
        return secrets.randbits(64) or 1

    def generate_trace_id(self) -> int:
        try:
            found = int(self.turn_id, 16)
        except ValueError:
            found = 0
        return found if 0 < found < 1 << 128 else secrets.randbits(128) or 1

    def is_trace_id_random(self) -> bool:
        """The half that samplers look at is, in a UUID of version 4."""
        return True


def _turn_times(row: TurnRow) -> Times:
    return _from(row.started_at, row.total_ms)


def _decision_times(turn: FinishedTurn) -> Times:
    end = turn.row.started_at + (turn.decided_ms or 0.0) / 1000
    return end - (turn.row.classify_ms or 0.0) / 1000, end


def _lookup_times(row: LookupRow) -> Times:
    """The row is made when the search is over."""
    return row.created_at - row.total_ms / 1000, row.created_at


def _from(start_s: float, took_ms: float | None) -> Times:
    return start_s, start_s + (took_ms or 0.0) / 1000


def _ended(call: CallRow) -> tuple[str, str]:
    return call.outcome, call.error_code


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000_000)
