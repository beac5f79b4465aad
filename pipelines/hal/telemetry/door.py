"""The way out for spans: the SDK's exporter to one address, and one word about its trouble.

Knows no turn. Needs the extra `otel`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..addresses import host_and_port

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

logger = logging.getLogger("hal.telemetry")

# A collector in the same network takes milliseconds; beyond this it is in trouble.
EXPORT_TIMEOUT_S = 3.0
_EXPORTER_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


class Door:
    """The SDK's exporter to one address, where a collector's trouble is told once and not again.

    Neither a proxy nor a redirect leads elsewhere; the SDK's own words at each try are left out.
    """

    def __init__(self, endpoint: str) -> None:
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        session.hooks["response"] = [self._answered]
        self._place = host_and_port(endpoint)
        self._inner: SpanExporter = OTLPSpanExporter(
            endpoint, timeout=EXPORT_TIMEOUT_S, session=session
        )
        self._taken, self._refused = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
        self._status: int | None = None
        self._is_failing = self._is_shut = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._is_shut:
            return self._refused
        self._status = None
        try:
            with _silent(_EXPORTER_LOGGER):
                result = self._inner.export(spans)
        except Exception:  # noqa: BLE001 - of what `requests` has; some versions let it through
            result = self._refused
        if not self._is_shut:
            self._tell(is_failing=result is not self._taken)
        return result

    def shutdown(self) -> None:
        if not self._is_shut:
            self._is_shut = True
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _answered(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self._status = response.status_code

    def _tell(self, *, is_failing: bool) -> None:
        if is_failing and not self._is_failing:
            cause = "gave no answer" if self._status is None else f"answered {self._status}"
            logger.warning(
                "spans are dropped: the collector at %s %s. Start it, or correct OTEL_ENDPOINT "
                "(OTLP over HTTP, usually port 4318).",
                self._place,
                cause,
            )
        elif self._is_failing and not is_failing:
            logger.info("the collector at %s takes spans again", self._place)
        self._is_failing = is_failing


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Drop what this thread logs there; other pipelines of the same server keep their words."""
    mine, target = threading.get_ident(), logging.getLogger(name)

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    target.addFilter(is_of_others)
    try:
        yield
    finally:
        target.removeFilter(is_of_others)
