"""Every target's circuit breaker, and what is told about them: in errors, and to `hal doctor`.

Pure but for the clocks and `publish`, which it is given. Knows no transport and no database; all
calls come from one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from ..errors import CircuitOpen, HalError, Unauthorized
from ..types import Target
from .breaker import PROBE_S, Breaker, State, rule_for

# Where the session log keeps what `publish` was given.
STATE_KEY = "breakers"
# A probe ends within seconds, mostly; nobody can say when.
PROBE_RETRY_S = 5.0
# Calls under the old key are refused within seconds; so long is no refusal held against a new one.
KEY_CHANGE_S = 10.0

_CAUSES = {
    "refused": "nothing listened there",
    "unreachable": "it could not be reached",
    "reset": "it closed the connection",
    "timeout": "it did not answer in time",
    "overloaded": "it was busy or failing",
    "rate_limited": "it got too many requests",
    "unauthorized": "it did not accept the key",
    "out_of_credits": "the credits were used up",
    "bad_reply": "it sent no usable answer",
}
_SOME_CAUSE = "it failed"
_LOCAL_REMEDIES = {
    "refused": "Start it (ollama serve), or check OLLAMA_BASE_URL and LOCAL_HOSTS.",
    "unreachable": "Check the network, OLLAMA_BASE_URL and LOCAL_HOSTS.",
    "unauthorized": "Check what stands before it at OLLAMA_BASE_URL or LOCAL_HOSTS.",
}
_CLOUD_REMEDIES = {
    "refused": "Check the network and XAI_API_BASE_URL.",
    "unreachable": "Check the network and XAI_API_BASE_URL.",
    "unauthorized": "Set XAI_API_KEY to a valid key; a new one is tried at once.",
    "out_of_credits": "Add credits in xAI's console, or stay local with /local.",
}
_LOCAL_REMEDY = "Ask again later; if it goes on, restart the server of the local models."
_CLOUD_REMEDY = "Ask again later, or stay local with /local."

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class BreakerView:
    """One target's breaker, to be shown. Times are unix seconds; `next_try` None: now.

    `cause` and `remedy` are our own words by the error's `code`, never a server's: those may
    quote what was asked. All three are "" when nothing failed since the last success.
    """

    target: str
    state: State
    failures: int
    since: float
    next_try: float | None = None
    code: str = ""
    cause: str = ""
    remedy: str = ""

    def state_at(self, now_s: float) -> State:
        """The state later on, if nothing was asked in between."""
        is_over = self.state is State.OPEN and self.next_try is not None and self.next_try <= now_s
        return State.HALF_OPEN if is_over else self.state


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All breakers as one process had them; `process` is its mark, "" when it has none."""

    process: str
    at: float
    targets: tuple[BreakerView, ...]

    def to_json(self) -> str:
        return _SNAPSHOT.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Snapshot | None:
        """None when it is not one, or of another version."""
        try:
            return _SNAPSHOT.validate_json(text)
        except ValidationError:
            return None


_SNAPSHOT = TypeAdapter(Snapshot)


