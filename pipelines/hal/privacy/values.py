"""The form under which two spellings are one value.

Pure. Used by the allow-list, the token vault and the audit. It does not check a value, and it does
not know that a phone number without its country code may be the same number with it.
"""

from __future__ import annotations

import re
import unicodedata

from .kinds import Kind

# Kinds whose separators carry no meaning, and whose letters have no case.
_NUMBERS = frozenset(
    {
        Kind.PHONE,
        Kind.CREDIT_CARD,
        Kind.IBAN,
        Kind.NATIONAL_ID,
        Kind.MAC,
        Kind.PLATE,
        Kind.MRN,
    }
)
_CASELESS = frozenset({Kind.EMAIL, Kind.PERSON, Kind.ADDRESS, Kind.IP, Kind.DOB})
_SEPARATORS = re.compile(r"[^0-9A-Za-z+]+")
_SPACES = re.compile(r"\s+")


def lower(text: str) -> str:
    """Lower case with the same offsets: a letter that would grow (the Turkish İ) stays as it is."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def normalise(kind: Kind, value: str) -> str:
    """One spelling per value; the empty string only if nothing but separators was given."""
    value = unicodedata.normalize("NFKC", value).strip()
    if kind in _NUMBERS:
        return _number(kind, value)
    if kind in _CASELESS:
        return _SPACES.sub(" ", value).casefold()
    return value


def _number(kind: Kind, value: str) -> str:
    plain = _SEPARATORS.sub("", value).upper()
    if kind is not Kind.PHONE:
        return plain.replace("+", "")
    # A trunk zero in brackets is not dialled from abroad: +44 (0)20 is +44 20.
    if value.startswith("+"):
        plain = _SEPARATORS.sub("", value.replace("(0)", "", 1)).upper()
    return "+" + plain[2:] if plain.startswith("00") else plain
