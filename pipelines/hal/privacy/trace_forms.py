"""The forms in which a private value may stand in recorded bytes, and the way back from them.

Pure. Knows the encodings that clients, servers and log writers of the web use. It does not know
compression, encryption, other character sets than UTF-8, a number written in words, or a phone
number with and without its country code.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterator
from types import MappingProxyType
from urllib.parse import quote, quote_plus, unquote

from .kinds import Kind
from .values import normalise

# Below this, a value stands in many a text by chance: it is looked for as a word, not encoded.
SHORT_CHARS = 6
# In most of these the separators have no meaning, and people put in their own.
NUMBERS = frozenset(
    {Kind.PHONE, Kind.CREDIT_CARD, Kind.IBAN, Kind.NATIONAL_ID, Kind.MAC, Kind.MRN, Kind.PLATE}
)
# By two in a MAC, by three in phone numbers and the SSN's neighbours, by four in cards and IBANs.
_GROUPS = (2, 3, 4)
_SEPARATORS = (" ", "-", ".")
# A line of a key that was cut out of its block; shorter ones may stand in other blocks too.
_LINE_CHARS = 24
# An encoder within an encoder within an encoder; each round costs one pass.
_ROUNDS = 3

_URL_SAFE = str.maketrans("+/", "-_")
_JSON_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_JSON_NAMES = MappingProxyType({"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"})
# Bounded: the standard function takes "&#" before any number of digits, and raises over 4,300.
_HTML_ESCAPE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
# With the letter in front, which an accent belongs to. Bounded: the normal form of a long run of
# accents takes the square of its length.
_NOT_ASCII = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]{1,64}")


def forms(kind: Kind, value: str) -> frozenset[str]:
    """All forms of one value, encoded or not, in which it is looked for."""
    return spellings(kind, value) | escaped(kind, value) | as_bytes(kind, value)


def spellings(kind: Kind, value: str) -> frozenset[str]:
    """The value as a person may write it: as found, normalised, in either case, respaced.

    Of a key in a block, its lines as well: a part of it is a leak.
    """
    stripped, known = value.strip(), normalise(kind, value)
    made = {stripped, known, stripped.upper(), stripped.lower(), " ".join(stripped.split())}
    made |= set(_lines(value))
    if kind in NUMBERS:
        made |= _grouped(known)
    return frozenset(made - {""})


def _lines(value: str) -> Iterator[str]:
    """Of a block, also of one whose line ends are written as escapes; its markers are no secret."""
    for line in map(str.strip, decoded(value).splitlines()):
        if len(line) >= _LINE_CHARS and not line.startswith("-----"):
            yield line


def escaped(kind: Kind, value: str) -> frozenset[str]:
    """As URLs, HTML and JSON write it."""
    made: set[str] = set()
    for text in _main_spellings(kind, value):
        # Half of a surrogate pair is no UTF-8; a model can write one all the same.
        made |= {quote(text, safe, errors="surrogatepass") for safe in ("", "/")}
        made |= {quote_plus(text, errors="surrogatepass"), html.escape(text)}
        made |= {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return frozenset(made - {""})


def as_bytes(kind: Kind, value: str) -> frozenset[str]:
    """In hex, and in base64 wherever it stands in what was encoded.

    A short value has none of these forms: they would be found everywhere.
    """
    if len(normalise(kind, value)) < SHORT_CHARS:
        return frozenset()
    made: set[str] = set()
    for text in _main_spellings(kind, value):
        raw = text.encode("utf-8", "surrogatepass")
        made |= {raw.hex(), raw.hex().upper()}
        for before in range(3):
            encoded = _base64(raw, before)
            made |= {encoded, encoded.translate(_URL_SAFE)}
    return frozenset(made)


def _main_spellings(kind: Kind, value: str) -> set[str]:
    return {value.strip(), normalise(kind, value)} - {""}


def _grouped(number: str) -> set[str]:
    cut = ([number[at : at + size] for at in range(0, len(number), size)] for size in _GROUPS)
    return {separator.join(parts) for parts in cut for separator in _SEPARATORS}


def _base64(raw: bytes, before: int) -> str:
    """The characters that depend on `raw` alone when `before` other bytes precede it."""
    encoded = base64.b64encode(bytes(before) + raw).decode("ascii")
    first = -(-8 * before // 6)
    return encoded[first : 8 * (before + len(raw)) // 6]


def decoded(text: str) -> str:
    """Without the escapes of JSON, URLs and HTML, and in one normal form. Linear in the text."""
    for _ in range(_ROUNDS):
        before = text
        if "\\" in text:
            text = _joined_surrogates(_JSON_ESCAPE.sub(_json_character, text))
        if "%" in text:
            text = unquote(text, errors="replace")
        if "&" in text:
            text = _HTML_ESCAPE.sub(_html_character, text)
        if text == before:
            break
    return text if text.isascii() else _NOT_ASCII.sub(_normal_form, text)


def _json_character(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return _JSON_NAMES.get(found[2], found[2])


def _html_character(found: re.Match[str]) -> str:
    return html.unescape(found[0])


def _joined_surrogates(text: str) -> str:
    """JSON writes a character beyond the first 65,536 as two halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _normal_form(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])
