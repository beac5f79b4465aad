"""The live view, where the settings ask for it: its packages installed, the collector there.

Sends one request without a span. Knows this Python alone, which need not be the server's.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import requests

from ...addresses import without_user
from .result import TIMEOUT_S, Check, Context, ok, reason, warn

COLLECTOR, METRICS = "OpenTelemetry", "Prometheus"
_REMEDY = "Start it, or correct OTEL_ENDPOINT (OTLP over HTTP, usually port 4318)."


def checks(context: Context) -> Iterator[Check]:
    wanted = context.settings.telemetry
    if wanted.endpoint is not None:
        yield _missing(COLLECTOR, "opentelemetry", "otel") or _collector(wanted.endpoint)
    if wanted.metrics:
        yield _missing(METRICS, "prometheus_client", "metrics") or ok(METRICS, "metrics on")


def _missing(name: str, package: str, extra: str) -> Check | None:
    if find_spec(package) is not None:
        return None
    return warn(name, "wanted, and its packages are missing", f"pip install 'hal-auto[{extra}]'")


def _collector(endpoint: str) -> Check:
    place = without_user(endpoint)
    try:
        status = _empty_post(endpoint)
    except requests.RequestException as error:
        return warn(COLLECTOR, f"{place}: {reason(error)}; no spans are kept", _REMEDY)
    if status != requests.codes.ok:
        return warn(COLLECTOR, f"{place} answers {status}; no spans are kept", _REMEDY)
    return ok(COLLECTOR, f"{place} takes spans")


def _empty_post(endpoint: str) -> int:
    """No bytes at all are a request without spans, in OTLP's protobuf."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {"content-type": "application/x-protobuf"}
        reply = session.post(
            endpoint, b"", headers=headers, timeout=TIMEOUT_S, allow_redirects=False
        )
        return reply.status_code