class BreakerRegistry:
    """The `Breakers` of ports.py. One per runtime: it outlives a change of settings.

    `clock` only moves forward, `wall_clock` is for people. `publish` gets the JSON of a Snapshot
    whenever something about it has changed, and must neither raise nor wait. `process`: the mark
    of this process, by which a reader can tell whether it still runs.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        *,
        api_key: str | None = None,
        publish: Callable[[str], None] = lambda _: None,
        process: str = "",
    ) -> None:
        self._clock, self._wall_clock = clock, wall_clock
        self._publish, self._process = publish, process
        self._fingerprint = _fingerprint(api_key)
        self._key_changed_at: float | None = None
        self._breakers: dict[_Key, tuple[Target, Breaker]] = {}

    def start(self) -> None:
        """Publish once, so that nobody takes what an earlier process left for ours."""
        self._tell()

    def configure(self, api_key: str | None) -> None:
        """With another key, cloud targets start closed; the old key's stay as they were."""
        fingerprint = _fingerprint(api_key)
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            self._key_changed_at = self._clock()
            self._tell()

    def forget(self) -> None:
        """Every target starts closed: who has changed a setting wants to see what it does."""
        self._breakers.clear()
        self._tell()

    def admit(self, target: Target) -> None:
        now, breaker = self._now(target)
        if not breaker.admits(now):
            raise _refusal(target, breaker, now)
        self._set(target, breaker.admitted(now))

    def succeeded(self, target: Target) -> None:
        now, breaker = self._now(target)
        self._set(target, breaker.succeeded(now))

    def failed(self, target: Target, error: HalError, *, cold: bool = False) -> None:
        now, breaker = self._now(target)
        rule = rule_for(error, leaves_machine=target.leaves_machine, cold=cold)
        if rule is None or self._is_of_old_key(target, error, now):
            self._set(target, breaker.gave_up())
        else:
            self._set(target, breaker.failed(rule, error.code, now))

    def gave_up(self, target: Target) -> None:
        _, breaker = self._now(target)
        self._set(target, breaker.gave_up())

    def is_open(self, target: Target) -> bool:
        now, breaker = self._now(target)
        return not breaker.admits(now)

    def views(self) -> tuple[BreakerView, ...]:
        """Every target that was asked so far, those of an earlier key aside."""
        now, wall_s = self._clock(), self._wall_clock()
        return tuple(
            _view(target, breaker, now, wall_s - now)
            for key, (target, breaker) in self._breakers.items()
            if key == self._key(target)
        )

    def _key(self, target: Target) -> _Key:
        key = self._fingerprint if target.leaves_machine else ""
        return (target.provider, target.host, target.model, key)

    def _now(self, target: Target) -> tuple[float, Breaker]:
        now = self._clock()
        known = self._breakers.get(self._key(target))
        return now, known[1] if known else Breaker(since=now)

    def _set(self, target: Target, breaker: Breaker) -> None:
        key = self._key(target)
        known = self._breakers.get(key)
        if known is None or known[1] != breaker:
            self._breakers[key] = (target, breaker)
            self._tell()

    def _tell(self) -> None:
        self._publish(Snapshot(self._process, self._wall_clock(), self.views()).to_json())

    def _is_of_old_key(self, target: Target, error: HalError, now: float) -> bool:
        """Reports do not say under which key the call was made."""
        changed_at = self._key_changed_at
        return (
            target.leaves_machine
            and isinstance(error, Unauthorized)
            and changed_at is not None
            and now < changed_at + KEY_CHANGE_S
        )


def duration(seconds: float) -> str:
    """In words, rounded up so that it is over when it was said: "3 s", "5 min", "1 h"."""
    whole = max(1, -int(-seconds // 1))
    if whole < 100:
        return f"{whole} s"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes / 60:.1f} h".replace(".0", "")


def _refusal(target: Target, breaker: Breaker, now: float) -> CircuitOpen:
    cause = _CAUSES.get(breaker.code, _SOME_CAUSE)
    remedy = _remedy(target, breaker.code)
    if breaker.is_probed(now):
        message = f"{target.label} failed ({cause}); another turn is just trying it again."
        return CircuitOpen(message, remedy, retry_after_s=PROBE_RETRY_S)
    wait_s = (breaker.until or now) - now
    message = f"{target.label} is not asked: {cause}. It is tried again in {duration(wait_s)}."
    return CircuitOpen(message, remedy, retry_after_s=wait_s)


def _remedy(target: Target, code: str) -> str:
    if target.leaves_machine:
        return _CLOUD_REMEDIES.get(code, _CLOUD_REMEDY)
    return _LOCAL_REMEDIES.get(code, _LOCAL_REMEDY)


def _view(target: Target, breaker: Breaker, now: float, to_wall_s: float) -> BreakerView:
    state = breaker.state(now)
    next_try = breaker.until if state is State.OPEN else None
    if breaker.probe_at is not None and breaker.is_probed(now):
        next_try = breaker.probe_at + PROBE_S
    return BreakerView(
        target=target.label,
        state=state,
        failures=breaker.failures,
        since=breaker.since + to_wall_s,
        next_try=None if next_try is None else next_try + to_wall_s,
        code=breaker.code,
        cause=_CAUSES.get(breaker.code, _SOME_CAUSE) if breaker.code else "",
        remedy=_remedy(target, breaker.code) if breaker.code else "",
    )


def _fingerprint(api_key: str | None) -> str:
    """Tells keys apart; in memory only."""
    return sha256(api_key.encode()).hexdigest()[:16] if api_key else ""
