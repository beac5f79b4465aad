"""A turn as a cloud target may see it: placeholders instead of private values, and the way back.

Pure. The conversation is masked from its start, whole, before any of it is dropped for a window, so
that the same value has the same placeholder in every turn of a chat. Knows no target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import EgressRefused, HalError
from ..prompts import Prompt
from ..types import Evidence, Message, ProviderChunk, Text, Thinking, ToolCalls, Turn
from .kinds import Kind, Span
from .policy import Find, links
from .restore import Restorer, restore_json
from .scrub import learn, scrub, scrub_json
from .vault import Vault, VaultFull


@dataclass(frozen=True, slots=True)
class Masked:
    """`counts`: what was replaced how often; `values`: by what kind each was, for their hashes."""

    turn: Turn
    evidence: Evidence
    vault: Vault
    counts: Mapping[Kind, int]
    values: tuple[tuple[Kind, str], ...]


class Masking(Protocol):
    """Makes a Masked when it is asked for, once; `made` is None until then."""

    made: Masked | None

    async def prepare(self) -> None:
        """Raises EgressRefused."""


def mask(turn: Turn, evidence: Evidence, find: Find, vault: Vault, explanation: Prompt) -> Masked:
    """Raises EgressRefused when there is too much to mask, and what `find` raises."""
    masker = _Masker(find, vault)
    try:
        values = masker.learnt(turn)
        messages = tuple(masker.message(message) for message in turn.messages)
        told, asked = masker.text(evidence.instructions), masker.text(evidence.question)
    except VaultFull as error:
        raise EgressRefused(f"Nothing was sent: {error}.") from None
    rule = explanation.render(example=f"PERSON_{vault.nonce}_1") if len(vault) else ""
    instructions = "\n\n".join(part for part in (told, rule) if part)
    return Masked(
        # The question stands in the last message, where it was counted.
        replace(
            turn, messages=messages, question=scrub(turn.question, find(turn.question), vault).text
        ),
        replace(evidence, instructions=instructions, question=asked),
        vault,
        masker.counts,
        values,
    )


class _Masker:
    """Masks text by text, and counts."""

    def __init__(self, find: Find, vault: Vault) -> None:
        self._find, self._vault = find, vault
        self._seen: set[tuple[Kind, str]] = set()
        self.counts: Counter[Kind] = Counter()

    def learnt(self, turn: Turn) -> tuple[tuple[Kind, str], ...]:
        """Every value gets its token before anything is replaced: a name is masked also where it
        stood before it was recognised. Gives each value once."""
        for message in turn.messages:
            plain, written = _texts(message)
            for text in plain:
                learn(text, self._noted(text), self._vault)
            for text in written:
                # Values are learnt as they read, not as JSON writes them.
                scrub_json(text, self._noted, self._vault)
        return tuple(sorted(self._seen))

    def _noted(self, text: str) -> Sequence[Span]:
        spans = self._find(text)
        self._seen |= {(span.kind, text[span.start : span.end]) for span in spans}
        return spans

    def message(self, message: Message) -> Message:
        return replace(
            message,
            text=self.json(message.text) if message.role == "tool" else self.text(message.text),
            tool_calls=tuple(
                replace(call, arguments=self.json(call.arguments)) for call in message.tool_calls
            ),
        )

    def text(self, text: str) -> str:
        done = scrub(text, self._find(text), self._vault)
        self.counts.update(done.counts)
        return done.text

    def json(self, text: str) -> str:
        """What a tool was told or has said; text where that is no JSON."""
        done = scrub_json(text, self._find, self._vault)
        self.counts.update(done.counts)
        return done.text


def _texts(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are to be read as they are, and those that may be JSON."""
    arguments = tuple(call.arguments for call in message.tool_calls)
    if message.role == "tool":
        return tuple(links(message)), (message.text, *arguments)
    return (message.text, *links(message)), arguments


async def restored(
    chunks: AsyncIterator[ProviderChunk], vault: Vault
) -> AsyncGenerator[ProviderChunk, None]:
    """The same chunks with the values back in place of the placeholders, on any boundary.

    What was held back comes out before whatever follows it, also before an error.
    """
    text, thinking = Restorer(vault), Restorer(vault)
    source = chunks if isinstance(chunks, AsyncGenerator) else _generator(chunks)
    async with aclosing(source):
        try:
            async for chunk in source:
                for out in _restored(chunk, text, thinking, vault):
                    yield out
        except HalError:
            for out in _held(text, thinking):
                yield out
            raise
    for out in _held(text, thinking):
        yield out


async def _generator(chunks: AsyncIterator[ProviderChunk]) -> AsyncGenerator[ProviderChunk, None]:
    async for chunk in chunks:
        yield chunk


def _restored(
    chunk: ProviderChunk, text: Restorer, thinking: Restorer, vault: Vault
) -> Iterator[ProviderChunk]:
    if isinstance(chunk, Text):
        if said := text.feed(chunk.text):
            yield Text(said)
    elif isinstance(chunk, Thinking):
        if thought := thinking.feed(chunk.text):
            yield Thinking(thought)
    else:
        yield from _held(text, thinking)
        yield _with_calls(chunk, vault) if isinstance(chunk, ToolCalls) else chunk


def _held(text: Restorer, thinking: Restorer) -> Iterator[ProviderChunk]:
    if thought := thinking.flush():
        yield Thinking(thought)
    if said := text.flush():
        yield Text(said)


def _with_calls(chunk: ToolCalls, vault: Vault) -> ToolCalls:
    return ToolCalls(
        tuple(replace(c, arguments=restore_json(c.arguments, vault)) for c in chunk.calls)
    )
