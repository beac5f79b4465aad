"""The body of a page as it comes in: what kind it is, how much of it is taken, and unpacking it.

Pure: is fed bytes and counts them. Knows HTTP's content types and gzip; nothing of connections and
nothing of what the text says. Also what goes to the extractor, and what comes back from it.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

# A long article with its markup is 300 kB; what comes later is comments and advertisements.
WIRE_CAP_BYTES = 1_500_000
DECODED_CAP_BYTES = 2_000_000
# Whoever announces more offers a download, not a page.
MAX_ANNOUNCED_BYTES = 20_000_000
# Less of a broken body is a header and a menu.
MIN_BROKEN_BYTES = 500

# A book of 30,000 words; what is chosen from it for an answer is a page.
MAX_TEXT_CHARS = 200_000
MAX_TITLE_CHARS = 300

KINDS = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "application/pdf": "pdf",
}
_CHARSET = re.compile(r"charset=[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_GZIP_WINDOW = 31  # zlib's number for "gzip framing, largest window"
# One stray NUL is a fault of a template, one in a thousand is a binary.
_NUL_SHARE = 0.001
# First bytes of what is sometimes sent as text/html or text/plain.
_BINARY = (
    *(b"%PDF-", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh"),
    *(b"\x7fELF", b"MZ\x90", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"RIFF", b"OggS", b"ID3"),
    *(b"\x00\x00\x00", b"\x1a\x45\xdf\xa3", b"SQLite format 3", b"\xca\xfe\xba\xbe", b"wOF"),
)
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A reader of PDF finds the mark within so many bytes (ISO 32000, implementation note 13).
_PDF_MARK_WITHIN = 1024


class Unreadable(Exception):
    """This body is not read; `reason` is a word for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Document:
    """A body as it can be given to the extractor. `kind`: html, text, pdf. `charset` as the server
    said, "" when it did not."""

    kind: str
    charset: str
    data: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a document says. `text` is "" when nothing could be read; then `reason` says why in a
    word. `date` is ISO (YYYY-MM-DD), "" when unknown. `is_cut`: there was more."""

    text: str = ""
    title: str = ""
    date: str = ""
    reason: str = ""
    is_cut: bool = False


def kind_of(content_type: str) -> tuple[str, str]:
    """(kind, charset) of a Content-Type. Raises Unreadable for what is no page."""
    kind = KINDS.get(content_type.partition(";")[0].strip().lower())
    if kind is None:
        raise Unreadable("type")
    charset = _CHARSET.search(content_type[:200])
    return kind, charset[1] if charset else ""


def is_gzipped(encodings: Sequence[str]) -> bool:
    """Whether to unpack, from all Content-Encoding headers. Raises Unreadable.

    One layer of what was asked for; a second one is only ever a bomb.
    """
    layers = [part.strip().lower() for value in encodings for part in value.split(",")]
    layers = [layer for layer in layers if layer not in {"", "identity"}]
    if not layers:
        return False
    if layers not in (["gzip"], ["x-gzip"]):
        raise Unreadable("encoding")
    return True


class BodyReader:
    """Takes a body piece by piece, up to the caps; memory stays within them whatever comes."""

    def __init__(self, *, gzipped: bool) -> None:
        self.wire_bytes = 0
        self.is_full = False
        self._unpack = zlib.decompressobj(_GZIP_WINDOW) if gzipped else None
        self._data = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take what fits; `is_full` when no more is wanted. Raises Unreadable for broken gzip."""
        piece = piece[: WIRE_CAP_BYTES - self.wire_bytes]
        self.wire_bytes += len(piece)
        room = DECODED_CAP_BYTES - len(self._data)
        if self._unpack is None:
            self._data += piece[:room]
        elif room:  # for zlib a length of 0 means without limit
            self._data += self._unpacked(piece, room)
        self.is_full = self.wire_bytes >= WIRE_CAP_BYTES or len(self._data) >= DECODED_CAP_BYTES

    def taken(self, *, broken: bool = False) -> tuple[bytes, bool]:
        """(the body, whether it is cut). Raises Unreadable for nothing, or too little of it."""
        ended = self._unpack is None or self._unpack.eof
        is_cut = broken or self.is_full or not ended
        if len(self._data) < (MIN_BROKEN_BYTES if is_cut else 1):
            raise Unreadable("broken" if is_cut else "empty")
        return bytes(self._data), is_cut

    def _unpacked(self, piece: bytes, room: int) -> bytes:
        if self._unpack is None or self._unpack.eof:
            return b""  # what follows the end belongs to nothing
        try:
            return self._unpack.decompress(piece, room)
        except zlib.error:
            raise Unreadable("encoding") from None


def check_content(kind: str, data: bytes) -> None:
    """Whether the bytes are what the header says. Raises Unreadable."""
    start = data[:_PDF_MARK_WITHIN]
    if kind == "pdf":
        if b"%PDF-" not in start:
            raise Unreadable("type")
        return
    wide = start.startswith(_WIDE_MARKS)
    if start.lstrip().startswith(_BINARY) and not wide:
        raise Unreadable("type")
    if not wide and data.count(0) > len(data) * _NUL_SHARE:
        raise Unreadable("type")
