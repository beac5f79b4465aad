"""Messages that fit a window: what is kept, what goes first, and when nothing helps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.compose import compose, conversation_id
from hal.errors import Rejected
from hal.sizes import ANSWER_TOKENS, IMAGE_TOKENS, conversation_tokens, message_tokens, text_tokens
from hal.types import Cited, Evidence, Message, Parameters, Request, Target, ToolCall, Turn
from tests.core.things import LOCAL, fixed, turn

SYSTEM = Message("system", "Be brief.")
CALL = Message("assistant", "", tool_calls=(ToolCall("call_1", "clock", "{}"),))
RESULT = Message("tool", "12:00", tool_call_id="call_1")
TOOL = {"type": "function", "function": {"name": "clock", "description": "d" * 400}}


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str) -> Message:
    return Message("assistant", text)


def window(tokens: int) -> Target:
    return replace(LOCAL, context_tokens=tokens)


def made(
    messages: tuple[Message, ...],
    target: Target = LOCAL,
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
    *,
    pass_tools: bool = False,
    **changes: object,
) -> Request:
    asked = turn("x", messages=messages, **changes)
    return compose(asked, target, evidence, pass_tools=pass_tools)


def long_chat(rounds: int) -> tuple[Message, ...]:
    said = [m for n in range(rounds) for m in (user(f"q{n} " * 50), assistant(f"a{n} " * 50))]
    return (SYSTEM, *said, user("last"))


def test_what_fits_goes_as_it_is() -> None:
    messages = (SYSTEM, user("one"), assistant("two"), user("three"))
    request = made(messages, parameters=Parameters(seed=7))
    assert request.messages == messages
    assert request.dropped_messages == 0
    assert request.parameters.seed == 7
    assert request.target == LOCAL


def test_a_greeting_in_front_is_kept_while_it_fits() -> None:
    messages = (assistant("Welcome!"), user("hello"))
    assert made(messages).messages == messages


def test_the_oldest_go_first() -> None:
    messages = long_chat(20)
    request = made(messages, window(2048))
    kept = request.messages
    assert kept[0] == SYSTEM
    assert kept[1:] == messages[-len(kept) + 1 :]  # a tail of the chat, without a hole
    assert kept[1].role == "user"
    assert 0 < request.dropped_messages == len(messages) - len(kept)


def test_no_tool_result_without_its_call() -> None:
    filler = user("word " * 500)
    for tokens in range(1024, 4096, 64):
        messages = (user("q " * 300), CALL, RESULT, assistant("It is noon."), filler, user("ok"))
        kept = made(messages, window(tokens)).messages
        assert (RESULT in kept) == (CALL in kept)
        assert kept[0].role == "user"


def test_a_running_tool_round_is_kept_whole() -> None:
    messages = (*long_chat(20)[:-1], user("what time is it?"), CALL, RESULT)
    kept = made(messages, window(2048)).messages
    assert kept[-3:] == (user("what time is it?"), CALL, RESULT)


@pytest.mark.parametrize(
    "messages",
    [(SYSTEM, user("word " * 5000)), (replace(SYSTEM, text="word " * 5000), user("hi"))],
    ids=["question", "system prompt"],
)
def test_what_cannot_fit_is_refused_in_words(messages: tuple[Message, ...]) -> None:
    with pytest.raises(Rejected, match="more than local big:30b can hold") as caught:
        made(messages, window(2048))
    assert "LOCAL_CONTEXT_TOKENS" in caught.value.remedy


def test_evidence_joins_the_system_prompt() -> None:
    request = made((SYSTEM, user("hi")), evidence=Evidence("Today is Sunday."))
    assert request.messages == (Message("system", "Be brief.\n\nToday is Sunday."), user("hi"))


FOUND = Evidence(
    question="Sources. Question: hi",
    sources=(Cited(1, "https://a.example/", "A", "a.example", ("p",)),),
)


def asked_with_sources(*texts: str, question: str = "hi") -> list[str]:
    """What the messages say after a search for this question."""
    roles = (assistant, user) if len(texts) % 2 == 0 else (user, assistant)
    said = tuple(roles[n % 2](text) for n, text in enumerate(texts))
    messages = (SYSTEM, *said)
    request = compose(
        turn("x", messages=messages, question=question), LOCAL, FOUND, pass_tools=False
    )
    return [message.text for message in request.messages]


def test_sources_stand_in_the_place_of_the_question() -> None:
    assert asked_with_sources("hi", "hello", "hi") == [
        "Be brief.",
        "hi",
        "hello",
        "Sources. Question: hi",
    ]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("<file>notes</file>\n\nhi", "<file>notes</file>\n\nSources. Question: hi"),
        ("<file>hi</file>\n\nhi", "<file>hi</file>\n\nSources. Question: hi"),
        ("hi\n<file>notes</file>", "Sources. Question: hi\n<file>notes</file>"),
        ("<file>notes</file> [[X]]", "<file>notes</file> [[X]]\n\nSources. Question: hi"),
    ],
    ids=["before", "the words in the file, too", "behind", "not found"],
)
def test_what_stands_around_the_question_stays(said: str, wanted: str) -> None:
    assert asked_with_sources(said)[-1] == wanted


def test_the_question_of_a_tool_round_is_where_it_was() -> None:
    messages = (user("hi"), CALL, RESULT)
    request = made(messages, evidence=FOUND, question="hi")
    assert [message.text for message in request.messages] == ["Sources. Question: hi", "", "12:00"]


def test_beside_sources_there_are_no_tools() -> None:
    tools = {"tools": (TOOL,), "tool_choice": "auto"}
    request = made((user("hi"),), evidence=FOUND, pass_tools=True, **tools)
    assert (request.tools, request.tool_choice) == ((), None)
    told = made((user("hi"),), evidence=Evidence("No sources."), pass_tools=True, **tools)
    assert (told.tools, told.tool_choice) == ((TOOL,), "auto")


def test_evidence_without_a_system_prompt_makes_one() -> None:
    request = made((user("hi"),), evidence=Evidence("Today is Sunday."))
    assert request.messages[0] == Message("system", "Today is Sunday.")
    assert request.dropped_messages == 0


@pytest.mark.parametrize("pass_tools", [True, False])
def test_tools_go_along_only_when_wanted(pass_tools: bool) -> None:
    request = made((user("hi"),), pass_tools=pass_tools, tools=(TOOL,), tool_choice="auto")
    assert request.tools == ((TOOL,) if pass_tools else ())
    assert request.tool_choice == ("auto" if pass_tools else None)


def test_passed_tools_take_room() -> None:
    messages = long_chat(20)
    with_tools = made(messages, window(4096), pass_tools=True, tools=(TOOL,) * 20)
    assert len(with_tools.messages) < len(made(messages, window(4096)).messages)


@pytest.mark.parametrize("max_tokens", [None, 0, -1, -100_000, 10, 500, 10**9])
def test_room_for_the_answer(max_tokens: int | None) -> None:
    target = window(4096)
    request = made(long_chat(40), target, parameters=Parameters(max_tokens=max_tokens))
    wanted = max_tokens if max_tokens and max_tokens > 0 else ANSWER_TOKENS
    room = 4096 - min(wanted, 1024)
    used = conversation_tokens(request.messages)
    assert used <= room
    assert used > room - 250  # and the room is used


def test_a_conversation_has_a_name_that_tells_nothing() -> None:
    name = conversation_id("ef1b96c0")
    assert name == conversation_id("ef1b96c0") != conversation_id("ef1b96c1")
    assert name is not None
    assert "ef1b96c0" not in name
    assert conversation_id(None) is None


SIZES = [
    pytest.param("", 0, id="nothing"),
    pytest.param("a", 1, id="one letter"),
    pytest.param("a" * 36, 10, id="36 bytes"),
    pytest.param("字" * 12, 10, id="UTF-8 counts"),
    pytest.param("\ud83d", 1, id="half an emoji"),
]


@pytest.mark.parametrize(("text", "tokens"), SIZES)
def test_sizes_of_texts(text: str, tokens: int) -> None:
    assert text_tokens(text) == tokens


def test_pictures_and_calls_have_a_size() -> None:
    bare = message_tokens(user("hi"))
    assert message_tokens(Message("user", "hi", images=("data:,",))) == bare + IMAGE_TOKENS
    assert message_tokens(CALL) > message_tokens(assistant(""))


messages_ = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool", "system"]),
    st.text(max_size=30) | st.integers(1, 400).map(lambda n: "word " * n),
)


@fixed
@given(
    earlier=st.lists(messages_, max_size=12),
    text=st.text(max_size=40),
    tokens=st.integers(1024, 4096),
    max_tokens=st.none() | st.integers(-5, 5000),
)
def test_whatever_comes_fits_or_is_refused(
    earlier: list[Message], text: str, tokens: int, max_tokens: int | None
) -> None:
    last = user(text)
    asked: Turn = turn(text, *earlier, parameters=Parameters(max_tokens=max_tokens))
    must = [m for m in asked.messages if m.role == "system"] + [last]
    try:
        request = compose(asked, window(tokens), Evidence(), pass_tools=False)
    except Rejected:
        assert conversation_tokens(must) > tokens - tokens // 4 - 1
        return
    kept = request.messages
    assert conversation_tokens(kept) <= tokens
    assert kept[-1] == last
    assert [m for m in kept if m.role == "system"] == must[:-1]
    rest = tuple(m for m in asked.messages if m.role != "system")
    said = tuple(m for m in kept if m.role != "system")
    assert rest[len(rest) - len(said) :] == said
    assert request.dropped_messages == len(asked.messages) - len(kept)
    if request.dropped_messages:
        assert said[0].role == "user"
