"""The bridge between a real loop in its own thread and a reader in this one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bridge import COLLECT_S, UNEXPECTED, Bridge
from hal.outlets import LOOK_S, Pulled, Source
from hal.recorder import TurnRecorder
from hal.sessions.record import ContentRow
from hal.types import (
    Chunk,
    Decided,
    Failure,
    Finish,
    Outcome,
    Status,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
)
from hal.wire import Wire
from tests.core.things import Rows, decision, fixed, plan, recorder

SOON_S = 5.0
Answer = Callable[[list[TurnRecorder]], AsyncIterator[Chunk]]


class LoopThread:
    """A running loop, as the runtime has one."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> None:
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback, *args)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self.call_soon(self.loop.stop)
        self._thread.join(SOON_S)
        self.loop.close()


@pytest.fixture(scope="module")
def running() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.stop()


class Made:
    """A bridge whose pieces are pulled, as by a server without our ASGI layer."""

    def __init__(
        self,
        running: LoopThread,
        *,
        show_events: bool = True,
        look_s: float = LOOK_S,
        **limits: float,
    ) -> None:
        wire = Wire("t", "hal.auto", 0, show_events=show_events)
        self._outlet = Pulled(look_s)
        self.bridge = Bridge(wire, running.call_soon, self._outlet, **limits)
        self.cancel = self.bridge.cancel
        last_word = wire.encode(UNEXPECTED) or ""
        self._source = Source(running.is_alive, self.bridge.cancel, last_word)

    def pieces(self) -> Pieces:
        return self._outlet.pieces(self._source)


def begun(running: LoopThread, answer: Answer, **options: Any) -> tuple[Made, Pieces]:
    made = Made(running, **options)
    running.call_soon(made.bridge.begin, answer)
    return made, made.pieces()


Pieces = Generator[str, None, None]


def events(pieces: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for p in pieces for line in p.split("\n\n")]


def said(event: dict[str, Any]) -> tuple[str, Any]:
    """(kind, content) of one event on the wire."""
    if "choices" not in event or not event["choices"]:
        return next(iter(event)), event
    choice = event["choices"][0]
    if choice["finish_reason"]:
        return "finish", choice["finish_reason"]
    return next(iter(choice["delta"].items()))


def text_of(pieces: list[str]) -> str:
    found = [said(event) for event in events(pieces)]
    return "".join(content for kind, content in found if kind == "content")


