"""Holds a local answer back until it is known whether it is good enough to be shown.

Knows pieces of an answer and a deadline; who judges, and by what, comes in as a function.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from ..types import ProviderChunk, Target, Text, ToolCalls

KEPT, ESCALATED, LATE, RETURNED = "kept", "escalated", "late", "returned"


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """`replaces` a finished draft? `deadline_s`: a longer one is shown as it is."""

    replaces: Callable[[str], bool]
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished answer that nobody has seen."""

    target: Target
    chunks: Sequence[ProviderChunk]

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks if isinstance(chunk, Text))

    async def shown(self) -> AsyncGenerator[ProviderChunk, None]:
        """Its pieces, as they came."""
        for chunk in self.chunks:
            yield chunk


class DraftReplaced(Exception):
    """The draft is complete and not good enough: another target shall answer."""

    def __init__(self, draft: Draft) -> None:
        super().__init__("the draft is not good enough")
        self.draft = draft


async def checked(
    source: AsyncIterator[ProviderChunk],
    target: Target,
    check: DraftCheck,
    became: Callable[[str], None],
) -> AsyncGenerator[ProviderChunk, None]:
    """The pieces of a draft that is good enough, all at once when it is complete. Raises
    DraftReplaced for one that is not. `became` is told what is shown: KEPT or LATE.

    The deadline is looked at with each piece: a model that says nothing has nothing to be shown.
    A tool call is no draft: the caller has to run it, whoever answers in the end.
    """
    deadline = asyncio.get_running_loop().time() + check.deadline_s
    held: list[ProviderChunk] | None = []
    async for chunk in source:
        if held is None:
            yield chunk
            continue
        held.append(chunk)
        is_late = asyncio.get_running_loop().time() > deadline
        if is_late or isinstance(chunk, ToolCalls):
            became(LATE if is_late else KEPT)
            for one in held:
                yield one
            held = None
    if held is None:
        return
    draft = Draft(target, held)
    if check.replaces(draft.text):
        raise DraftReplaced(draft)
    became(KEPT)
    for one in held:
        yield one
