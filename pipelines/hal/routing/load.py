"""Which local host is asked first, and when the local hosts are so busy that the cloud may help.

Pure: what is loaded, what is in work and what is broken comes in. Knows no plan: whether a turn may
leave the machine at all is decided there, and only for such a turn a reason to spill counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ..types import Target

# From how many calls on one more has to wait noticeably, by dialect, unless LOCAL_CONCURRENT says
# what the hosts can do at the same time. Ollama works on one at a time (OLLAMA_NUM_PARALLEL=1): a
# third turn would wait for two answers. The others take several into one batch: llama.cpp's server
# has four slots by default, vLLM room for many more.
BUSY_FROM = {"ollama": 2, "openai": 4}

Count = Callable[[Target], int]


@dataclass(frozen=True, slots=True)
class HostLoad:
    """The local model on one host. `is_known_down`: the host did not answer when last asked."""

    target: Target
    is_loaded: bool
    is_known_down: bool = False


def order(
    loads: Sequence[HostLoad],
    in_flight: Count,
    is_open: Callable[[Target], bool],
    chat_id: str | None,
) -> tuple[Target, ...]:
    """The targets, the one to ask first in front. `is_open`: its circuit breaker.

    Among equals a chat keeps its host, and finds its prompt cache there again; without a chat they
    stay in the order of the settings. What is broken or down comes last, and stays permitted.
    """

    def rank(load: HostLoad) -> tuple[bool, bool, bool, int, int]:
        target = load.target
        return (
            is_open(target),
            load.is_known_down,
            not load.is_loaded,
            in_flight(target),
            -_weight(chat_id, target) if chat_id else 0,
        )

    return tuple(load.target for load in sorted(loads, key=rank))


def _weight(chat_id: str, target: Target) -> int:
    """Rendezvous hashing: when a host comes or goes, only the chats that it wins or loses move."""
    name = f"{chat_id}\n{target.host}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "big")


def spill_reason(
    loads: Sequence[HostLoad],
    in_flight: Count,
    waiting: Count,
    mode: str,
    concurrent: int | None = None,
) -> str:
    """Why a turn would have to wait on every host, in words; "" when it would not.

    `mode` is CLOUD_SPILL: never, busy or busy_or_cold. `concurrent` is LOCAL_CONCURRENT, None when
    it is not set. Where every host is down there is nothing to spare: that is a matter of fallback.
    """
    up = [load for load in loads if not load.is_known_down]
    if mode == "never" or not up:
        return ""
    ready = [load for load in up if load.is_loaded] if mode == "busy_or_cold" else up
    if not ready:
        return "the local model has to be loaded first"
    ahead = {load: in_flight(load.target) + waiting(load.target) for load in ready}
    if any(ahead[load] < _busy_from(load.target, concurrent) for load in ready):
        return ""
    fewest = min(ahead.values())
    return f"{fewest} {'turn is' if fewest == 1 else 'turns are'} ahead of this one"


def _busy_from(target: Target, concurrent: int | None) -> int:
    return concurrent or BUSY_FROM.get(target.provider, min(BUSY_FROM.values()))
