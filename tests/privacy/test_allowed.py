"""Allowed values: found under every spelling, and by nobody without the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.allowed import AllowedValues, value_hash
from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind
from hal.privacy.values import normalise
from tests.core.things import fixed

KEY, OTHER = b"k" * 32, b"o" * 32
MAIL = "jane.doe@meridian-data.net"
kinds = st.sampled_from(Kind)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Kind.EMAIL, MAIL, f" {MAIL.upper()}\n"),
        (Kind.PHONE, "+49 (0)170 1234567", "0049-170-1234567"),
        (Kind.CREDIT_CARD, "4539 1488 0343 6467", "4539-1488-0343-6467"),
        (Kind.PERSON, "Jürgen  Müller", "JÜRGEN MÜLLER"),
    ],
)
def test_every_spelling_has_the_same_hash(kind: Kind, one: str, other: str) -> None:
    assert value_hash(KEY, kind, one) == value_hash(KEY, kind, other)


def test_a_hash_is_of_a_key_a_kind_and_a_value() -> None:
    hashes = {
        value_hash(KEY, Kind.EMAIL, MAIL),
        value_hash(OTHER, Kind.EMAIL, MAIL),
        value_hash(KEY, Kind.PERSON, MAIL),
        value_hash(KEY, Kind.EMAIL, f"x{MAIL}"),
    }
    assert len(hashes) == 4
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in hashes)


@fixed
@given(kinds, st.text(max_size=20), st.text(max_size=20))
def test_hashes_are_equal_where_the_values_are(kind: Kind, one: str, other: str) -> None:
    same = normalise(kind, one) == normalise(kind, other)
    assert (value_hash(KEY, kind, one) == value_hash(KEY, kind, other)) is same


@fixed
@given(kinds, st.text())
def test_half_a_surrogate_pair_has_a_hash(kind: Kind, text: str) -> None:
    assert len(value_hash(KEY, kind, f"\ud800{text}")) == 64


def test_who_is_allowed() -> None:
    allowed = AllowedValues(KEY, [value_hash(KEY, Kind.EMAIL, MAIL)])
    assert len(allowed) == 1
    assert allowed(Kind.EMAIL, MAIL.title())
    assert not allowed(Kind.PERSON, MAIL)
    assert not allowed(Kind.EMAIL, f"x{MAIL}")
    assert not AllowedValues(OTHER, [value_hash(KEY, Kind.EMAIL, MAIL)])(Kind.EMAIL, MAIL)


def test_nobody_is_allowed_by_an_empty_list() -> None:
    assert not AllowedValues(KEY)(Kind.EMAIL, MAIL)
    assert MAIL not in repr(AllowedValues(KEY, [MAIL]))


def test_the_detector_leaves_it_out_and_finds_the_others() -> None:
    allowed = AllowedValues(KEY, [value_hash(KEY, Kind.EMAIL, MAIL)])
    text = f"{MAIL}, x.y@meridian-data.net"
    (span,) = Detector(allow=allowed).find(text)
    assert text[span.start : span.end] == "x.y@meridian-data.net"
