"""Masking a turn, and the answer on its way back: on any boundary, before any error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import BadReply, EgressRefused
from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind
from hal.privacy.masked import Masked, mask, restored
from hal.privacy.name_lists import NameLists
from hal.privacy.traces import Traces
from hal.privacy.vault import Vault
from hal.prompts import load_prompt
from hal.types import (
    Evidence,
    Finish,
    Message,
    ProviderChunk,
    Text,
    Thinking,
    ToolCall,
    ToolCalls,
    Turn,
    Usage,
)
from tests.core.things import fixed, run, turn

from .sentences import SENTENCES, VALUES, value_of

DETECTOR = Detector(NameLists.load())
EXPLANATION = load_prompt("placeholders")
NAME, EMAIL = value_of(Kind.PERSON), value_of(Kind.EMAIL)
TRACES = Traces([(kind, value) for kind, (_, value) in VALUES.items()])


def masked(asked: Turn, evidence: Evidence | None = None, vault: Vault | None = None) -> Masked:
    vault = Vault("7K2") if vault is None else vault
    return mask(asked, evidence or Evidence(), DETECTOR.find, vault, EXPLANATION)


def dumped(made: Masked) -> str:
    return repr((made.turn, made.evidence))


def a_call(arguments: object) -> Message:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Message("assistant", "", tool_calls=(ToolCall("call_1", "send", text),))


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_everywhere(kind: Kind) -> None:
    said = SENTENCES[kind]
    messages = (
        Message("system", f"Know that {said}."),
        Message("user", f"Hello, {said}."),
        Message("assistant", f"You say {said}."),
        a_call({"text": said}),
        Message("tool", json.dumps({"found": said})),
    )
    made = masked(turn(f"Again, {said}.", *messages), Evidence(f"Mind that {said}."))
    assert TRACES.find(dumped(made)) == ()
    # As often as it was said: the question stands in the last message.
    assert made.counts == {kind: 7}
    assert made.values == ((kind, value_of(kind)),)


def test_the_rest_stays_as_it_is() -> None:
    asked = turn(f"Ask {EMAIL}", Message("user", "Is it abelian?"), chat_id="c", user_id="u")
    made = masked(asked)
    assert made.turn.messages[0] == asked.messages[0]
    assert replace(made.turn, messages=(), question="") == replace(asked, messages=(), question="")
    assert made.turn.question == made.turn.messages[-1].text == "Ask [[EMAIL_7K2_1]]"


def test_a_name_is_masked_also_where_it_stood_before_it_was_recognised() -> None:
    made = masked(turn(f"my name is {NAME}", Message("user", "What about hoffmann's garden?")))
    assert "hoffmann" not in dumped(made).lower()


def test_the_model_is_told_what_tokens_are() -> None:
    plain, told = masked(turn(EMAIL)), masked(turn(EMAIL), Evidence("Cite."))
    assert "[[PERSON_7K2_1]]" in plain.evidence.instructions
    assert told.evidence.instructions == f"Cite.\n\n{plain.evidence.instructions}"


def test_arguments_stay_json() -> None:
    made = masked(turn("?", a_call({"to": [EMAIL], "n": 12, "say": f'"{NAME}"\n'})))
    (call,) = made.turn.messages[0].tool_calls
    assert json.loads(call.arguments) == {
        "to": ["[[EMAIL_7K2_1]]"],
        "n": 12,
        "say": '"[[PERSON_7K2_1]]"\n',
    }


def test_what_is_written_as_json_is_known_as_it_reads() -> None:
    address = "742 Maple Street\nSpringfield, IL 62704"
    made = masked(turn("?", a_call({"to": address, "for": NAME})))
    assert dict(made.values).keys() == {Kind.ADDRESS, Kind.PERSON}
    assert {value for _, value in made.values} == {address, NAME}
    assert len(made.vault) == 2


def test_what_a_tool_has_said_stays_json() -> None:
    said = json.dumps([{"note": f"mail:\n{EMAIL}", "n": 1}])
    made = masked(turn("?", Message("tool", said)))
    assert json.loads(made.turn.messages[0].text) == [{"note": "mail:\n[[EMAIL_7K2_1]]", "n": 1}]
    assert made.values == ((Kind.EMAIL, EMAIL),)
    plain = masked(turn("?", Message("tool", f"mail: {EMAIL}")))
    assert plain.turn.messages[0].text == "mail: [[EMAIL_7K2_1]]"


def test_a_second_time_gives_the_same() -> None:
    vault, asked = Vault("7K2"), turn(f"{EMAIL} and {SENTENCES[Kind.PHONE]}")
    first, second = masked(asked, vault=vault), masked(asked, vault=vault)
    assert (first.turn, first.counts) == (second.turn, second.counts)
    assert len(vault) == 2


def test_too_much_to_mask_is_not_sent() -> None:
    many = " ".join(f"user{number}@meridian-data.net" for number in range(4))
    with pytest.raises(EgressRefused) as caught:
        masked(turn(many), vault=Vault("7K2", limit=3))
    assert "meridian" not in str(caught.value)


# The way back.


def filled() -> Vault:
    vault = Vault("7K2")
    vault.token_for(Kind.EMAIL, EMAIL)
    vault.token_for(Kind.PERSON, NAME)
    vault.token_for(Kind.ADDRESS, 'Weg "1"\nOrt')
    return vault


VAULT = filled()
TEXT = "Dear [[PERSON_7K2_1]], I wrote to [[EMAIL_7K2_1]]. [[EMAIL_7K2_9]] [[PER"
RESTORED = f"Dear {NAME}, I wrote to {EMAIL}. [[EMAIL_7K2_9]] [[PER"


class Source:
    """A provider's stream: what it gives, and whether it was closed."""

    def __init__(self, *chunks: ProviderChunk, error: Exception | None = None) -> None:
        self._chunks, self._error = chunks, error
        self.is_closed = False

    async def __call__(self) -> Any:
        try:
            for chunk in self._chunks:
                await asyncio.sleep(0)
                yield chunk
            if self._error is not None:
                raise self._error
        finally:
            self.is_closed = True


