"""What may leave: modes and tiers over everything that would travel, and the user's word."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.detect import DetectionFailed
from hal.privacy.kinds import Kind, Span, Tier
from hal.privacy.policy import (
    HARD_BEFORE,
    PRIVATE,
    inspect,
    kinds_in,
    texts_of,
    words,
    words_of_names,
)
from hal.settings import PrivacySettings
from hal.types import Findings, Message, Parameters, PrivacyWord, ToolCall, Turn
from tests.core.things import fixed, turn

# One word for each kind: what is found is not the matter here.
MARKS = {f"<{kind.value}>": kind for kind in Kind}
HARD, CONTACT, SOFT = "<IBAN>", "<EMAIL>", "<PERSON>"


def find(text: str) -> Sequence[Span]:
    return [
        Span(at, at + len(mark), kind)
        for mark, kind in MARKS.items()
        for at in range(len(text))
        if text.startswith(mark, at)
    ]


def rules(mode: str = "local", *, attachments: bool = False) -> PrivacySettings:
    return PrivacySettings(mode, attachments)


def looked_at(asked: Turn, mode: str = "local", **changes: bool) -> Findings:
    return inspect(asked, find, rules(mode), **changes)


ATTACHED = [
    pytest.param((), False, (), id="nothing attached"),
    pytest.param(("file",), False, ("file in this chat",), id="a file"),
    pytest.param(
        ("file", "image", "tool result"),
        False,
        ("file in this chat", "image in this chat", "tool result in this chat"),
        id="all kinds",
    ),
    pytest.param(("file", "image"), True, (), id="allowed to leave"),
    pytest.param(
        ("file", "/local turn"), True, ("/local turn in this chat",), id="the user's word stays"
    ),
]


@pytest.mark.parametrize("mode", ["local", "scrub", "off"])
@pytest.mark.parametrize(("attachments", "may_leave", "reasons"), ATTACHED)
def test_what_hangs_on_a_chat(
    attachments: tuple[str, ...], may_leave: bool, reasons: tuple[str, ...], mode: str
) -> None:
    found = inspect(turn(attachments=attachments), find, rules(mode, attachments=may_leave))
    assert (found.must_stay_local, found.reasons) == (bool(reasons), reasons)


# What is in the conversation, and what it comes to in each mode: "leaves", "masked" or the reason.
TIERS = [
    ("nothing", "leaves", "leaves"),
    (SOFT, "leaves", "masked"),
    (f"{SOFT} and {SOFT}", "leaves", "masked"),
    (CONTACT, "e-mail address found", "masked"),
    (f"{CONTACT} of {SOFT}", "e-mail address found", "masked"),
    (HARD, "bank account found", "bank account found"),
    (
        f"{HARD} {CONTACT}",
        "bank account, e-mail address found",
        "bank account, e-mail address found",
    ),
    *(
        (f"<{kind.value}>", f"{words({kind: 1})} found", None)
        for kind in Kind
        if kind is not Kind.PERSON
    ),
]


@pytest.mark.parametrize(("text", "local", "scrub"), TIERS)
def test_tiers(text: str, local: str, scrub: str | None) -> None:
    assert outcome(looked_at(turn(text))) == local
    if scrub is not None:
        assert outcome(looked_at(turn(text), "scrub")) == scrub
    off = looked_at(turn(text), "off")
    assert (off.must_stay_local, off.scrub, off.is_open, off.kinds) == (False, False, True, {})


def outcome(found: Findings) -> str:
    assert not (found.must_stay_local and found.scrub)
    if found.must_stay_local:
        return ", ".join(found.reasons)
    return "masked" if found.scrub else "leaves"


def everywhere(mark: str) -> list[Turn]:
    """The mark in every place that travels."""
    call = ToolCall("1", "look_up", f'{{"q": "{mark}"}}')
    return [
        turn(f"this turn {mark}"),
        turn("hi", Message("user", mark)),
        turn("hi", Message("assistant", mark)),
        turn("hi", Message("system", mark)),
        turn("hi", Message("tool", mark)),
        turn("hi", Message("assistant", "", tool_calls=(call,))),
        turn("hi", Message("user", "look", images=(f"https://x.test/{mark}.png",))),
        turn("hi", tools=({"function": {"name": "f", "description": mark}},)),
        turn("hi", parameters=Parameters(stop=(mark,))),
        turn("hi", parameters=Parameters(response_format={"type": mark})),
    ]


@pytest.mark.parametrize("asked", everywhere(HARD), ids=range(10))
def test_wherever_it_stands(asked: Turn) -> None:
    for mode in ("local", "scrub"):
        found = looked_at(asked, mode)
        assert found.must_stay_local
        assert found.is_hard
        assert found.kinds == {"IBAN": 1}


def test_the_bytes_of_an_image_are_no_text() -> None:
    seen = turn("hi", Message("user", "look", images=("data:image/png;base64,AAAA",)))
    assert list(texts_of(seen)) == ["look", "hi"]


COMPUTED = [
    ("How old is somebody born on <DOB>?", True),
    ("Wie alt ist wer am <DOB> geboren ist?", True),
    ("Is <PHONE> a valid number?", True),
    ("Jaka jest pogoda przy <ADDRESS>?", True),
    ("What is the weather at <ADDRESS>?", True),
    ("In which subnet is <IP>?", True),
    ("Write to <EMAIL> about the meeting", False),
    ("Write a letter to <PERSON>", False),
    ("Make an anagram of <PERSON>", True),
    ("Summarise what <PERSON> said in 1 page", False),
]


@pytest.mark.parametrize(("text", "is_computed"), COMPUTED)
def test_who_reckons_with_a_value_needs_it(text: str, is_computed: bool) -> None:
    found = looked_at(turn(text), "scrub")
    assert found.must_stay_local is is_computed
    assert found.scrub is not is_computed


def test_after_something_hard_the_chat_stays() -> None:
    for mode in ("local", "scrub"):
        found = looked_at(turn("hi"), mode, was_hard=True)
        assert found.reasons == (HARD_BEFORE,)
        assert not found.is_hard
    assert not looked_at(turn("hi"), "off", was_hard=True).must_stay_local


def test_the_word_private() -> None:
    for mode in ("local", "scrub", "off"):
        found = looked_at(
            turn("hi", privacy=PrivacyWord.PRIVATE, attachments=("/private turn",)), mode
        )
        assert found.reasons == (PRIVATE,)


@pytest.mark.parametrize("asked", everywhere(HARD), ids=range(10))
def test_the_word_public_lets_all_of_it_leave(asked: Turn) -> None:
    public = turn(
        asked.question, *asked.messages[:-1], privacy=PrivacyWord.PUBLIC, attachments=("file",)
    )
    for mode in ("local", "scrub", "off"):
        found = looked_at(public, mode, was_hard=True)
        assert (found.must_stay_local, found.scrub, found.is_open) == (False, False, True)


def test_a_value_counts_once_however_it_is_spelled() -> None:
    def spelled(text: str) -> Sequence[Span]:
        return [Span(0, 12, Kind.PHONE), Span(13, len(text), Kind.PHONE)]

    assert kinds_in(
        ["+49 170 1234", "x"], lambda t: [Span(0, len(t), Kind.PHONE)] if "+" in t else []
    ) == {Kind.PHONE: 1}
    assert kinds_in(["+49 170 1234 +491701234"], spelled) == {Kind.PHONE: 1}


def test_words_say_types_and_counts_the_worst_first() -> None:
    kinds = kinds_in([f"{SOFT} {CONTACT} {HARD}", "<PHONE>"], find)
    assert words(kinds) == "bank account, e-mail address, phone number, name"
    assert words(kinds, above=Tier.SOFT) == "bank account, e-mail address, phone number"
    assert words({Kind.PHONE: 2}) == "phone number (2)"
    assert words_of_names({"PHONE": 2, "from a later version": 1}) == "phone number (2)"


@fixed
@given(st.lists(st.sampled_from([*MARKS, "a word "]), max_size=6).map(" ".join))
def test_reasons_hold_no_value(text: str) -> None:
    for mode in ("local", "scrub"):
        told = " ".join(looked_at(turn(f"{text} hunter2"), mode).reasons)
        assert "<" not in told
        assert "hunter2" not in told


def test_who_cannot_look_is_not_silent() -> None:
    def broken(_: str) -> Sequence[Span]:
        raise DetectionFailed("no")

    with pytest.raises(DetectionFailed):
        inspect(turn("hi"), broken, rules())


def test_what_no_cache_may_keep() -> None:
    for mode in ("local", "scrub"):
        assert not looked_at(turn(SOFT), mode).is_private
        assert looked_at(turn(CONTACT), mode).is_private
        assert looked_at(turn(HARD), mode).is_private
        assert looked_at(turn("hi"), mode, was_hard=True).is_private
    assert looked_at(turn("hi", privacy=PrivacyWord.PUBLIC)).is_private
    assert not looked_at(turn(HARD), "off").is_private