def chunks(*script: Chunk | float) -> Answer:
    """These chunks; a number is a pause in seconds."""

    async def answer(recorders: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        for step in script:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step

    return answer


class Endless:
    """Says a word and waits, for ever; notes how it ended."""

    def __init__(self, *first: Chunk, clean_up_s: float = 0.0) -> None:
        self.first, self.clean_up_s = first or (Text("word "),), clean_up_s
        self.ended, self.cleaned = threading.Event(), threading.Event()
        self.rows = Rows()

    async def __call__(self, recorders: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        record = recorder(self.rows)
        recorders.append(record)
        try:
            for chunk in self.first:
                if isinstance(chunk, Text):
                    record.text(chunk.text)
                yield chunk
            await asyncio.sleep(3600)
        finally:
            self.ended.set()
            await asyncio.sleep(self.clean_up_s)
            record.finish(Outcome.STOPPED, keep_content=True)
            self.cleaned.set()


def test_many_small_chunks_become_few_pieces(running: LoopThread) -> None:
    words = [f"{number} " for number in range(300)]
    script = [step for word in words for step in (Text(word), 0.0005)]
    _, pieces = begun(running, chunks(*script))
    began = monotonic()
    got = list(pieces)
    assert text_of(got) == "".join(words)
    assert len(got) <= (monotonic() - began) / COLLECT_S + 3
    assert text_of(got[:1]) == words[0]  # the first one at once, alone


def test_a_status_does_not_hold_back_the_first_word(running: LoopThread) -> None:
    def wait_s() -> float:
        began: list[float] = []

        async def answer(_: list[TurnRecorder]) -> AsyncIterator[Chunk]:
            yield Status("Choosing a model")
            began.append(monotonic())
            yield Text("Hello")
            await asyncio.sleep(0.1)

        _, pieces = begun(running, answer)
        next(pieces)
        assert text_of([next(pieces)]) == "Hello"
        waited = monotonic() - began[0]
        pieces.close()
        return waited

    assert any(wait_s() < COLLECT_S / 2 for _ in range(40))  # once is enough: a timer waits always


def test_the_last_words_do_not_wait(running: LoopThread) -> None:
    def wait_s() -> float:
        _, pieces = begun(running, chunks(Text("a"), Text("b")))
        next(pieces)
        began = monotonic()
        assert text_of(list(pieces)) == "b"
        return monotonic() - began

    assert any(wait_s() < COLLECT_S / 2 for _ in range(40))  # once is enough: a timer waits always


ORDERED: list[Chunk] = [
    Status("Choosing a model"),
    Thinking("Hm, "),
    Thinking("well."),
    Text("It "),
    Text("is"),
    Thinking("really?"),
    Text(" noon."),
    Status("done", done=True),
    ToolCalls((ToolCall("c", "clock", "{}"),)),
    Finish("tool_calls"),
    Failure("It broke."),
]


def test_everything_comes_in_its_order(running: LoopThread) -> None:
    _, pieces = begun(running, chunks(*ORDERED))
    found = [said(event)[0] for event in events(list(pieces))]
    merged = [kind for at, kind in enumerate(found) if at == 0 or found[at - 1] != kind]
    assert merged == [
        *("event", "reasoning_content", "content", "reasoning_content", "content"),
        *("event", "tool_calls", "finish", "error"),
    ]


def test_without_events_the_decision_rides_with_the_first_words(running: LoopThread) -> None:
    script = [Status("Choosing"), Decided(decision(), plan()), Text("Hello")]
    _, pieces = begun(running, chunks(*script), show_events=False)
    got = list(pieces)
    assert len(got) == 1
    assert [event.get("hal", {}).get("route") for event in events(got)] == ["MODERATE", None]


pieces_of_text = st.lists(
    st.tuples(st.sampled_from([Text, Thinking]), st.text(min_size=1, max_size=12)), max_size=30
)


@fixed
@given(script=pieces_of_text, pause=st.booleans())
def test_no_character_is_lost_or_moved(
    running: LoopThread, script: list[tuple[Any, str]], pause: bool
) -> None:
    steps: list[Any] = []
    for kind, text in script:
        steps += [kind(text)] + ([0.0] if pause else [])
    _, pieces = begun(running, chunks(*steps))
    found = [said(event) for event in events(list(pieces))] if script else list(pieces)
    assert runs(found) == runs(
        [("content" if kind is Text else "reasoning_content", text) for kind, text in script]
    )


def runs(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one kind joined."""
    joined: list[tuple[str, str]] = []
    for kind, text in pairs:
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def test_a_cancel_from_another_thread_ends_the_pull(running: LoopThread) -> None:
    answer = Endless()
    made, pieces = begun(running, answer)
    assert text_of([next(pieces)]) == "word "
    threading.Timer(0.02, made.cancel).start()
    assert list(pieces) == []
    assert answer.ended.is_set()


def test_closing_the_generator_ends_the_turn(running: LoopThread) -> None:
    answer = Endless()
    _, pieces = begun(running, answer)
    next(pieces)
    pieces.close()
    assert answer.cleaned.wait(SOON_S)


def test_dropping_the_generator_ends_the_turn(running: LoopThread) -> None:
    answer = Endless()
    made, pieces = begun(running, answer)
    next(pieces)
    del made, pieces
    assert answer.cleaned.wait(SOON_S)


def test_only_what_was_pulled_counts_as_delivered(running: LoopThread) -> None:
    answer = Endless(Text("seen, "), Text("queued"), Status("x"), Text("queued too"))
    made, pieces = begun(running, answer)
    assert text_of([next(pieces)]) == "seen, "
    made.cancel()
    assert answer.cleaned.wait(SOON_S)
    assert answer.rows.last(ContentRow).answer == "seen, "
    pieces.close()


def test_thinking_is_no_part_of_what_was_delivered(running: LoopThread) -> None:
    answer = Endless(Thinking("a long thought"), Text("word"))
    made, pieces = begun(running, answer)
    while "word" not in next(pieces):
        pass
    made.cancel()
    assert answer.cleaned.wait(SOON_S)
    assert answer.rows.last(ContentRow).answer == "word"


def test_cancelling_again_does_not_break_into_the_clean_up(running: LoopThread) -> None:
    answer = Endless(clean_up_s=0.05)
    made, pieces = begun(running, answer)
    next(pieces)
    made.cancel()
    assert answer.ended.wait(SOON_S)
    made.cancel()
    pieces.close()
    assert answer.cleaned.wait(SOON_S)


def test_an_unexpected_error_is_said(running: LoopThread, caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        yield Text("It is")
        raise LookupError("a bug")

    _, pieces = begun(running, answer)
    found = [said(event) for event in events(list(pieces))]
    assert found[0] == ("content", "It is")
    assert found[1][1]["error"]["message"] == UNEXPECTED.message
    assert "a bug" in caplog.text


def test_an_abandoned_stream_is_cancelled(running: LoopThread) -> None:
    answer = Endless()
    _, pieces = begun(running, answer, abandoned_s=0.05)
    next(pieces)
    assert not answer.ended.wait(0.2)  # all is pulled: a slow model is no dropped client
    answer = Endless(Text("a"), Status("b"))
    _, abandoned = begun(running, answer, abandoned_s=0.05)
    next(abandoned)
    assert answer.cleaned.wait(SOON_S)


def test_a_stream_that_nobody_ever_pulled_is_cancelled(running: LoopThread) -> None:
    answer = Endless()
    _, pieces = begun(running, answer, abandoned_s=0.05)
    assert answer.cleaned.wait(SOON_S)
    assert text_of(list(pieces)) == "word "


def test_a_slow_upstream_is_not_abandoned(running: LoopThread) -> None:
    _, pieces = begun(running, chunks(0.3, Text("late")), abandoned_s=0.05, look_s=0.02)
    assert text_of(list(pieces)) == "late"


def test_a_turn_cancelled_before_it_began(running: LoopThread) -> None:
    made, asked = Made(running), list[int]()

    async def answer(_: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        asked.append(1)
        yield Text("too late")

    made.cancel()
    running.call_soon(made.bridge.begin, answer)
    assert list(made.pieces()) == []
    assert asked == []


def test_a_turn_cancelled_before_its_first_step(running: LoopThread) -> None:
    made, asked = Made(running), list[int]()

    async def answer(_: list[TurnRecorder]) -> AsyncIterator[Chunk]:
        asked.append(1)
        yield Text("too late")

    def both() -> None:
        made.bridge.begin(answer)
        made.bridge._cancel()  # what the loop runs next when the client left in the same moment

    running.call_soon(both)
    assert list(made.pieces()) == []
    assert asked == []


def test_a_loop_that_is_gone_is_said_once() -> None:
    gone = LoopThread()
    gone.stop()
    made = Made(gone, look_s=0.01)
    gone.call_soon(made.bridge.begin, chunks(Text("never")))
    found = events(list(made.pieces()))
    assert [event["error"]["code"] for event in found] == [UNEXPECTED.code]


def test_nothing_is_left_on_the_loop(running: LoopThread) -> None:
    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    before = asyncio.run_coroutine_threadsafe(count(), running.loop).result(SOON_S)
    for _ in range(5):
        list(begun(running, chunks(Text("a"), Finish("length")))[1])
    after = asyncio.run_coroutine_threadsafe(count(), running.loop).result(SOON_S)
    assert after <= before
