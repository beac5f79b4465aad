"""Decides after a failed attempt whether the same target is asked once more, when and how.

Pure: no clock, no randomness and no waiting of its own. Knows neither the other targets of the plan
nor what was shown: to be asked only while nothing was (R1). R2: no wait beyond the deadline. R3: a
paid call that may have been accepted is not made again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import (
    BadReply,
    ConnectionRefused,
    ConnectionReset,
    ContentRefused,
    ContextTooLong,
    HalError,
    Overloaded,
    ProviderError,
    Rejected,
)
from ..types import Target
from .breaker import seconds_said

# Somebody watches: a server that wants more patience is cooled down, and another target asked.
LONGEST_WAIT_S = 2.0
# A server that restarts, or drops its idle connections, listens again within this.
QUICK_S = (0.2, 0.4)
# Long enough for a burst to pass, spread so that the turns it hit do not come back together.
BUSY_S = (0.2, 1.0)
# Cloudflare stands before xAI and says these of a server that it has lost: that one may go on, and
# bill. 502 and 504, which say nearly the same, are tried again as the fault catalogue has it.
_MAY_GO_ON = frozenset({520, 524})
# The request was read and not liked.
_DISLIKED = frozenset({400, 422})
_TOO_LARGE = 413
_NO_SUCCESS = 300


class Change(StrEnum):
    """What is different about the next attempt."""

    NONE = "none"
    BARE = "bare"
    """Without the optional sampling parameters."""
    SHORTER = "shorter"
    """With less of the history."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Ask the same target again after `wait_s`."""

    wait_s: float
    change: Change = Change.NONE


@dataclass(frozen=True, slots=True)
class Tries:
    """Which retries one target has had in this turn; each is had once.

    Begin with `bare=True` for a request that has no optional parameters, and `shorter=True` for
    one that has no history: there is nothing to change about them.
    """

    repeated: bool = False
    bare: bool = False
    shorter: bool = False

    def after(self, retry: Retry) -> Tries:
        match retry.change:
            case Change.NONE:
                return replace(self, repeated=True)
            case Change.BARE:
                return replace(self, bare=True)
            case Change.SHORTER:
                return replace(self, shorter=True)


def next_try(
    error: HalError, tries: Tries, target: Target, *, remaining_s: float, jitter: float
) -> Retry | None:
    """The next attempt at this target, or None: go on to the next one.

    `remaining_s`: until the deadline of the whole turn. `jitter`: a random number in 0..1.
    """
    retry = _changed(error, tries) or _repeated(error, tries, target, jitter)
    return retry if retry is not None and retry.wait_s < remaining_s else None


def _changed(error: HalError, tries: Tries) -> Retry | None:
    """A request that was refused as it is costs nothing, at any provider."""
    if not isinstance(error, Rejected) or isinstance(error, ContentRefused):
        return None
    if isinstance(error, ContextTooLong) or error.status == _TOO_LARGE:
        return None if tries.shorter else Retry(0.0, Change.SHORTER)
    if error.status in _DISLIKED and not tries.bare:
        return Retry(0.0, Change.BARE)
    return None


def _repeated(error: HalError, tries: Tries, target: Target, jitter: float) -> Retry | None:
    if tries.repeated or not isinstance(error, ProviderError):
        return None
    if isinstance(error, ConnectionRefused | ConnectionReset):
        return Retry(_between(QUICK_S, jitter))
    if isinstance(error, Overloaded):
        return _when_busy(error, target, jitter)
    # It was accepted and has failed: once more where that is free. A 404 or a redirect is what
    # something else says that listens there, and says again.
    was_accepted = error.status is None or error.status < _NO_SUCCESS
    if isinstance(error, BadReply) and was_accepted and not target.leaves_machine:
        return Retry(_between(QUICK_S, jitter))
    return None


def _when_busy(error: Overloaded, target: Target, jitter: float) -> Retry | None:
    if target.leaves_machine and error.status in _MAY_GO_ON:
        return None
    said_s = seconds_said(error)
    if said_s is None:
        return Retry(_between(BUSY_S, jitter))
    return Retry(said_s) if said_s <= LONGEST_WAIT_S else None


def _between(bounds: tuple[float, float], jitter: float) -> float:
    low, high = bounds
    return low + (high - low) * jitter
