"""The live view of one runtime: what is told of each turn when it has ended, and to whom.

Off but for the line in the server's log. Nothing here fails a turn or makes one wait; what cannot
be switched on is said once. Knows neither a server nor the flow of a turn.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import TypeVar

from ..recording import FinishedTurn
from ..sessions.record import EgressRow
from ..settings import Settings
from .line import line_of
from .metrics import Exposition, Metrics, Now
from .spans import Spans

# One name for all that is said of a turn: `hal.turn` is where the flow has its logger, too.
turns = logging.getLogger("hal.turn")
logger = logging.getLogger("hal.telemetry")

T = TypeVar("T")
_WHAT = MappingProxyType(
    {"otel": "OpenTelemetry spans (OTEL_ENDPOINT)", "metrics": "Prometheus metrics (METRICS)"}
)


class LiveView:
    """`observe` and `sent` on the loop's thread, `apply` and `close` on any: both may take a second
    of imports, or of saying good-bye to a collector."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endpoint: str | None = None
        self._has_metrics = self._is_closed = False
        self._spans: Spans | None = None
        self._metrics: Metrics | None = None
        self._problems: dict[str, str] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wanted and could not be switched on."""
        return tuple(self._problems.values())

    @property
    def observer(self) -> Callable[[FinishedTurn], None] | None:
        """Who looks on at a turn that begins now; None spares it all work."""
        is_watched = self._spans is not None or self._metrics is not None
        return self.observe if is_watched or turns.isEnabledFor(logging.INFO) else None

    @property
    def has_metrics(self) -> bool:
        return self._metrics is not None

    def apply(self, settings: Settings) -> None:
        """Switch on and off what has changed; what has not, goes on without a gap."""
        wanted = settings.telemetry
        with self._lock:
            if self._is_closed:
                return
            if wanted.endpoint != self._endpoint:
                self._endpoint = wanted.endpoint
                self._connect(wanted.endpoint)
            if wanted.metrics != self._has_metrics:
                self._has_metrics = wanted.metrics
                self._count(wanted.metrics)
            if self._metrics is not None:
                self._metrics.configure(settings.model_names)

    def observe(self, turn: FinishedTurn) -> None:
        """Tell what the turn came to; a mistake in here costs what is told, and not the turn."""
        spans, metrics = self._spans, self._metrics
        with _harmless("a turn"):
            if turns.isEnabledFor(logging.INFO):
                turns.info("%s", line_of(turn))
            if spans is not None:
                spans.send(turn)
            if metrics is not None:
                metrics.turn_ended(turn)

    def sent(self, row: EgressRow) -> None:
        """One request that is about to leave; the log has its row already."""
        if (metrics := self._metrics) is not None:
            with _harmless("a request"):
                metrics.sent(row)

    def exposition(self, accept: str, now: Now) -> Exposition | None:
        """All metrics for one scrape, milliseconds of work; None while they are off."""
        metrics = self._metrics
        return None if metrics is None else metrics.exposition(accept, now)

    def close(self) -> None:
        with self._lock:
            self._is_closed, self._metrics = True, None
            self._connect(None)

    def _connect(self, endpoint: str | None) -> None:
        ended, self._spans = self._spans, None
        if endpoint is not None:
            self._spans = self._made("otel", lambda: Spans(endpoint))
        if ended is not None:
            ended.close()

    def _count(self, is_on: bool) -> None:
        self._metrics = self._made("metrics", lambda: Metrics(())) if is_on else None

    def _made(self, extra: str, make: Callable[[], T]) -> T | None:
        self._problems.pop(extra, None)
        try:
            return make()
        except ImportError:
            problem = f"{_WHAT[extra]} need packages that are missing: pip install "
            problem += f"'hal-auto[{extra}]'"
        except Exception as error:  # noqa: BLE001 - a variable of OpenTelemetry's, most likely
            problem = f"{_WHAT[extra]} could not be switched on ({type(error).__name__})"
        self._problems[extra] = problem
        logger.warning("%s", problem)
        return None


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    """A mistake of ours is said without its words, which may quote a value."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        logger.error("%s could not be told: %s", what, type(error).__name__)  # noqa: TRY400
