"""Make a conversation fit the model's context, as Ollama does: silently, oldest messages first.

It does not know HTTP or the model; it is told how to render and how to count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .errors import BadRequest

Message = dict[str, str]
Prompt = str | list[int]
"""A prompt as text, or as token ids where it had to be cut inside a message."""

_ANSWER_SHARE = 4  # keep a quarter of the context for an answer of unknown length
_KEEP_TOKENS = 4  # Ollama's num_keep: the opening marks of the template


class Renderer(Protocol):
    """The two questions that fitting asks."""

    async def render(self, messages: Sequence[Message]) -> str:
        """Return the messages as one prompt."""
        ...

    async def tokens(self, text: str) -> list[int]:
        """Return a prompt's token ids."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """How many tokens of prompt fit, and whether to cut (Ollama's `truncate`) or to complain."""

    context_tokens: int
    answer_tokens: int
    truncate: bool = True

    @property
    def prompt_tokens(self) -> int:
        """Leave space for the answer, but at most a quarter: the question matters more."""
        share = self.context_tokens // _ANSWER_SHARE
        wanted = self.answer_tokens if self.answer_tokens > 0 else share
        return self.context_tokens - min(wanted, share)


async def fit(messages: Sequence[Message], renderer: Renderer, room: Room) -> Prompt:
    """Return the prompt with as few of the oldest messages dropped as possible.

    System messages and the last message stay; if these alone are too long, the middle of the prompt
    goes. Raises BadRequest when `room` forbids cutting.
    """
    text = await renderer.render(messages)
    ids = await _too_long(text, renderer, room)
    if ids is None:
        return text
    if not room.truncate:
        raise BadRequest("the input length exceeds the context length")
    low, high = 1, len(_droppable(messages))
    best: str | None = None
    while low <= high:  # the fewest dropped messages that fit, in log2(n) questions
        middle = (low + high) // 2
        candidate = await renderer.render(_without_oldest(messages, middle))
        over = await _too_long(candidate, renderer, room)
        if over is None:
            best, high = candidate, middle - 1
        else:
            ids, low = over, middle + 1
    return best if best is not None else cut(ids, room.prompt_tokens)


def cut(ids: list[int], limit: int) -> list[int]:
    """Keep the first few tokens and as many of the last as fit."""
    return ids[:_KEEP_TOKENS] + ids[len(ids) - (limit - _KEEP_TOKENS) :]


async def _too_long(text: str, renderer: Renderer, room: Room) -> list[int] | None:
    """Return the token ids if they are too many, else None."""
    if len(text.encode()) <= room.prompt_tokens:
        return None  # a token is at least one byte: no need to ask
    ids = await renderer.tokens(text)
    return ids if len(ids) > room.prompt_tokens else None


def _droppable(messages: Sequence[Message]) -> list[int]:
    return [index for index, item in enumerate(messages[:-1]) if item["role"] != "system"]


def _without_oldest(messages: Sequence[Message], count: int) -> list[Message]:
    gone = set(_droppable(messages)[:count])
    return [item for index, item in enumerate(messages) if index not in gone]