def came(source: AsyncIterator[ProviderChunk]) -> tuple[list[ProviderChunk], Exception | None]:
    async def read() -> tuple[list[ProviderChunk], Exception | None]:
        chunks: list[ProviderChunk] = []
        try:
            async for chunk in restored(source, VAULT):
                chunks.append(chunk)  # noqa: PERF401 - what came before an error counts
        except BadReply as error:
            return chunks, error
        return chunks, None

    return run(read())


def joined(chunks: Sequence[ProviderChunk], kind: type[Text] | type[Thinking]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, kind))


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    at = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(at)]


@fixed
@given(st.lists(st.integers(0, 200), max_size=60), st.lists(st.integers(0, 200)), st.randoms())
def test_on_any_boundary_and_on_both_channels(
    cuts: list[int], others: list[int], order: Any
) -> None:
    texts: list[ProviderChunk] = [Text(piece) for piece in pieces(TEXT, cuts)]
    thoughts: list[ProviderChunk] = [Thinking(piece) for piece in pieces(TEXT, others)]
    mixed: list[ProviderChunk] = []
    while texts or thoughts:
        source = texts if not thoughts or (texts and order.random() < 0.5) else thoughts
        mixed.append(source.pop(0))
    chunks, error = came(Source(*mixed, Usage(1, 1), Finish())())
    assert (joined(chunks, Text), joined(chunks, Thinking), error) == (RESTORED, RESTORED, None)
    # What was held back has to come before the end of the answer.
    assert chunks[-2:] == [Usage(1, 1), Finish()]
    assert all(chunk.text for chunk in chunks if isinstance(chunk, Text | Thinking))


@fixed
@given(st.integers(0, len(TEXT)))
def test_what_was_held_back_comes_before_an_error(at: int) -> None:
    chunks, error = came(Source(Text(TEXT[:at]), Thinking(TEXT[:at]), error=BadReply("cut"))())
    whole, _ = came(Source(Text(TEXT[:at]), Finish())())
    assert joined(chunks, Text) == joined(chunks, Thinking) == joined(whole, Text)
    assert isinstance(error, BadReply)


def test_it_comes_before_a_tool_call_too_and_the_arguments_are_json() -> None:
    calls = ToolCalls((ToolCall("1", "send", '{"to": "[[PLACE_7K2_1]]", "n": 1}'),))
    chunks, _ = came(Source(Text("To [[EMA"), calls, Finish("tool_calls"))())
    *said, called, finish = chunks
    assert joined(said, Text) == "To [[EMA"
    assert isinstance(called, ToolCalls)
    assert json.loads(called.calls[0].arguments) == {"to": 'Weg "1"\nOrt', "n": 1}
    assert finish == Finish("tool_calls")


@pytest.mark.parametrize("taken", [1, 2])
def test_closing_closes_the_source_at_once(taken: int) -> None:
    async def closed_with_its_reader(source: Source) -> bool:
        stream = source()  # kept here, so that nobody closes it but its reader
        chunks = restored(stream, VAULT)
        for _ in range(taken):
            await anext(chunks)
        await chunks.aclose()
        return source.is_closed

    assert run(closed_with_its_reader(Source(Text("a"), Text("b"), Text("c"))))


def test_a_stream_that_is_no_generator() -> None:
    class Plain:
        def __init__(self) -> None:
            self._left = [Text("Dear [[PERSON_"), Text("7K2_1]]"), Finish()]

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> ProviderChunk:
            if not self._left:
                raise StopAsyncIteration
            return self._left.pop(0)

    assert joined(came(Plain())[0], Text) == f"Dear {NAME}"
