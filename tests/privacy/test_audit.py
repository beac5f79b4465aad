"""The audit: what counts as a finding, as the user's word, and as somebody else's value."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import HalError
from hal.privacy.allowed import value_hash
from hal.privacy.audit import MODE_OFF, Audit, Finding, Sent
from hal.privacy.audit_values import CountingFind, KeptText, KnownValues, values_in
from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind, Span
from hal.privacy.name_lists import NameLists
from tests.core.things import fixed

KEY = b"k" * 32
MAIL, PHONE, CARD = "jane.doe@meridian-data.net", "+49 170 1234567", "4539 1488 0343 6467"
HARMLESS = "Is every such group abelian?"
NAME = "Anna Weber"
ABOUT_HER = f"My name is {NAME}."
find = Detector(NameLists.load()).find


def hash_of(kind: Kind, value: str) -> str:
    return value_hash(KEY, kind, value)


def body(*texts: str) -> str:
    """As it goes to xAI."""
    messages = [{"role": "user", "content": text} for text in texts]
    return json.dumps({"model": "grok-4.3", "messages": messages})


def kept(question: str = "", answer: str = "", at: float = 10.0, **changes: Any) -> KeptText:
    """Asked at `at`, answered a second later, on this machine."""
    values = {"chat_id": "chat-1", "asked_at": at, "answered_at": at + 1, "is_from_cloud": False}
    return KeptText(**{**values, "question": question, "answer": answer, **changes})


def sent(text: str | None, at: float = 100.0, **changes: Any) -> Sent:
    values = {"id": "e", "turn_id": "t", "chat_id": "chat-1", "at": at, "host": "api.x.ai"}
    counted = {"model": "grok-4.3", "bytes": 1, "masked": {}, "passed": {}, "word": ""}
    return Sent(**{**values, **counted, "body": text, **changes})


def audited(
    texts: Iterable[KeptText], *calls: Sent, masked: Iterable[tuple[str, float]] = ()
) -> list[tuple[Finding, ...]]:
    known = KnownValues(find, hash_of)
    for each, at in masked:
        known.masked([each], at)
    for text in texts:
        known.learn(text)
    audit = Audit(known, find)
    return [audit.findings(call) for call in calls]


def ways(texts: Iterable[KeptText], call: Sent, **more: Any) -> list[tuple[str, str]]:
    (findings,) = audited(texts, call, **more)
    return [(found.kind.value, found.how) for found in findings]


# --- in which form ------------------------------------------------------------------------------

FORMS: dict[str, tuple[Callable[[str], str], str]] = {
    "as it is": (lambda text: body(f"Write to {text}."), "plain"),
    "in capitals": (lambda text: body(text.upper()), "plain"),
    "in a URL": (lambda text: body(f"https://x.org/?to={quote(text, safe='')}"), "plain"),
    "in base64": (lambda text: body(base64.b64encode(f"to: {text}".encode()).decode()), "encoded"),
    "in hex": (lambda text: body(text.encode().hex()), "encoded"),
    "every character of a URL": (
        lambda text: body("".join(f"%{byte:02x}" for byte in text.encode())),
        "decoded",
    ),
    "spaced out": (lambda text: body(" ".join(text)), "respaced"),
    "in the arguments of a tool": (lambda text: body(json.dumps({"to": text})), "plain"),
    "in a text that is no JSON": (lambda text: f"to={text}", "plain"),
}


@pytest.mark.parametrize(("form", "how"), FORMS.values(), ids=FORMS)
def test_a_known_value_in_any_form(form: Callable[[str], str], how: str) -> None:
    assert ways([kept(f"My mail is {MAIL}.")], sent(form(MAIL))) == [("EMAIL", how)]


@pytest.mark.parametrize("value", [MAIL, PHONE, CARD])
def test_what_the_log_did_not_know_is_recognised(value: str) -> None:
    ((_, how),) = ways([], sent(body(f"Reach me: {value}")))
    assert how == "recognised"


@pytest.mark.parametrize("text", [HARMLESS, "", f"[[EMAIL_7K2_1]] asks: {HARMLESS}", ABOUT_HER])
def test_what_is_harmless_is_no_finding(text: str) -> None:
    assert ways([kept(f"{MAIL} {CARD}")], sent(body(text))) == []


def test_a_body_that_is_not_kept_has_none() -> None:
    assert ways([kept(MAIL)], sent(None)) == []


@pytest.mark.parametrize("end", [', "messages": []}', "}", ""])
def test_a_number_that_is_no_string(end: str) -> None:
    call = sent('{"model": "m", "card": 4539148803436467' + end)
    assert ways([kept(f"charge {CARD}")], call) == [("CREDIT_CARD", "respaced")]


ESCAPED = MAIL.replace("@", "\\u0040")


def test_an_escaped_value_is_known_and_recognised_as_what_it_means() -> None:
    assert ways([kept(f'{{"mail": "{ESCAPED}"}}')], sent(body(MAIL))) == [("EMAIL", "plain")]
    assert ways([], sent(body(f'{{"mail": "{ESCAPED}"}}'))) == [("EMAIL", "recognised")]


def test_two_strings_do_not_make_a_value_together() -> None:
    assert ways([kept(f"charge {CARD}")], sent(body("4539 1488", "0343 6467"))) == []


def test_values_of_one_kind_are_counted_and_a_value_once() -> None:
    text = body(f"{MAIL} {MAIL.upper()} x.y@meridian-data.net", MAIL)
    (findings,) = audited([kept(f"{MAIL}, x.y@meridian-data.net")], sent(text))
    assert [(found.kind, found.count) for found in findings] == [(Kind.EMAIL, 2)]


def test_a_value_of_any_chat_and_any_time_counts() -> None:
    later = kept(f"My mail is {MAIL}.", at=999.0, chat_id="chat-9")
    assert ways([later], sent(body(MAIL))) == [("EMAIL", "plain")]


@fixed
@given(
    st.sampled_from([form for form, _ in FORMS.values()]),
    st.from_regex(r"[a-z]{3,12}\.[a-z]{3,12}@[a-z]{5,12}-gmbh\.de", fullmatch=True),
)
def test_no_address_escapes(form: Callable[[str], str], address: str) -> None:
    texts = [kept(f"My mail is {address}.")]
    if values_in(texts[0].question, find):  # "test" and its like are nobody's
        assert [kind for kind, _ in ways(texts, sent(form(address)))] == ["EMAIL"]


# --- by whose word ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_by_word"),
    [
        ({}, False),
        ({"word": "/private"}, False),
        ({"masked": {"EMAIL": 1}}, False),
        ({"word": "/public"}, True),
        ({"word": MODE_OFF}, True),
        ({"passed": {"EMAIL": 1}}, True),
    ],
    ids=str,
)
def test_by_the_users_word(changes: dict[str, Any], is_by_word: bool) -> None:
    (findings,) = audited([kept(MAIL)], sent(body(MAIL), **changes))
    assert [found.is_by_word for found in findings] == [is_by_word]


def test_the_word_of_one_turn_is_not_that_of_the_next() -> None:
    calls = (sent(body(MAIL), at=100.0, word="/public"), sent(body(MAIL), at=200.0))
    assert [found[0].is_by_word for found in audited([kept(MAIL)], *calls)] == [True, False]


# --- whose value --------------------------------------------------------------------------------

OUTSIDE = kept(HARMLESS, f"Ask {MAIL}.", at=10.0, is_from_cloud=True)
WHOSE = {
    "the cloud wrote it first": ([OUTSIDE], {}, []),
    "then the user as well": ([OUTSIDE, kept(f"Is it {MAIL}?", at=20.0)], {}, []),
    "the user wrote it first": ([kept(MAIL, at=5.0), OUTSIDE], {}, ["EMAIL"]),
    "the user wrote it before and after": (
        [kept(MAIL, at=5.0), OUTSIDE, kept(MAIL, at=20.0)],
        {},
        ["EMAIL"],
    ),
    "in the same question": ([kept(MAIL, f"Ask {MAIL}.", is_from_cloud=True)], {}, ["EMAIL"]),
    "this machine wrote it": ([kept(HARMLESS, f"Ask {MAIL}.")], {}, ["EMAIL"]),
    "it was masked before": ([OUTSIDE], {"masked": [(hash_of(Kind.EMAIL, MAIL), 10.5)]}, ["EMAIL"]),
    "it was masked afterwards": ([OUTSIDE], {"masked": [(hash_of(Kind.EMAIL, MAIL), 50.0)]}, []),
    "another one was masked": ([OUTSIDE], {"masked": [(hash_of(Kind.EMAIL, "a@b.de"), 1.0)]}, []),
}


@pytest.mark.parametrize(("texts", "more", "kinds"), WHOSE.values(), ids=WHOSE)
def test_whose_value_it_is(texts: list[KeptText], more: dict[str, Any], kinds: list[str]) -> None:
    assert [kind for kind, _ in ways(texts, sent(body(MAIL)), **more)] == kinds
    assert [kind for kind, _ in ways(texts[::-1], sent(body(MAIL)), **more)] == kinds


def test_a_value_that_was_sent_before_the_answer_is_the_users() -> None:
    """From a system prompt, which the log does not keep: the answer only repeats it."""
    calls = (sent(body(MAIL), at=10.5, word="/public"), sent(body(MAIL), at=100.0))
    first, second = audited([OUTSIDE], *calls)
    assert [found.is_by_word for found in (*first, *second)] == [True, False]


def test_without_hashes_an_answer_of_the_cloud_is_its_own() -> None:
    known = KnownValues(find)
    known.masked([hash_of(Kind.EMAIL, MAIL)], 1.0)
    known.learn(OUTSIDE)
    assert Audit(known, find).findings(sent(body(MAIL))) == ()


# --- names --------------------------------------------------------------------------------------

NAMES = {
    "masked, and there": ({"masked": {"EMAIL": 1}}, ABOUT_HER, [("PERSON", "plain")]),
    "masked, and in capitals": ({"masked": {"EMAIL": 1}}, "ANNA WEBER", [("PERSON", "plain")]),
    "masked, and a longer word": ({"masked": {"EMAIL": 1}}, "Joanna Weber", []),
    "not masked": ({}, ABOUT_HER, []),
    "in another chat": ({"masked": {"EMAIL": 1}, "chat_id": "chat-2"}, ABOUT_HER, []),
    "without a chat": ({"masked": {"EMAIL": 1}, "chat_id": None}, ABOUT_HER, []),
    "before it was known": ({"masked": {"EMAIL": 1}, "at": 5.0}, ABOUT_HER, []),
}


@pytest.mark.parametrize(("changes", "text", "expected"), NAMES.values(), ids=NAMES)
def test_names(changes: dict[str, Any], text: str, expected: list[tuple[str, str]]) -> None:
    assert [kind.value for kind, _ in values_in(ABOUT_HER, find)] == ["PERSON"]
    assert ways([kept(ABOUT_HER)], sent(body(text), **changes)) == expected


def test_a_name_that_the_cloud_brought_up_is_no_secret() -> None:
    texts = [kept(HARMLESS, ABOUT_HER, is_from_cloud=True)]
    assert ways(texts, sent(body(ABOUT_HER), masked={"EMAIL": 1})) == []


def test_a_name_without_a_chat_is_not_kept() -> None:
    assert ways([kept(ABOUT_HER, chat_id=None)], sent(body(NAME), masked={"EMAIL": 1})) == []


# --- what it does not do ------------------------------------------------------------------------


def test_nothing_shows_a_value() -> None:
    known = KnownValues(find, hash_of)
    text, call = kept(f"My mail is {MAIL}.", MAIL), sent(body(MAIL))
    known.learn(text)
    shown = [text, call, known, Audit(known, find), *Audit(known, find).findings(call)]
    assert MAIL not in repr(shown)


def test_a_text_that_the_detector_breaks_on_is_counted() -> None:
    def breaks(text: str) -> tuple[Span, ...]:
        if "bad" in text:
            raise HalError(text)
        return find(text)

    counting = CountingFind(breaks)
    known = KnownValues(counting)
    known.learn(kept(f"bad {CARD}", MAIL))
    findings = Audit(known, counting).findings(sent(body(MAIL, f"bad {CARD}")))
    assert [found.kind for found in findings] == [Kind.EMAIL]
    assert counting.failed == 2


def test_a_message_that_is_sent_again_is_read_once() -> None:
    read: list[str] = []

    def counted(text: str) -> tuple[Span, ...]:
        read.append(text)
        return find(text)

    audit = Audit(KnownValues(counted), counted)
    for number in range(1, 30):
        assert audit.findings(sent(body(*(f"message {n}" for n in range(number))))) == ()
    assert sum(text.startswith("message ") for text in read) == 29
