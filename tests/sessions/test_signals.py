"""What one turn says about itself and about the turn before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.sessions.record import TurnRow
from hal.sessions.signals import Name, Origin, of_answer, of_question
from hal.sessions.succession import Before, Relation, Words, relation, spoken, words_of
from hal.types import Message, ToolCall, Turn
from tests.core.things import fixed
from tests.core.things import turn as asked

from .rows import NOON, turn

QUESTION = "How long do swifts sleep in the air?"
ANSWER_S = 4.0


def first(**changes: Any) -> TurnRow:
    """The first turn of a chat, answered locally in four seconds."""
    values = {
        "id": "first",
        "user_message_id": "u1",
        "message_id": "m1",
        "message_count": 1,
        "outcome": "done",
        "route": "MODERATE",
        "source": "classifier",
        "first_token_ms": 500.0,
        "total_ms": ANSWER_S * 1000,
    }
    return turn(**{**values, **changes})


def second(pause_s: float = 10.0, **changes: Any) -> TurnRow:
    """The turn after it, so many seconds after the end of the answer."""
    values = {"user_message_id": "u2", "message_id": "m2", "message_count": 3}
    at = NOON + ANSWER_S + pause_s
    return first(**{**values, "id": "second", "started_at": at, **changes})


def history(*texts: str) -> list[Message]:
    roles = ("user", "assistant") * len(texts)
    return [Message(role, text) for role, text in zip(roles, texts, strict=False)]


def said(question: str, *conversation: str) -> Words:
    """Words as the conversation has them; `conversation` is what stood before the question."""
    return words_of(asked(question, *history(*conversation)), "", has_sources=False)


def reply(question: str) -> Words:
    return said(question, QUESTION, "They doze.")


def before(row: TurnRow | None = None, question: str | None = QUESTION, given: int = 1) -> Before:
    return Before(row or first(), question, given)


LONGER = ("Hi", "Hello", QUESTION, "They doze.")
SIDE = {"started_at": NOON + 0.01}
RELATIONS = [
    pytest.param(second(), reply("And ducks?"), before(), Relation.NEXT, id="the next question"),
    pytest.param(
        *(second(user_message_id="u1", message_count=1), said(QUESTION), before()),
        Relation.AGAIN,
        id="another answer to the same message",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_id="m1", message_count=1), said(QUESTION)),
        *(before(), Relation.OTHER),
        id="a tool round, or a continued answer",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_id=None, message_count=1), said(QUESTION)),
        *(before(), Relation.OTHER),
        id="no id of the new answer",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_count=1, **SIDE), said(QUESTION), before()),
        Relation.OTHER,
        id="two answers side by side",
    ),
    pytest.param(
        *(second(message_count=1), said("How long do ducks sleep?"), before()),
        Relation.EDITED,
        id="an edit",
    ),
    pytest.param(
        *(second(message_count=1), said("How long do ducks sleep?"), before(question=None)),
        Relation.OTHER,
        id="an edit of nobody knows what",
    ),
    pytest.param(
        *(second(message_count=1), said("Hello"), before(first(message_count=5))),
        Relation.OTHER,
        id="an edit far above",
    ),
    pytest.param(
        *(second(message_count=2), said("Hello?", QUESTION), before()),
        Relation.NEXT,
        id="the answer is missing in the conversation",
    ),
    pytest.param(
        *(second(), reply("And ducks?"), before(question=None)),
        Relation.NEXT,
        id="without a kept text",
    ),
    pytest.param(
        *(second(), reply("And ducks?"), before(question="Who was Bach?")),
        Relation.OTHER,
        id="another branch of the same length",
    ),
    pytest.param(
        *(second(message_count=5), said("And ducks?", *LONGER), before(given=1)),
        Relation.ELSEWHERE,
        id="another model gave an answer",
    ),
    pytest.param(
        *(second(message_count=5), said("And ducks?", *LONGER), before(given=2)),
        Relation.OTHER,
        id="another branch that is ours",
    ),
    pytest.param(
        *(second(message_count=5), said("And ducks?", "Hi", "Hello", QUESTION, "  ")),
        *(before(given=1), Relation.OTHER),
        id="an answer that never came",
    ),
    pytest.param(
        second(message_count=7),
        said("And owls?", *LONGER, "And ducks?", ""),
        *(before(first(message_count=3), given=1), Relation.OTHER),
        id="another model began the chat, and gave none since",
    ),
    pytest.param(
        *(second(), reply("And ducks?"), before(first(message_count=None))),
        Relation.OTHER,
        id="written before messages were counted",
    ),
]


@pytest.mark.parametrize(("row", "words", "earlier", "expected"), RELATIONS)
def test_how_a_turn_goes_on(
    row: TurnRow, words: Words, earlier: Before, expected: Relation
) -> None:
    assert relation(row, words, earlier) is expected


SIMILAR = "How long do the swifts sleep in the air?"
CLOUD = {"leaves_machine": True, "route": "COMPLEX"}
NOTHING: list[tuple[Name, float | None, str]] = []
ABOUT_BEFORE = [
    pytest.param(second(), reply("And ducks?"), before(), NOTHING, id="a new question"),
    pytest.param(second(), reply("Thanks!"), before(), NOTHING, id="thanks"),
    pytest.param(
        *(second(119, user_message_id="u1", message_count=1), said(QUESTION), before()),
        [(Name.REGENERATE, -0.5, "")],
        id="regenerated at once",
    ),
    pytest.param(
        *(second(121, user_message_id="u1", message_count=1), said(QUESTION), before()),
        [(Name.REGENERATE, -0.3, "")],
        id="regenerated later",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_count=1), said(QUESTION)),
        *(before(first(outcome="failed", first_token_ms=None)), NOTHING),
        id="tried again after a failure",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_count=1), said(QUESTION)),
        *(before(first(outcome="cut")), NOTHING),
        id="tried again after a crash",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_count=1), said(QUESTION)),
        *(before(first(outcome="stopped", first_token_ms=None)), NOTHING),
        id="tried again before anything was shown",
    ),
    pytest.param(
        *(second(user_message_id="u1", message_count=1), said(QUESTION)),
        *(before(first(outcome="stopped")), [(Name.REGENERATE, -0.5, "")]),
        id="stopped, and another one wanted",
    ),
    pytest.param(
        *(second(), reply("That's wrong, they wake up."), before()),
        [(Name.CORRECTION, -0.5, "")],
        id="a correction",
    ),
    pytest.param(
        *(second(), reply("look it up"), before()),
        [(Name.CORRECTION, -0.5, "ENRICH")],
        id="a search is missed",
    ),
    pytest.param(
        *(second(), reply("look it up"), before(first(route="ENRICH"))),
        [(Name.CORRECTION, -0.5, "")],
        id="a search was made",
    ),
    pytest.param(
        *(second(message_count=1), said("That's wrong, they wake up."), before()),
        NOTHING,
        id="an edit answers nobody",
    ),
    pytest.param(
        *(second(), reply(SIMILAR), before()), [(Name.REPHRASE, -0.4, "")], id="asked once more"
    ),
    pytest.param(
        *(second(), reply(QUESTION), before()), [(Name.REPHRASE, -0.4, "")], id="word for word"
    ),
    pytest.param(second(601), reply(SIMILAR), before(), NOTHING, id="asked once more, much later"),
    pytest.param(
        *(second(message_count=1), said(SIMILAR), before()),
        [(Name.REPHRASE, -0.4, "")],
        id="edited a little",
    ),
    pytest.param(
        *(second(message_count=1), said("How long do ducks sleep on the water?"), before()),
        NOTHING,
        id="edited into another question",
    ),
    pytest.param(
        *(second(message_count=1), said(SIMILAR), before(first(outcome="stopped")), NOTHING),
        id="stopped to correct a slip",
    ),
    pytest.param(
        *(second(message_count=5), said("And ducks?", *LONGER), before()),
        [(Name.MODEL_SWITCH, -0.3, "")],
        id="another model in between",
    ),
    pytest.param(
        *(second(override="/cloud"), reply(QUESTION), before()),
        [(Name.OVERRIDE, -1.0, "COMPLEX")],
        id="the cloud should have answered",
    ),
    pytest.param(
        *(second(override="/cloud"), reply(""), before()),
        [(Name.OVERRIDE, -1.0, "COMPLEX")],
        id="a command alone",
    ),
    pytest.param(
        *(second(override="/cloud"), reply("That's wrong."), before()),
        [(Name.OVERRIDE, -1.0, "COMPLEX")],
        id="a command and a complaint",
    ),
    pytest.param(
        *(second(override="/cloud", message_count=1), said(QUESTION), before()),
        [(Name.OVERRIDE, -1.0, "COMPLEX")],
        id="a command put in front",
    ),
    pytest.param(
        *(second(override="/web"), reply(QUESTION), before()),
        [(Name.OVERRIDE, -1.0, "ENRICH")],
        id="it should have been looked up",
    ),
    pytest.param(
        *(second(override="/local"), reply(QUESTION), before(first(**CLOUD))),
        [(Name.OVERRIDE, -1.0, "MODERATE")],
        id="it could have stayed",
    ),
    pytest.param(
        *(second(override="/cloud"), reply("And ducks?"), before()),
        NOTHING,
        id="a command for a new question",
    ),
    pytest.param(
        *(second(override="/cloud"), reply(QUESTION), before(first(**CLOUD))),
        [(Name.REPHRASE, -0.4, "")],
        id="the cloud did answer",
    ),
    pytest.param(
        *(second(override="/local"), reply(QUESTION), before(first(route="SIMPLE"))),
        [(Name.REPHRASE, -0.4, "")],
        id="it did stay",
    ),
    pytest.param(
        *(second(override="/cloud"), reply(QUESTION), before(first(route="COMPLEX"))),
        [(Name.REPHRASE, -0.4, "")],
        id="the decision was right, and something kept it here",
    ),
    pytest.param(
        *(second(override="/web"), reply(QUESTION), before(first(route="ENRICH"))),
        [(Name.REPHRASE, -0.4, "")],
        id="it was looked up",
    ),
    pytest.param(
        second(override="/local"),
        *(reply(QUESTION), before(first(route="ENRICH", leaves_machine=True))),
        [(Name.REPHRASE, -0.4, "")],
        id="looked up in the cloud: which of the two was wrong",
    ),
]


@pytest.mark.parametrize(("row", "words", "earlier", "expected"), ABOUT_BEFORE)
def test_what_a_turn_says_about_the_one_before(
    row: TurnRow, words: Words, earlier: Before, expected: list[tuple[Name, float | None, str]]
) -> None:
    found = of_question(row, words, earlier)
    assert [(signal.name, signal.value, signal.label) for signal in found] == expected


def answer(text: str, question: str = QUESTION, *, has_sources: bool = False) -> Words:
    return words_of(asked(question), text, has_sources=has_sources)


CUTOFF = "As of my last update in 2023, the record was 8 hours."
REFUSAL = "I'm sorry, but I can't help with that."
ABOUT_ITSELF = [
    pytest.param(first(), answer("They doze."), NOTHING, id="an answer"),
    pytest.param(first(outcome="stopped"), answer("Th"), [(Name.STOP, None, "")], id="stopped"),
    pytest.param(first(outcome="failed"), answer(CUTOFF), NOTHING, id="failed"),
    pytest.param(
        *(first(finish_reason="length"), answer("They"), [(Name.TRUNCATION, None, "")]),
        id="cut at the length limit",
    ),
    pytest.param(
        *(first(), answer(CUTOFF), [(Name.KNOWLEDGE_CUTOFF, -0.8, "ENRICH")]), id="a missed search"
    ),
    pytest.param(
        *(first(**CLOUD), answer(CUTOFF), [(Name.KNOWLEDGE_CUTOFF, -0.8, "ENRICH")]),
        id="a search that the cloud missed",
    ),
    pytest.param(
        first(route="ENRICH"), answer(CUTOFF, has_sources=True), NOTHING, id="it was looked up"
    ),
    pytest.param(
        first(route="ENRICH"), answer(CUTOFF), NOTHING, id="it was to be looked up, and failed"
    ),
    pytest.param(
        first(finish_reason="tool_calls"), answer(CUTOFF), NOTHING, id="it goes on to look"
    ),
    pytest.param(first(), answer(REFUSAL), [(Name.REFUSAL, -0.3, "")], id="a refusal"),
    pytest.param(
        *(first(finish_reason="content_filter"), answer(""), [(Name.REFUSAL, -0.3, "")]),
        id="filtered",
    ),
    pytest.param(
        *(first(override="/cloud", route="COMPLEX"), answer("They doze.")),
        [(Name.OVERRIDE, 1.0, "COMPLEX")],
        id="a command labels its turn",
    ),
    pytest.param(
        *(first(override="/web", outcome="stopped"), answer("")),
        [(Name.OVERRIDE, 1.0, "ENRICH"), (Name.STOP, None, "")],
        id="a command and a stop",
    ),
    pytest.param(first(override="/why"), answer(""), NOTHING, id="no wish for a route"),
    pytest.param(first(override="/newer"), answer(""), NOTHING, id="what another version wrote"),
]


@pytest.mark.parametrize(("row", "words", "expected"), ABOUT_ITSELF)
def test_what_a_turn_says_about_itself(
    row: TurnRow, words: Words, expected: list[tuple[Name, float | None, str]]
) -> None:
    found = of_answer(row, words)
    assert [(signal.name, signal.value, signal.label) for signal in found] == expected


def test_who_says_so() -> None:
    (command,) = of_answer(first(override="/web"), answer("They doze."))
    (rule,) = of_answer(first(), answer(CUTOFF))
    (implicit,) = of_question(second(), reply("That's wrong."), before())
    origins = (command.origin, rule.origin, implicit.origin)
    assert origins == (Origin.HUMAN, Origin.RULE, Origin.IMPLICIT)


def test_system_prompts_and_tools_are_no_part_of_the_talk() -> None:
    call = Message("assistant", "", tool_calls=(ToolCall("1", "now", "{}"),))
    result = Message("tool", "noon", tool_call_id="1")
    talk = [
        Message("user", "What time is it?"),
        Message("assistant", "Noon."),
        Message("user", "?"),
    ]
    messages = (Message("system", "Be brief."), talk[0], call, result, *talk[1:])
    assert spoken(asked("?", messages=messages)) == talk


def revised(wish: str) -> Words:
    """As Open WebUI asks for a revision: the answer, then the wish; the question stays."""
    messages = tuple(
        Message(role, text)
        for role, text in (("user", QUESTION), ("assistant", "They doze."), ("user", wish))
    )
    turned = asked(QUESTION, messages=messages)
    assert spoken(turned) == [Message("user", QUESTION)]
    return words_of(turned, "", has_sources=False)


REVISIONS = [
    ("More Concise", (Name.REGENERATE, None, "")),
    ("Add Details", (Name.REGENERATE, None, "")),
    ("That's wrong.", (Name.CORRECTION, -0.5, "")),
    ("Look it up.", (Name.CORRECTION, -0.5, "ENRICH")),
]


@pytest.mark.parametrize(("wish", "expected"), REVISIONS)
def test_a_wish_how_to_say_it_is_no_complaint(
    wish: str, expected: tuple[Name, float | None, str]
) -> None:
    words = revised(wish)
    assert words.wish == wish
    (found,) = of_question(second(user_message_id="u1", message_count=1), words, before())
    assert (found.name, found.value, found.label) == expected


NO_REVISIONS = [
    pytest.param(asked("And owls?", *history("Hi", "Hello")), id="a question"),
    pytest.param(asked("Hi", *history("Hi", "Hello")), id="the same question"),
    pytest.param(asked("", *history("", "Hello")), id="nothing said"),
    pytest.param(
        asked("Why?", messages=(*history("Hi", "Hello"), Message("user", "<context> Why?"))),
        id="a template around it",
    ),
    pytest.param(asked("Why?", messages=(Message("user", "Why?"),)), id="the first"),
    pytest.param(asked("Why?", messages=()), id="no messages at all"),
]


@pytest.mark.parametrize("turned", NO_REVISIONS)
def test_what_is_no_wish_for_a_revision(turned: Turn) -> None:
    assert spoken(turned) == list(turned.messages)
    assert words_of(turned, "", has_sources=False).wish == ""


def test_of_a_long_conversation_little_is_kept() -> None:
    long = "swift " * 10_000
    words = words_of(asked(long, Message("user", long)), long, has_sources=False)
    assert len(words.question) == len(words.earlier) == 2000
    assert len(words.answer) <= 2001


rows = st.builds(
    lambda **values: replace(first(), **values),
    started_at=st.floats(NOON - 10, NOON + 1000),
    user_message_id=st.sampled_from(["u1", "u2", None]),
    message_id=st.sampled_from(["m1", "m2", None]),
    message_count=st.none() | st.integers(0, 9),
    outcome=st.sampled_from(["done", "stopped", "failed", "cut", "odd"]),
    route=st.sampled_from(["", "META", "SIMPLE", "COMPLEX", "ENRICH", "odd"]),
    override=st.sampled_from(["", "/cloud", "/local", "/web", "/why", "odd"]),
    finish_reason=st.sampled_from(["", "stop", "length", "content_filter"]),
    total_ms=st.none() | st.floats(0, 1e6),
    first_token_ms=st.none() | st.just(1.0),
    leaves_machine=st.booleans(),
)
texts = st.text(max_size=60) | st.sampled_from([QUESTION, SIMILAR, "That's wrong.", CUTOFF, ""])
talks = st.lists(texts, max_size=6)


@fixed
@given(rows, rows, texts, talks, texts, st.none() | texts, st.integers(0, 5), st.booleans())
def test_no_conversation_raises_and_all_values_are_in_their_range(
    row: TurnRow,
    earlier: TurnRow,
    question: str,
    talk: list[str],
    told: str,
    kept: str | None,
    given_before: int,
    has_sources: bool,
) -> None:
    words = words_of(asked(question, *history(*talk)), told, has_sources=has_sources)
    found = (*of_answer(row, words), *of_question(row, words, Before(earlier, kept, given_before)))
    for signal in found:
        assert signal.value is None or -1 <= signal.value <= 1
        assert signal.label in {"", "MODERATE", "COMPLEX", "ENRICH"}
    assert len({(s.name, s.value) for s in found}) == len(found)
