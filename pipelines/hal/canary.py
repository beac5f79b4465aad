"""A new version on a share of the conversations: who gets it, and when it is taken back.

Pure. A conversation keeps its version, by a hash of its id. While both versions are in use, every
conversation that went wrong belongs to the canary with the probability of its share, if the canary
is no worse. The likelihood ratio against that, averaged over ratios of harm, is a nonnegative
martingale: by Ville's inequality it reaches 1/LEVEL with a chance of at most LEVEL, however often
one looks (a mixture sequential probability ratio test, Robbins 1970).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log

# The chance to take back a version that is as good as the old one, over its whole life.
LEVEL = 0.05
# How many times as often conversations go wrong: less than half as often again is not seen soon,
# and more than five times is seen by all of these.
HARM_RATIOS = (1.5, 2.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Conversations with each version, and those of them with a complaint."""

    canary: int = 0
    canary_bad: int = 0
    active: int = 0
    active_bad: int = 0


def gets_canary(chat_id: str | None, version: str, share: float) -> bool:
    """Whether this conversation is one of the share; another canary gets other ones.

    Without an id nobody could tell the conversations apart: those keep the version in force.
    """
    if not chat_id or not version:
        return False
    name = f"{version}\n{chat_id}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big") < share * 2**64


def evidence_of_harm(tally: Tally, share: float) -> float:
    """How many times likelier what was seen is if the canary does harm; 1.0 knows nothing."""
    if not 0 < share < 1:
        return 1.0
    ratios = [_log_ratio(tally, share, harm) for harm in HARM_RATIOS]
    highest = max(ratios)
    # Beyond a factor of e**500 the exact number is of no use, and may not fit into a float.
    return exp(min(highest, 500.0)) * sum(exp(r - highest) for r in ratios) / len(ratios)


def _log_ratio(tally: Tally, share: float, harm: float) -> float:
    """`harm` times as many bad conversations with the canary, against as many."""
    total = share * harm + 1 - share
    return tally.canary_bad * log(harm / total) - tally.active_bad * log(total)


def does_harm(tally: Tally, share: float) -> bool:
    return evidence_of_harm(tally, share) >= 1 / LEVEL
