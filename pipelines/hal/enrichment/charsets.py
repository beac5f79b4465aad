"""From bytes to text: the character set that a page has, says it has, or looks like.

Runs in the extractor's process: the detection of unknown character sets comes with trafilatura.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from charset_normalizer import from_bytes

# Where the HTML standard lets a browser look for the declaration, doubled for long comments.
_DECLARED_WITHIN = 2048
_DECLARED = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{1,40})")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What pages with these labels are written in (the Encoding Standard's own table).
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# Python's codecs that are no character set of a page; some of them run instructions of a kind.
_NO_CHARSET = frozenset(
    {"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs"}
)
# A few bytes of another character set are a quotation; more means that the label is wrong.
_WRONG_SHARE = 0.01
_FEW = 3
# Enough letters to tell a character set by; the detection takes 100 ms for a megabyte.
_SAMPLE_BYTES = 50_000


def decoded(data: bytes, charset: str) -> str:
    """The text. `charset` is what the server said, "" for nothing. Never fails."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    for label in _labels(data, charset):
        text = data.decode(label, "replace")
        if text.count("\ufffd") <= max(_FEW, len(text) * _WRONG_SHARE):
            return text
    try:
        # A body that was cut may end inside a character.
        return codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        best = from_bytes(data[:_SAMPLE_BYTES]).best()
        return data.decode(best.encoding if best else "cp1252", "replace")


def _labels(data: bytes, charset: str) -> Iterator[str]:
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    for label in (charset, declared[1].decode("ascii") if declared else ""):
        try:
            codec = codecs.lookup(label.strip("\"' "))
        except (LookupError, ValueError):
            continue
        # Letters of our alphabet have a NUL in each wide character set.
        is_wide = codec.name.startswith(("utf-16", "utf-32"))
        if is_wide and b"\0" not in data[:_DECLARED_WITHIN]:
            continue
        if codec._is_text_encoding and codec.name not in _NO_CHARSET:
            yield _MEANT.get(codec.name, codec.name)
