"""The answer after a search: filtered on its way, complete at its end, and never empty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from hal.enrichment.citing import NOTHING_LEFT, Citing
from hal.errors import BadReply, HalError
from hal.types import Cited, Finish, ProviderChunk, Text, Thinking, ToolCall, ToolCalls, Usage
from tests.core.things import run

PAGE = "https://a.example/1"
SOURCES = [Cited(n, f"https://a.example/{n}", "T", "a.example", ("p",)) for n in (1, 2)]
PICTURE = "![x](https://evil.example/?q=1)"
CALL = ToolCalls((ToolCall("1", "clock", "{}"),))
USAGE = Usage(3, 4)


class Stream:
    """Chunks of a provider, then an error if there is one; knows whether it was closed."""

    def __init__(self, chunks: Sequence[ProviderChunk], error: Exception | None = None) -> None:
        self._chunks, self._error, self.closed = list(chunks), error, False

    def __aiter__(self) -> AsyncIterator[ProviderChunk]:
        return self

    async def __anext__(self) -> ProviderChunk:
        if self._chunks:
            return self._chunks.pop(0)
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed = True


def passed(
    *chunks: ProviderChunk, error: Exception | None = None, citing: Citing | None = None
) -> list[ProviderChunk | HalError]:
    """What came through; an error is the last of it."""
    stream, found = Stream(chunks, error), list[ProviderChunk | HalError]()

    async def work() -> None:
        try:
            async for chunk in (citing or Citing(SOURCES)).chunks(stream):
                found.append(chunk)
        except HalError as raised:
            found.append(raised)

    run(work())
    assert stream.closed
    return found


CASES: dict[str, tuple[list[ProviderChunk], list[ProviderChunk]]] = {
    "text": ([Text("In May.")], [Text("In May.")]),
    "what is held back comes before the end": (
        [Text("In May [1"), Finish(), USAGE],
        [Text("In May"), Text(" [1"), Finish(), USAGE],
    ),
    "and before the usage": (
        [Text("In May [1"), USAGE, Finish()],
        [Text("In May"), Text(" [1"), USAGE, Finish()],
    ),
    "a call goes": ([Text("In May."), CALL, USAGE], [Text("In May."), USAGE]),
    "so does its reason": (
        [Text("In May."), CALL, Finish("tool_calls")],
        [Text("In May."), Finish("stop")],
    ),
    "another reason stays": (
        [Text("In May."), Finish("length")],
        [Text("In May."), Finish("length")],
    ),
    "a thought with a picture": (
        [Thinking("So"), Thinking(PICTURE), Thinking("."), Text("In May.")],
        [Thinking("So"), Thinking("."), Text("In May.")],
    ),
    "a thought that is held back comes before the answer": (
        [Thinking("see [1"), Text("In May.")],
        [Thinking("see"), Thinking(" [1"), Text("In May.")],
    ),
    "only a picture": ([Text(PICTURE), Finish()], [Text(NOTHING_LEFT), Finish()]),
    "only a picture, without an end": ([Text(PICTURE)], [Text(NOTHING_LEFT)]),
    "only a call": ([CALL, Finish("tool_calls")], [Text(NOTHING_LEFT), Finish("stop")]),
    "nothing at all": ([Finish()], [Finish()]),
    "only blanks": ([Text("\n\n"), Finish()], [Text("\n\n"), Finish()]),
}


@pytest.mark.parametrize(("chunks", "wanted"), CASES.values(), ids=CASES)
def test_what_comes_through(chunks: list[ProviderChunk], wanted: list[ProviderChunk]) -> None:
    assert passed(*chunks) == wanted


def test_what_is_held_back_comes_before_an_error() -> None:
    error = BadReply("It broke.", "Ask again.")
    *chunks, last = passed(Text("In May [1"), error=error)
    assert "".join(c.text for c in chunks if isinstance(c, Text)) == "In May [1"
    assert last is error


def test_an_error_after_nothing_is_left_to_who_tries_again() -> None:
    error = BadReply("It broke.", "Ask again.")
    assert passed(Text(PICTURE), error=error) == [error]


def test_the_numbers_are_counted_in_the_answer_alone() -> None:
    citing = Citing(SOURCES)
    found = passed(Thinking("[1] [8]"), Text("In May [2], [9] [9]."), citing=citing)
    assert (citing.cited, citing.invalid) == ((2,), 2)
    assert "[2]" in "".join(c.text for c in found if isinstance(c, Text))


def test_who_leaves_early_closes_the_call() -> None:
    stream = Stream([Text("In"), Text(" May."), Finish()])

    async def work() -> None:
        chunks = Citing(SOURCES).chunks(stream)
        await anext(chunks)
        await chunks.aclose()

    run(work())
    assert stream.closed
