"""The token's spellings: what is taken for one, what is not, and what a stream has to wait for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.privacy.grammar import Ahead, Behind, Chain, Choice, Framed, Literal, Node, OneOf, Repeat
from hal.privacy.kinds import Kind
from hal.privacy.tokens import (
    ALL_TYPES,
    TYPE_NAMES,
    LookAlikes,
    Token,
    TokenGrammar,
    format_token,
    nonce_for,
    occurs,
)
from tests.core.things import fixed

KEY = b"a key of this test"
GRAMMAR = TokenGrammar("7K2", ALL_TYPES)


def found(text: str) -> tuple[str, Token] | None:
    match = GRAMMAR.find(text)
    return (match.group(), GRAMMAR.read(match.group())) if match else None


ONE = Token("PERSON", 1, "", "")

TAKEN = {
    "as written": "[[PERSON_7K2_1]]",
    "lower case": "[[person_7k2_1]]",
    "spaces within": "[[ PERSON_7K2_1 ]]",
    "single brackets": "[PERSON_7K2_1]",
    "one closing bracket lost": "[[PERSON_7K2_1]",
    "no closing brackets": "[[PERSON_7K2_1",
    "no opening brackets": "PERSON_7K2_1]]",
    "one opening bracket lost": "[PERSON_7K2_1]]",
    "no brackets": "PERSON_7K2_1",
    "escaped underscores": "[[PERSON\\_7K2\\_1]]",
    "escaped brackets": "\\[\\[PERSON\\_7K2\\_1\\]\\]",
    "escaped single brackets": "\\[PERSON_7K2_1\\]",
    "doubled underscores": "[[PERSON__7K2__1]]",
    "spaces for underscores": "[[PERSON 7K2 1]]",
    "hyphens for underscores": "[[PERSON-7K2-1]]",
    "a hyphen that does not break": "[[PERSON‑7K2‑1]]",
    "wrapped after the type": "[[PERSON_\n7K2_1]]",
    "wrapped before the number": "[[PERSON_7K2\r\n_1]]",
    "wrapped after the brackets": "[[\nPERSON_7K2_1]]",
    "angle brackets": "<PERSON_7K2_1>",
    "angle brackets in HTML": "&lt;PERSON_7K2_1&gt;",
    "square brackets in HTML": "&#91;&#91;PERSON_7K2_1&#93;&#93;",
    "brackets in a URL": "%5B%5BPERSON_7K2_1%5D%5D",
    "braces": "{{PERSON_7K2_1}}",
    "mathematical brackets": "⟦PERSON_7K2_1⟧",
    "Chinese brackets": "【PERSON_7K2_1】",
}


@pytest.mark.parametrize("spelling", TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("around", ["{}", "so {}, he", "*{}*", "**{}**", "`{}`", "({})", "王{}王"])
def test_a_spelling_is_taken_whole(spelling: str, around: str) -> None:
    assert found(around.format(spelling)) == (spelling, ONE)


ENDINGS = {
    "a genitive": ("[[PERSON_7K2_1's]]", "'s"),
    "a typographic genitive": ("[[PERSON_7K2_1’s]]", "’s"),
    "a plural": ("[[PERSON_7K2_1s]]", "s"),
    "a full stop": ("[[PERSON_7K2_1.]]", "."),
}


@pytest.mark.parametrize(("spelling", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_an_ending_within_the_brackets_is_kept(spelling: str, ending: str) -> None:
    assert found(spelling) == (spelling, Token("PERSON", 1, "", ending))


PARTLY = {
    "a genitive": ("PERSON_7K2_1's car", "PERSON_7K2_1", ONE),
    "a plural": ("the PERSON_7K2_1s", "PERSON_7K2_1", ONE),
    "an inflection": ("PERSON_7K2_1owi", "PERSON_7K2_1", ONE),
    "after an index": ("x[PERSON_7K2_1]", "PERSON_7K2_1", ONE),
    "in a list": ("[PERSON_7K2_1, b]", "PERSON_7K2_1", ONE),
    "a link": ("[PERSON_7K2_1](http://x)", "PERSON_7K2_1", ONE),
    "a link around ours": ("[[[PERSON_7K2_1]]](u)", "[[PERSON_7K2_1]]", ONE),
    "a list of one": ("[PERSON_7K2_1]", "[PERSON_7K2_1]", ONE),
    "emphasis": ("_PERSON_7K2_1_", "PERSON_7K2_1", ONE),
    "glued to a word": ("Herr[[PERSON_7K2_1]]", "[[PERSON_7K2_1]]", ONE),
    "after a backslash": ("C:\\[[PERSON_7K2_1]]", "[[PERSON_7K2_1]]", ONE),
    "a part": ("[[PERSON_7K2_1_LAST]]", "[[PERSON_7K2_1_LAST]]", Token("PERSON", 1, "LAST", "")),
    "a part with spaces": (
        "[[person 7k2 1 last]]",
        "[[person 7k2 1 last]]",
        Token("PERSON", 1, "LAST", ""),
    ),
    "a word that could be a part": ("PERSON_7K2_1 last saw", "PERSON_7K2_1", ONE),
    "two in a row": ("[[PERSON_7K2_12]][[PERSON_7K2_1]]", "[[PERSON_7K2_12]]", None),
}


@pytest.mark.parametrize(("text", "taken", "token"), PARTLY.values(), ids=PARTLY)
def test_what_is_taken_of_a_longer_text(text: str, taken: str, token: Token | None) -> None:
    spelling, read = found(text) or ("", None)
    assert spelling == taken
    assert token is None or read == token


REFUSED = {
    "another nonce": "[[PERSON_7K3_1]]",
    "another type": "[[SSN_7K2_1]]",
    "no number": "[[PERSON_7K2_]]",
    "number zero": "[[PERSON_7K2_0]]",
    "a leading zero": "[[PERSON_7K2_01]]",
    "six digits": "[[PERSON_7K2_123456]]",
    "a word before": "XPERSON_7K2_1",
    "a longer type": "NATIONAL_ID_7K2_1",
    "a digit before": "1ID_7K2_1",
    "three separators": "[[PERSON___7K2_1]]",
    "a letter missing": "[[PERSN_7K2_1]]",
    "no separator": "[[PERSON_7K21]]",
    "digits of another script": "[[PERSON_7K2_١]]",
    "ordinary text": "the ID and 7K2 and 1",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_no_token(text: str) -> None:
    assert found(text) is None


@pytest.mark.parametrize("spelling", TAKEN.values(), ids=TAKEN)
def test_each_beginning_of_a_spelling_is_waited_for(spelling: str) -> None:
    for end in range(1, len(spelling)):
        assert GRAMMAR.pending_from("so " + spelling[:end]) == 3


@pytest.mark.parametrize(
    "text", ["[[PERSON_\\", "[[PERSON_7K2_\\", "[[PERSON \r", "PERSON_7K2_1_\\"]
)
def test_each_beginning_of_a_second_separator_is_waited_for(text: str) -> None:
    assert GRAMMAR.pending_from(text) == 0


DECIDED = ["[[PERSON_7K2_1]]", "<ID_7K2_12>", "⟦ID_7K2_12⟧", "hello", "Personal", "a.", " ", "x]"]
DECIDED += ["[[x", "ID_7K2_1x", "PERSON_7K2_123456", "[[PERSON_7K3", "XPERS", "idle", "7K2", "12"]


@pytest.mark.parametrize("text", DECIDED)
def test_nothing_to_wait_for(text: str) -> None:
    assert GRAMMAR.pending_from(text) == len(text)


def test_only_types_that_exist_are_waited_for() -> None:
    few = TokenGrammar("7K2", {"EMAIL"})
    assert few.pending_from("so p") == 4
    assert few.pending_from("so e") == 3


def test_no_spelling_is_longer_than_what_may_be_held() -> None:
    assert max(map(len, TAKEN.values())) <= GRAMMAR.longest <= 64


@fixed
@given(
    st.sampled_from(sorted(set(TYPE_NAMES.values()))),
    st.integers(1, 99_999),
    st.text("BCDFGHJKMNPQRSTVWXZ23456789", min_size=3, max_size=3),
)
def test_a_token_reads_as_what_it_was_made_from(name: str, number: int, nonce: str) -> None:
    grammar = TokenGrammar(nonce, {name})
    token = format_token(name, nonce, number)
    match = grammar.find(token)
    assert match is not None
    assert match.group() == token
    assert grammar.read(token) == Token(name, number, "", "")


def test_type_names_are_neutral_and_complete() -> None:
    assert set(TYPE_NAMES) == set(Kind)
    for name in ALL_TYPES:
        assert re.fullmatch("[A-Z]{2,8}", name)
        assert name not in ("SSN", "IBAN", "CREDIT_CARD", "MRN", "DOB")


def test_the_nonce_is_that_of_key_and_chat() -> None:
    first = nonce_for(KEY, "chat", lambda nonce: False)
    assert nonce_for(KEY, "chat", lambda nonce: False) == first
    assert nonce_for(b"another", "chat", lambda nonce: False) != first
    many = {nonce_for(KEY, f"chat {n}", lambda nonce: False) for n in range(500)}
    assert len(many) > 450
    for nonce in many:
        assert re.fullmatch("[BCDFGHJKMNPQRSTVWXZ2-9]{3}", nonce)
        assert not nonce.isdigit()
        assert not nonce.isalpha()


def test_an_occupied_nonce_is_passed_over() -> None:
    seen: list[str] = []

    def first_two(nonce: str) -> bool:
        seen.append(nonce)
        return len(seen) <= 2

    assert nonce_for(KEY, "chat", first_two) == seen[2]
    assert len(set(seen)) == 3
    assert nonce_for(KEY, "chat", lambda nonce: True)  # a text that holds them all is masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[PERSON_7K2_1]]", True),
        ("xID_7k2_000012", True),
        ("a part 7K2 of anything, ID 7K3 1", False),
        ("", False),
    ],
)
def test_what_occupies_a_nonce(text: str, expected: bool) -> None:
    assert occurs("7K2", ["nothing", text]) is expected
    assert any(LookAlikes("7K2").find(text)) is expected


NODES: dict[str, Node] = {
    "a word": Literal("ab"),
    "a choice with a common beginning": Choice((Literal("ab"), Literal("abc"), Literal("b"))),
    "a repeat": Repeat(Literal("ab"), 1, 3),
    "a condition": Chain((Repeat(OneOf("[ab]"), 1, 2), Ahead("(?!c)"))),
    "a start": Chain((Behind("(?<!a)"), Literal("bc"))),
    "frames": Framed(
        "f", ((Literal("a"), Literal("b")), (Literal("aa"), Literal("c"))), Literal("c")
    ),
    "open frames": Framed("f", ((Literal("b"), Repeat(Literal("b"), 0, 1)),), Literal("a")),
}


@pytest.mark.parametrize("node", NODES.values(), ids=NODES)
@settings(fixed, max_examples=600)
@given(st.text("abc", max_size=7), st.text("abc", max_size=4))
def test_what_is_not_pending_is_decided(node: Node, text: str, later: str) -> None:
    """The rule on which streaming rests, for grammars small enough to meet every case."""
    full, pending = re.compile(node.full()), re.compile(f"(?:{node.pending() or '(?!)'})\\Z")
    held = pending.search(text)
    end = held.start() if held else len(text)
    now = [m.span() for m in full.finditer(text) if m.start() < end]
    then = [m.span() for m in full.finditer(text + later) if m.start() < end]
    assert now == then
