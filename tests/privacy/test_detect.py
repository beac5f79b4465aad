"""The detector as a whole: merging, the cache, the allow-list, failure, and any text at all."""

from __future__ import annotations

import base64
import random
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.detect import FINDERS, DetectionFailed, Detector, merged
from hal.privacy.found import Found, Priority
from hal.privacy.kinds import Kind, Span
from hal.privacy.name_lists import NameLists
from hal.privacy.values import normalise
from tests.core.things import fixed

MAIL = "anna.lund@firma.de"
NAMES = NameLists.load()

MERGES = {
    "apart": ([(0, 4, "EMAIL", 50), (4, 8, "PHONE", 50)], [(0, 4, "EMAIL"), (4, 8, "PHONE")]),
    "unsorted": ([(6, 8, "IP", 50), (0, 4, "EMAIL", 50)], [(0, 4, "EMAIL"), (6, 8, "IP")]),
    "priority": ([(0, 9, "PHONE", 60), (3, 5, "IBAN", 80)], [(3, 5, "IBAN")]),
    "longer": ([(0, 4, "PHONE", 60), (2, 9, "IP", 60)], [(2, 9, "IP")]),
    "earlier": ([(2, 6, "IP", 60), (0, 4, "PHONE", 60)], [(0, 4, "PHONE")]),
    "the same": ([(0, 4, "PHONE", 60), (0, 4, "PHONE", 60)], [(0, 4, "PHONE")]),
    "both sides of a winner": (
        [(0, 9, "PERSON", 40), (0, 3, "IP", 50), (3, 5, "IBAN", 80), (5, 9, "MAC", 50)],
        [(0, 3, "IP"), (3, 5, "IBAN"), (5, 9, "MAC")],
    ),
    "nothing": ([], []),
}


@pytest.mark.parametrize(("given_", "expected"), MERGES.values(), ids=MERGES)
def test_the_sure_one_wins_then_the_longer_then_the_earlier(
    given_: list[tuple[int, int, str, int]], expected: list[tuple[int, int, str]]
) -> None:
    spans = merged([Found(start, end, Kind(kind), rank) for start, end, kind, rank in given_])
    assert [(span.start, span.end, span.kind.value) for span in spans] == expected


WHOLE = {
    "a mail within a login": ("postgres://anna:S0mmer77x@firma.de/db", ["URL_CRED"]),
    "a card within a phone's shape": ("call 5130 1467 3002 4588", ["CREDIT_CARD"]),
    "an account, not a phone": ("Tel. DE38 4618 2276 5939 4567 28", ["IBAN"]),
    "two kinds": (f"{MAIL}, +49 170 1234567", ["EMAIL", "PHONE"]),
    "a name and a mail": (f"Anna Lund <{MAIL}>", ["PERSON", "EMAIL"]),
    "nothing": ("How do I sort a list of dictionaries by a key in Python?", []),
}


@pytest.mark.parametrize(("text", "kinds"), WHOLE.values(), ids=WHOLE)
def test_all_finders_together(text: str, kinds: list[str]) -> None:
    assert [span.kind.value for span in Detector(NAMES).find(text)] == kinds


def counted(calls: list[str]) -> Detector:
    def finder(text: str) -> Iterator[Found]:
        calls.append(text)
        yield Found(0, 1, Kind.IP, Priority.SHAPE)

    return Detector(finders=[finder], cache_entries=2)


def test_a_text_is_read_once_and_the_oldest_is_forgotten() -> None:
    calls: list[str] = []
    detector = counted(calls)
    for text in ("a", "b", "a", "a", "c", "a", "b"):
        assert detector.find(text) == (Span(0, 1, Kind.IP),)
    assert calls == ["a", "b", "c", "b"]


def test_the_cache_holds_no_text() -> None:
    detector = Detector()
    detector.find(f"write to {MAIL}")
    assert MAIL not in repr(vars(detector))


def test_the_allow_list_is_asked_on_every_call() -> None:
    allowed: set[str] = set()
    detector = Detector(allow=lambda kind, value: normalise(kind, value) in allowed)
    assert len(detector.find(MAIL)) == 1
    allowed.add(normalise(Kind.EMAIL, MAIL.upper()))
    assert detector.find(MAIL) == ()
    assert len(detector.find("other@firma.de")) == 1


def test_a_broken_finder_is_told_without_the_text() -> None:
    def broken(text: str) -> Iterator[Found]:
        yield Found(0, 1, Kind.IP, Priority.SHAPE)
        raise ValueError(f"cannot read {text}")

    detector = Detector(finders=[*FINDERS, broken])
    for _ in range(2):  # a failure is not kept as "nothing found"
        with pytest.raises(DetectionFailed, match="ValueError") as caught:
            detector.find(MAIL)
        assert MAIL not in "".join(traceback.format_exception(caught.value))


