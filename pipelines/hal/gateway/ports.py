"""What the gateway needs of the outside: a provider that answers, a log that takes an egress row.

Only shapes; knows neither a wire dialect nor a database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..types import Plan, ProviderChunk, Request, Target


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at one target: who asks, and under which plan.

    `plan` is what permits the target; egress checks it once more before a byte leaves.
    """

    id: str
    turn_id: str
    purpose: str
    plan: Plan


class Provider(Protocol):
    """One wire dialect.

    `stream` yields Text, Thinking, ToolCalls, at most one Usage and exactly one Finish (last). It
    raises a ProviderError for everything that goes wrong, at any time, and never another exception
    but CancelledError. Closing the iterator (`aclose`) or cancelling it aborts the upstream request
    at once. The caller owns retries, fallback and the total deadline; the provider owns the
    first-token and the gap timeout.
    """

    def stream(self, request: Request, call: Call) -> AsyncIterator[ProviderChunk]: ...


class EgressLog(Protocol):
    """Where egress is written down; returns after the row is durable, raises when it is not."""

    async def write_egress(self, row: Mapping[str, object]) -> None: ...


def permits(plan: Plan, target: Target) -> bool:
    """Whether this plan names this very target."""
    return target in plan.targets
