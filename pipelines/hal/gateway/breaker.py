"""One target's circuit breaker: closed, open for a while, half-open for one call.

Pure: a frozen value and its transitions. Knows no target, no clock and no other breaker; `now` is
in seconds of any clock that only moves forward. The registry in `breakers.py` holds them.

    closed ──(failures in a row, or one that needs no second)──> open
    open ──(cooldown over)──> half-open: one call is let through
    half-open ──(it succeeds)──> closed          ──(it fails)──> open, for twice as long
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import (
    ConnectionRefused,
    ConnectionReset,
    HalError,
    ModelMissing,
    OutOfCredits,
    Overloaded,
    ProviderError,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from .repetition import EndlessRepetition

# One may be chance, two bad luck. Peers wait for a share of many requests, and so never stop
# asking a lone local server that is down.
FAILURES_TO_OPEN = 3
# A call that begins later than this after a failure has nothing to do with it. Counted to the
# beginning of the call: a local model may take three minutes to time out.
WINDOW_S = 60.0
# Longer than the first token of a cold local model may take (LOCAL_FIRST_TOKEN_S: 180). A probe
# that has not been reported by then never will be.
PROBE_S = 200.0
# No server's word keeps us away for longer: it may have been a mistake, or a day in milliseconds.
LONGEST_S = 3600.0
# A doubling beyond any cap, so that a long outage does not compute huge numbers.
_MOST_DOUBLINGS = 12


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a breaker takes one kind of failure.

    `failures` in a row open it. `cooldown_s` doubles with each failed probe, up to `cap_s`.
    `is_said`: the server named the time or closed the account, so that an answer to a call that
    began before says nothing against it.
    """

    failures: int
    cooldown_s: float
    cap_s: float
    is_said: bool = False


# Nothing listens: known in a millisecond, so that asking again costs nothing, and a restarted
# Ollama is found at once.
REFUSED = Rule(1, cooldown_s=3.0, cap_s=30.0)
# No name, no route, no TLS: each probe costs a person up to three seconds (the connect timeout).
UNREACHABLE = Rule(1, cooldown_s=10.0, cap_s=300.0)
# Hangs, breaks or is busy: a probe may cost a person a whole first-token timeout (xAI: 30 s). Five
# minutes at most, so that nobody has to restart anything once it is well again.
FAILING = Rule(FAILURES_TO_OPEN, cooldown_s=30.0, cap_s=300.0)
# Only another key helps, and that one has a breaker of its own. The hour is for a key that is
# unblocked in xAI's console.
KEY_REFUSED = Rule(1, cooldown_s=LONGEST_S, cap_s=LONGEST_S, is_said=True)
# Topping up needs no new key, so it has to be found by asking; a refusal costs nothing.
NO_CREDITS = Rule(1, cooldown_s=600.0, cap_s=600.0, is_said=True)
# A proxy before the local server wants a password; nothing tells us when it does not any more.
LOCKED = Rule(1, cooldown_s=60.0, cap_s=300.0)

# The first class that fits decides; None: it says nothing about the target's health.
_RULES: tuple[tuple[type[HalError], Rule | None], ...] = (
    (Rejected, None),
    (ModelMissing, None),
    (EndlessRepetition, None),  # the model's answer to this question, not the server's state
    (OutOfCredits, NO_CREDITS),
    (Unauthorized, KEY_REFUSED),
    (ConnectionRefused, REFUSED),
    (ConnectionReset, FAILING),
    (Unreachable, UNREACHABLE),
    (ProviderError, FAILING),
)


def rule_for(error: HalError, *, leaves_machine: bool, cold: bool = False) -> Rule | None:
    """How to take this failure; None when it says nothing about the target's health.

    `cold`: the model had to be loaded first, so that slowness is no fault.
    """
    if isinstance(error, Overloaded) and (said_s := seconds_said(error)) is not None:
        said_s = min(said_s, LONGEST_S)
        return Rule(1, said_s, said_s, is_said=True)
    if cold and isinstance(error, Timeout):
        return None
    if isinstance(error, Unauthorized) and not leaves_machine:
        return LOCKED
    return next((rule for kind, rule in _RULES if isinstance(error, kind)), None)


def seconds_said(error: ProviderError) -> float | None:
    """How long the server asked us to wait; None when it did not, or not in earnest."""
    said_s = error.retry_after_s
    return said_s if said_s is not None and not math.isnan(said_s) and said_s > 0 else None


@dataclass(frozen=True, slots=True)
class Breaker:
    """`since`: when it opened, or closed again. `until`: end of the cooldown; None: closed.

    `failures` in a row, `failed_probes` of them; `code` is that of the last one's error.
    `probe_at`: when the one call was let through that has not been reported yet.

    Reports do not say which call they are of. One of a call that began before the breaker opened
    ends the probe, too; at worst, one more call is let through.
    """

    since: float
    failures: int = 0
    failed_at: float = -math.inf
    code: str = ""
    until: float | None = None
    is_said: bool = False
    failed_probes: int = 0
    probe_at: float | None = None

    def state(self, now: float) -> State:
        if self.until is None:
            return State.CLOSED
        return State.OPEN if now < self.until else State.HALF_OPEN

    def is_probed(self, now: float) -> bool:
        """Whether a call was let through half-open and may still be reported."""
        return self.probe_at is not None and now < self.probe_at + PROBE_S

    def admits(self, now: float) -> bool:
        state = self.state(now)
        return state is State.CLOSED or (state is State.HALF_OPEN and not self.is_probed(now))

    def admitted(self, now: float) -> Breaker:
        """A call begins, which `admits` allows."""
        if self.state(now) is State.HALF_OPEN:
            return replace(self, probe_at=now)
        if self.failures and now - self.failed_at > WINDOW_S:
            return Breaker(self.since)
        return self

    def succeeded(self, now: float) -> Breaker:
        if self.state(now) is State.OPEN and self.is_said:
            return self
        if self.until is None:
            return Breaker(self.since) if self.failures else self
        return Breaker(since=now)

    def failed(self, rule: Rule, code: str, now: float) -> Breaker:
        state = self.state(now)
        if state is State.OPEN:
            return self._failed_again(rule, code, now)
        failed = replace(self, failures=self.failures + 1, failed_at=now, code=code)
        if state is State.HALF_OPEN:
            return replace(failed, failed_probes=self.failed_probes + 1)._opened(rule, now)
        if failed.failures < rule.failures:
            return failed
        return replace(failed, since=now)._opened(rule, now)

    def gave_up(self) -> Breaker:
        """The call ended without saying anything about the target."""
        return self if self.probe_at is None else replace(self, probe_at=None)

    def _opened(self, rule: Rule, now: float) -> Breaker:
        doublings = min(self.failed_probes, _MOST_DOUBLINGS)
        cooldown_s = min(rule.cooldown_s * 2**doublings, rule.cap_s)
        return replace(self, until=now + cooldown_s, is_said=rule.is_said, probe_at=None)

    def _failed_again(self, rule: Rule, code: str, now: float) -> Breaker:
        """A call that began before it opened has failed: the same outage, unless it knows more."""
        until = now + rule.cooldown_s
        if not rule.is_said or (self.until is not None and until <= self.until):
            return self
        return replace(self, code=code, until=until, is_said=True)
