"""Restoring: the same for every chunking, little held back, and never somebody else's value."""

from __future__ import annotations

import json
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.kinds import Kind
from hal.privacy.restore import Restorer, restore, restore_json
from hal.privacy.vault import Vault
from tests.core.things import fixed

HELD_CHARS = 64


def filled() -> Vault:
    """Persons and mail addresses 1 to 12, an identity number and an address on two lines."""
    vault = Vault("7K2")
    for number in range(1, 13):
        vault.token_for(Kind.PERSON, f"Vorname{number} Name{number}")
        vault.token_for(Kind.EMAIL, f"mail{number}@b.de")
    vault.token_for(Kind.NATIONAL_ID, "<123>")
    vault.token_for(Kind.ADDRESS, 'Weg "1"\nOrt ü')
    return vault


VAULT = filled()


def streamed(pieces: list[str], vault: Vault = VAULT) -> tuple[str, int]:
    """What came out, and the most that was held back."""
    restorer, out, most = Restorer(vault), [], 0
    for piece in pieces:
        out.append(restorer.feed(piece))
        most = max(most, restorer.held_chars)
    return "".join(out) + restorer.flush(), most


CASES = {
    "as written": ("Hi [[PERSON_7K2_1]]!", "Hi Vorname1 Name1!"),
    "a genitive": ("[[PERSON_7K2_1]]'s", "Vorname1 Name1's"),
    "a plural without brackets": ("PERSON_7K2_1s", "Vorname1 Name1s"),
    "an ending within": ("[[PERSON_7K2_1_LAST’s]].", "Name1’s."),
    "a part": ("[[PERSON_7K2_12_LAST]]", "Name12"),
    "two": ("[[PERSON_7K2_1]][[EMAIL_7K2_12]]", "Vorname1 Name1mail12@b.de"),
    "in bold": ("**[[PERSON_7K2_2]]**", "**Vorname2 Name2**"),
    "wrapped": ("[[PERSON_\n7K2_2]]", "Vorname2 Name2"),
    "an unknown number": ("[[PERSON_7K2_13]]", "[[PERSON_7K2_13]]"),
    "another nonce": ("[[PERSON_7K3_1]]", "[[PERSON_7K3_1]]"),
    "another type": ("[[PHONE_7K2_1]]", "[[PHONE_7K2_1]]"),
    "a value that reads like markup": ("[[ID_7K2_1]]", "<123>"),
    "for a URL": ("?q=%5B%5BPERSON_7K2_1%5D%5D", "?q=Vorname1%20Name1"),
    "a link": ("[PERSON_7K2_1](u)", "[Vorname1 Name1](u)"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_what_comes_back(text: str, expected: str) -> None:
    assert restore(text, VAULT) == expected
    assert streamed(list(text))[0] == expected
    assert streamed([text])[0] == expected


def test_what_is_counted() -> None:
    restorer = Restorer(VAULT)
    restorer.feed("[[PERSON_7K2_1]] [[PERSON_7K2_13]] [[EMAIL_7K2_1]] PERSON_7K2_")
    assert (restorer.restored, restorer.unknown) == (2, 1)
    restorer.feed("3")
    restorer.flush()
    assert (restorer.restored, restorer.unknown) == (3, 1)


def test_what_is_sure_leaves_at_once() -> None:
    restorer = Restorer(VAULT)
    assert restorer.feed("Dear [[PERSON_7K2_1]]") == "Dear Vorname1 Name1"
    assert restorer.feed(", a [link") == ", a [link"
    assert restorer.feed(" [[PER") == " "
    assert restorer.feed("FECT") == "[[PERFECT"
    assert restorer.feed(" E") == " "
    assert restorer.feed("in Per") == "Ein "
    assert restorer.feed("son_7k2_1") == ""
    assert restorer.feed("2") == ""
    assert restorer.feed(" is") == "Vorname12 Name12 is"
    assert restorer.flush() == ""


def test_the_boundary_before_a_token_outlives_the_piece() -> None:
    assert streamed(["NATIONAL_", "ID_7K2_1"])[0] == "NATIONAL_ID_7K2_1"
    assert streamed(["NATIONAL", "_", "ID_7K2_1"])[0] == "NATIONAL_ID_7K2_1"
    assert streamed([" _", "ID_7K2_1"])[0] == " _<123>"


def test_an_empty_vault_holds_nothing_back() -> None:
    text = "[[PERSON_7K2_1]] [[P"
    restorer = Restorer(Vault("7K2"))
    assert restorer.feed(text) == text
    assert restorer.flush() == ""
    assert restorer.unknown == 0


def test_of_ordinary_prose_only_beginnings_of_types_are_held() -> None:
    text = "The parser reads each line, then emits an event per item; please see the plain docs. "
    restorer, held = Restorer(VAULT), set()
    for word in text.split():
        restorer.feed(" " + word)
        if restorer.held_chars:
            held.add(word)
    assert held == {"per"}


def pieces_of(text: str, random_: random.Random) -> list[str]:
    longest = random_.choice((1, 2, 8, 30))
    pieces = []
    while text:
        size = random_.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


BRACKETS = [
    "[",
    "]",
    "[[",
    "]]",
    "<",
    ">",
    "{{",
    "}}",
    "⟦",
    "⟧",
    "&lt;",
    "&gt;",
    "%5B",
    "\\[",
    "\\]",
]
NAMES = ["PERSON", "person", "EMAIL", "ID", "PLACE", "P", "PER", "E", "SSN", "LAST", "FIRST"]
BETWEEN = ["_", "\\_", "__", " ", "-", "\n", "\r\n", "\u00a0"]
CODES = ["7K2", "7k2", "7", "K2", "7K3", "1", "2", "12", "0", "9", "123456"]
TOKENS = ["[[PERSON_7K2_1]]", "PERSON_7K2_12_LAST", "&lt;EMAIL\\_7K2\\_3&gt;", "[ID_7K2_1]"]
ALPHABETS = {
    "brackets": BRACKETS + TOKENS,
    "names": NAMES + BETWEEN + ["7K2_1", "[["],
    "codes": [*CODES, "_", "PERSON_", "ID_", "]]", "("],
    "everything": BRACKETS + NAMES + BETWEEN + CODES + TOKENS + list("xés王.,'("),
    "letters": list("PERSONID_7K2[]1 \n"),
    "prose": ["Dear ", "please ", "the ", "[[PERSON_7K2_3]]", "'s ", "email ", ". ", "ID ", "\n"],
}


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_however_it_is_cut(alphabet: list[str]) -> None:
    """20,000 texts, in equal shares."""
    random_, most, restored = random.Random(7), 0, 0
    for _ in range(20_000 // len(ALPHABETS) + 1):
        text = "".join(random_.choices(alphabet, k=random_.randint(1, 14)))
        if random_.random() < 0.5:
            text += damaged(random_.choice(TOKENS), random_)
        whole = restore(text, VAULT)
        came, held = streamed(pieces_of(text, random_))
        assert came == whole, text
        most = max(most, held)
        restored += whole != text
    assert most <= HELD_CHARS
    assert restored > 200


def damaged(token: str, random_: random.Random) -> str:
    """With one character lost, doubled or replaced, or none."""
    at = random_.randrange(len(token))
    instead = random_.choice((token[at], "", token[at] * 2, random_.choice("_\\ -[]17KPs\n")))
    return token[:at] + instead + token[at + 1 :]


@fixed
@given(st.text(max_size=40), st.randoms(use_true_random=False))
def test_any_text_at_all(text: str, random_: random.Random) -> None:
    assert restore(text, VAULT) == text
    assert streamed(pieces_of(text, random_))[0] == text


def test_long_and_hostile_texts_hold_little() -> None:
    for unit in ("[[", "PERSON_7K2_", "P", "\\", "[[ ", "_", "&lt;", "1", "PERSON_7K2_1"):
        came, held = streamed([unit] * 3000)
        assert came == restore(unit * 3000, VAULT)
        assert held <= HELD_CHARS


@pytest.mark.parametrize("number", [1, 12])
@pytest.mark.parametrize("frame", ["[[{}]]", "[{}]", "{}", "&lt;{}&gt;"])
def test_damage_outside_the_number_never_gives_somebody_else(number: int, frame: str) -> None:
    """Within the number it does: a digit more or less is another number, and who could know."""
    others = [char for char in string.printable if not char.isdigit()]
    before, after = frame.format(f"PERSON_7K2_{number}").split(str(number), 1)
    if str(number) in before:  # the digits of the nonce come first
        raise AssertionError("the number has to be where it is first")
    for head, tail in ((before, True), (after, False)):
        for at, char in enumerate(head):
            for instead in ("", char * 2, *others):
                changed = head[:at] + instead + head[at + 1 :]
                text = f"{changed}{number}{after}" if tail else f"{before}{number}{changed}"
                assert restored_names(text) <= {number}, text


@fixed
@given(st.lists(st.sampled_from(TOKENS + BRACKETS + BETWEEN), max_size=8).map("".join))
def test_the_tokens_of_another_chat_are_text(text: str) -> None:
    other = Vault("8K2")
    for number in range(1, 13):
        other.token_for(Kind.PERSON, f"Andere{number} Anders{number}")
    assert restore(text, other) == text


def restored_names(text: str) -> set[int]:
    came = restore(text, VAULT)
    return {number for number in range(1, 13) if f"Vorname{number} " in came}


# --- Tool calls -------------------------------------------------------------------------------

ARGUMENTS = {
    "in a string": ('{"to": "[[PERSON_7K2_1]]"}', {"to": "Vorname1 Name1"}),
    "within a string": ('{"q": "for [[ID_7K2_1]]."}', {"q": "for <123>."}),
    "with marks and lines": ('{"a": "[[PLACE_7K2_1]]"}', {"a": 'Weg "1"\nOrt ü'}),
    "as a key": ('{"[[ID_7K2_1]]": 1}', {"<123>": 1}),
    "escaped underscores": ('["PERSON\\\\_7K2\\\\_1"]', ["Vorname1 Name1"]),
    "escaped brackets": ('["\\u005b\\u005bID_7K2_1]]"]', ["<123>"]),
    "a bare string": ('"[[ID_7K2_1]]"', "<123>"),
}


@pytest.mark.parametrize(("text", "expected"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_stay_json(text: str, expected: object) -> None:
    assert json.loads(restore_json(text, VAULT)) == expected


def test_arguments_without_a_token_stay_as_they_are() -> None:
    text = '{ "a" : "\\u00e9\\/", "n": 1.50e3, "a": [true,null] }'
    assert restore_json(text, VAULT) == text


def test_arguments_cut_short_are_escaped_all_the_same() -> None:
    assert restore_json('{"a": "[[PLACE_7K2_1]] and \\u00', VAULT) == (
        '{"a": "Weg \\"1\\"\\nOrt \\u00fc and u00'
    )


def test_text_that_is_no_json_is_restored_as_text() -> None:
    assert restore_json('say "[[PLACE_7K2_1]]"', VAULT) == 'say "Weg "1"\nOrt ü"'


@fixed
@given(
    st.recursive(st.sampled_from(["[[PLACE_7K2_1]]", "x", '"\\']), lambda inner: st.lists(inner))
)
def test_any_arguments_stay_json(value: object) -> None:
    came = json.loads(restore_json(json.dumps(value), VAULT))
    assert json.dumps(came) == json.dumps(value).replace(
        "[[PLACE_7K2_1]]", json.dumps('Weg "1"\nOrt ü')[1:-1]
    )
