"""Prometheus metrics of the turns, in a registry of their own: a reload begins a new one.

Counts and times under few labels, nothing of what was asked or answered. Knows no server. Needs
the extra `metrics`; its import is paid by those alone who switch it on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .. import __version__
from ..gateway.breaker import State
from ..gateway.breakers import BreakerView
from ..recording import FinishedTurn
from ..sessions.record import CallRow, EgressRow, LookupRow, TurnRow
from ..types import Outcome, Route
from .labels import Few, Known, error_codes

# From a cached answer to a long one of a 30B; an answer may take half an hour at most.
TURN_BUCKETS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
# From a model that is loaded to one that has to be; people notice 0.3 s and leave after 10.
FIRST_TOKEN_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
# The classifier's deadline is 3 s, and it takes a tenth of that.
DECISION_BUCKETS = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0)
# Rewriting, searching and reading, each with a deadline of some seconds.
SEARCH_BUCKETS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0)

PROVIDERS = ("ollama", "openai", "xai", "searxng", "web")
_STATES = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Now:
    """What is not counted but looked at, at the moment of a scrape."""

    running_turns: int = 0
    breakers: tuple[BreakerView, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposition:
    """The answer to a scrape."""

    content_type: str
    body: bytes


@dataclass(slots=True)
class _Labels:
    """What may stand in a label. `models` are the configured ones."""

    models: Known = field(default_factory=lambda: Known(()))
    routes: Known = field(default_factory=lambda: Known(Route))
    providers: Known = field(default_factory=lambda: Known(PROVIDERS))
    outcomes: Known = field(default_factory=lambda: Known(Outcome))
    errors: Known = field(default_factory=lambda: Known(error_codes()))
    causes: Few = field(default_factory=Few)
    purposes: Few = field(default_factory=Few)


class Metrics:
    """Counted on the loop's thread, read from another one. Raises ImportError without the extra."""

    def __init__(self, models: Iterable[str]) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = registry = CollectorRegistry()
        self._labels = _Labels()
        self.configure(models)

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"hal_{name}", words, labels, registry=registry)

        def times(name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"hal_{name}", words, labels, registry=registry, buckets=buckets)

        def gauge(name: str, words: str, *labels: str) -> Gauge:
            return Gauge(f"hal_{name}", words, labels, registry=registry)

        target = ("provider", "model")
        self._turns = counter("turns", "Turns that ended.", "route", "provider", "outcome")
        self._errors = counter("turn_errors", "Turns that failed, by cause.", "code")
        self._private = counter("private_turns", "Turns with something private in them.")
        self._cached = counter("cache_hits", "Turns answered from the cache.", "kind")
        self._causes = counter("degradations", "What did not work on the way.", "cause")
        self._all_cloud = counter("all_cloud_usd", "What the cloud would have cost for all, USD.")
        self._total = times(
            "turn_seconds", "Whole turns, seconds.", TURN_BUCKETS, "route", "provider"
        )
        self._first = times(
            *("first_token_seconds", "Until the first token, seconds.", FIRST_TOKEN_BUCKETS),
            *("route", "provider"),
        )
        self._decision = times("decision_seconds", "The classifier, seconds.", DECISION_BUCKETS)
        self._calls = counter("calls", "Requests to models.", *target, "outcome")
        self._tokens = counter("tokens", "Tokens of all requests.", *target, "direction")
        self._cost = counter("cost_usd", "Cost of all requests, USD.", *target)
        self._searches = counter("searches", "Searches of turns.", "result")
        self._search = times("search_seconds", "Whole searches, seconds.", SEARCH_BUCKETS)
        self._sent = counter("egress_requests", "Requests that left.", "provider", "purpose")
        self._bytes = counter("egress_bytes", "Bytes that left.", "provider", "purpose")
        self._running = gauge("turns_running", "Turns that are going on.")
        self._breakers = gauge(
            "breaker_state", "Circuit breakers: 0 closed, 1 half open, 2 open.", "target"
        )
        gauge("build_info", "The version that runs.", "version").labels(__version__).set(1)

    def configure(self, models: Iterable[str]) -> None:
        """The models that have labels of their own from now on."""
        self._labels.models = Known(models)

    def turn_ended(self, turn: FinishedTurn) -> None:
        self._count_turn(turn.row)
        self._time_turn(turn.row)
        for call in turn.calls:
            self._count_call(call)
        if turn.lookup is not None:
            self._count_search(turn.lookup)

    def sent(self, row: EgressRow) -> None:
        """One request that is about to leave."""
        names = (self._labels.providers.of(row.provider), self._labels.purposes.of(row.purpose))
        self._sent.labels(*names).inc()
        self._bytes.labels(*names).inc(row.bytes)

    def exposition(self, accept: str, now: Now) -> Exposition:
        """All of it, in the format that the scraper asks for."""
        from prometheus_client.exposition import choose_encoder

        self._running.set(now.running_turns)
        self._breakers.clear()  # targets of earlier settings
        for breaker in now.breakers:
            self._breakers.labels(breaker.target).set(_STATES[breaker.state])
        encode, content_type = choose_encoder(accept)
        return Exposition(content_type, encode(self._registry))

    def _count_turn(self, row: TurnRow) -> None:
        labels = self._labels
        route, provider = labels.routes.of(row.route), labels.providers.of(row.provider)
        self._turns.labels(route, provider, labels.outcomes.of(row.outcome)).inc()
        if row.error_code:
            self._errors.labels(labels.errors.of(row.error_code)).inc()
        if row.private_kinds:
            self._private.inc()
        if row.cache:
            self._cached.labels(row.cache).inc()
        for cause in row.degradations:
            self._causes.labels(labels.causes.of(cause)).inc()
        if row.cloud_cost_usd:
            self._all_cloud.inc(row.cloud_cost_usd)

    def _time_turn(self, row: TurnRow) -> None:
        names = (self._labels.routes.of(row.route), self._labels.providers.of(row.provider))
        if row.total_ms is not None:
            self._total.labels(*names).observe(row.total_ms / 1000)
        if row.first_token_ms is not None:
            self._first.labels(*names).observe(row.first_token_ms / 1000)
        if row.classify_ms:  # a rule takes no time
            self._decision.observe(row.classify_ms / 1000)

    def _count_call(self, row: CallRow) -> None:
        target = (self._labels.providers.of(row.provider), self._labels.models.of(row.model))
        self._calls.labels(*target, self._labels.outcomes.of(row.outcome)).inc()
        self._tokens.labels(*target, "in").inc(row.prompt_tokens or 0)
        self._tokens.labels(*target, "out").inc(row.completion_tokens or 0)
        self._cost.labels(*target).inc(row.cost_usd or 0.0)

    def _count_search(self, row: LookupRow) -> None:
        self._searches.labels("sources" if row.sources else "nothing").inc()
        self._search.observe(row.total_ms / 1000)
