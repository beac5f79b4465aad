"""The answer after a search, as it streams: its markers put right, and nothing else let through.

Knows chunks and the filter; knows no target. One for each attempt.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

from ..errors import HalError
from ..types import Cited, Finish, ProviderChunk, Text, Thinking, ToolCalls
from .cite import AnswerFilter

# Said instead of nothing: without an answer the next target would be asked, so that a page could
# have a turn go to the cloud.
NOTHING_LEFT = (
    "(Nothing is left of this answer: it held only pictures, links or calls of tools, which are "
    "taken out after a search. Ask again.)"
)


class Citing:
    """`cited` are the numbers that the answer used, `invalid` how many it made up. What a model
    thinks is drawn as the answer is, pictures and all, and passes a filter of its own."""

    def __init__(self, sources: Sequence[Cited]) -> None:
        urls = [source.url for source in sources]
        self._filter = AnswerFilter(len(sources), urls)
        self._thoughts = AnswerFilter(len(sources), urls)
        self._said = self._removed = False

    @property
    def cited(self) -> tuple[int, ...]:
        return tuple(sorted(self._filter.cited))

    @property
    def invalid(self) -> int:
        return self._filter.invalid

    async def chunks(
        self, source: AsyncIterator[ProviderChunk]
    ) -> AsyncGenerator[ProviderChunk, None]:
        """What was held back comes out before whatever follows it, also before an error."""
        try:
            async for chunk in source:
                for passed in self._passed(chunk):
                    yield passed
        except HalError:
            for held in self._held():
                yield held
            raise
        finally:
            if (close := getattr(source, "aclose", None)) is not None:
                await close()
        for held in self._end():
            yield held

    def _passed(self, chunk: ProviderChunk) -> Iterator[ProviderChunk]:
        if isinstance(chunk, Thinking):
            if thought := self._thoughts.feed(chunk.text):
                yield Thinking(thought)
        elif isinstance(chunk, Text):
            self._removed = self._removed or bool(chunk.text.strip())
            yield from self._held_thoughts()
            yield from self._text(self._filter.feed(chunk.text))
        elif isinstance(chunk, ToolCalls):  # a page must not make a model act
            self._removed = True
        elif isinstance(chunk, Finish):
            yield from self._end()
            yield Finish() if chunk.reason == "tool_calls" else chunk
        else:
            yield from self._held()
            yield chunk

    def _end(self) -> Iterator[ProviderChunk]:
        yield from self._held()
        if self._removed and not self._said:
            yield from self._text(NOTHING_LEFT)

    def _held(self) -> Iterator[ProviderChunk]:
        yield from self._held_thoughts()
        yield from self._text(self._filter.flush())

    def _held_thoughts(self) -> Iterator[ProviderChunk]:
        if thought := self._thoughts.flush():
            yield Thinking(thought)

    def _text(self, text: str) -> Iterator[Text]:
        self._said = self._said or bool(text.strip())
        if text:
            yield Text(text)