VALUES = {
    "mail": (Kind.EMAIL, "Anna@Firma.DE ", "anna@firma.de"),
    "card": (Kind.CREDIT_CARD, "5130 1467-3002 4588", "5130146730024588"),
    "iban": (Kind.IBAN, "de38 4618 2276", "DE3846182276"),
    "phone": (Kind.PHONE, "+49 (0)170 / 12 34", "+491701234"),
    "phone, two zeros": (Kind.PHONE, "0049 170 1234", "+491701234"),
    "phone, national": (Kind.PHONE, "0170-1234", "01701234"),
    "mac": (Kind.MAC, "8d-60-94-7f-e2-18", "8D60947FE218"),
    "person": (Kind.PERSON, "Anna \n Lund", "anna lund"),
    "secret": (Kind.SECRET, "AbC", "AbC"),
    "wide characters": (Kind.CREDIT_CARD, "５１３０", "5130"),
}


@pytest.mark.parametrize(("kind", "value", "plain"), VALUES.values(), ids=VALUES)
def test_one_spelling_per_value(kind: Kind, value: str, plain: str) -> None:
    assert normalise(kind, value) == plain
    assert normalise(kind, plain) == plain


PIECES = st.sampled_from(
    (
        *(MAIL, "@", "://", "anna:pw1@host", "key=", "password: ", "is ", "DE38", "4618 2276 5939"),
        *("5130 1467 3002 4588", "+49", "0170 1234567", "-----BEGIN ", "PRIVATE KEY-----", "eyJ"),
        *("passport ", "SSN ", "536-90-4399", "\n", " ", ".", "İ", "ß", "\u200b", "\ud800", "P<"),
        *("<<", "0x", "Anna Lund", "12 Main St", "born 1.2.1990", "B-AB 123", "MRN 123456"),
        *("ab" * 20, "{", '"', "\\"),
    )
)


@fixed
@given(st.lists(PIECES | st.text(max_size=5), max_size=14).map("".join))
def test_any_text_gives_sorted_spans_within_it(text: str) -> None:
    end = 0
    for span in Detector(NAMES).find(text):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@fixed
@given(st.text(max_size=40), st.text(max_size=40))
def test_a_mail_is_found_wherever_it_stands(before: str, after: str) -> None:
    text = f"{before} {MAIL} {after}"
    spans = Detector().find(text)
    at = len(before) + 1
    assert any(span.start <= at and span.end >= at + len(MAIL) for span in spans)


CHARS = 60_000
DIGITS = "".join(random.Random(1).choices("0123456789", k=CHARS))
HEAVY = {
    "base64": base64.b64encode(random.Random(2).randbytes(CHARS * 3 // 4)).decode(),
    "at signs": "a@" * (CHARS // 2),
    "addresses without an end": "a.b-c@d." * (CHARS // 8),
    "digits": DIGITS,
    "digits and spaces": " ".join(DIGITS[: CHARS // 2]),
    "groups of digits": " ".join(DIGITS[at : at + 4] for at in range(0, CHARS, 4)),
    "phone numbers": "".join(
        f"0{DIGITS[at : at + 3]} {DIGITS[at : at + 7]} " for at in range(0, CHARS, 13)
    ),
    "cyrillic": "привет мир " * (CHARS // 11),
    "one cyrillic letter": "п" * CHARS,
    "brackets": "(" * CHARS,
    "spaces": " " * CHARS,
    "newlines": "\n" * CHARS,
    "letters": "a" * CHARS,
    "schemes": "a://" * (CHARS // 4),
    "logins": "a://a:a" * (CHARS // 7),
    "names of keys": "key=" * (CHARS // 4),
    "names of passwords": "password is " * (CHARS // 12),
    "tokens": "eyJhbGciOiJI." * (CHARS // 13),
    "beginnings of keys": ("-----BEGIN RSA PRIV" + "ATE KEY-----\n") * (CHARS // 32),
    "beginnings of accounts": "DE12 3456 " * (CHARS // 10),
    "passports": "passport a a a a " * (CHARS // 17),
    "lines of passports": "P<" * (CHARS // 2),
    "at and dot": " at a dot" * (CHARS // 9),
    "prefixes": "ghp_xoxb-1-sk-" * (CHARS // 14),
    "names": "Anna Lund " * (CHARS // 10),
}


@pytest.mark.timeout(20)  # a hang guard, ten times what the slowest needs
@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_long_texts_come_to_an_end(text: str) -> None:
    spans = Detector(NAMES).find(text)
    assert all(span.end <= len(text) for span in spans)


def test_threads_share_one_cache() -> None:
    """More texts than the cache holds, so that threads evict what others are about to use."""
    detector = Detector(cache_entries=4)
    texts = [f"mail anna{number}@firma.de" for number in range(12)] * 40
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector.find, texts))
    assert {len(spans) for spans in found} == {1}
