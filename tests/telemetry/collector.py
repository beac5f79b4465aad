"""A scripted OpenTelemetry collector on loopback: OTLP over HTTP, decoded by its own schema.

Needs the extra `otel`. Knows nothing of what the spans should say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.servers import Exchange, RecordedRequest, ScriptedServer

PATH = "/v1/traces"
PROTOBUF = {"content-type": "application/x-protobuf"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One span as it arrived. `start` and `end` are unix seconds."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    start: float
    end: float
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    is_error: bool
    message: str


class Collector(ScriptedServer):
    """Takes spans and keeps them. `status`: what it answers; `redirect`: where to, if anywhere;
    `hangs`: it never does."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.redirect = ""
        self.hangs = False

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.redirect:
            await exchange.reply(307, b"", {"location": self.redirect})
        elif self.status != 200:
            await exchange.reply(self.status, b"no", {})
        else:
            body = ExportTraceServiceResponse().SerializeToString()
            await exchange.reply(200, body, PROTOBUF)

    @property
    def seen(self) -> list[Seen]:
        """The spans that were taken, in the order in which they came."""
        taken = [r for r in list(self.requests) if r.status == 200 and r.path == PATH]
        return [span for request in taken for span in _spans(request.body)]

    def wait_for_spans(self, count: int, timeout_s: float = 5.0) -> list[Seen]:
        """All spans, once there are so many."""
        self.wait_for(lambda _: len(self.seen) >= count, timeout_s)
        return self.seen


def _spans(body: bytes) -> Iterator[Seen]:
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Seen(
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano / 1e9,
                    end=span.end_time_unix_nano / 1e9,
                    attributes=_attributes(span.attributes),
                    resource=resource,
                    is_error=span.status.code == span.status.STATUS_CODE_ERROR,
                    message=span.status.message,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    return getattr(value, kind)
