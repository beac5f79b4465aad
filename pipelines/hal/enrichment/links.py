"""Links, images and addresses as Markdown writes them, and which addresses an answer may link to.

Pure. Knows the grammar of one link; where links can stand, and what is code, is for `cite`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote

from .urls import URL_CHARS, canonical_url, page_key, site

# No link text is longer than a long title; what is longer is taken for a bracket in a text.
TEXT_CHARS = 300
# A bracket within a bracket within a bracket: deeper ones are somebody's game.
MAX_DEPTH = 4
# An address with its title and spaces.
DESTINATION_CHARS = URL_CHARS + 400
# A tag with a few attributes.
TAG_CHARS = 500

_BRACKET = re.compile(r"[\[\]\n]")
_DESTINATION = re.compile(
    r"\([ \t]{0,8}(?:<([^<>\n]{0,2000})>|((?:[^\s<>()\\]|\\[^\s]|\([^\s()]{0,400}\)){0,2000}))"
    r"(?:[ \t]{1,8}(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|\([^()\n]{0,200}\)))?[ \t]{0,8}\)"
)
_TAG = re.compile(rf"<[A-Za-z/!?][^<>]{{0,{TAG_CHARS}}}>")
_ADDRESS_IN_ANGLES = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,500})>")
_MAIL_IN_ANGLES = re.compile(r"<([^\s<>@/\"']{1,64}@[^\s<>@/\"']{1,255})>")
_BARE = re.compile(
    rf"(?:https?://|ftp://|www\.)[^\s<>\"`\[\]{{}}|\\^]{{0,{URL_CHARS}}}", re.IGNORECASE
)
_REST = re.compile(r"[\s<>\"`\[\]{}|\\^]")
_TOKEN = re.compile(r"[A-Z]{2,12}_[A-Z0-9]{1,8}_[A-Z0-9_]{1,20}", re.IGNORECASE)
_BRACKET_OR_TOKEN = re.compile(rf"\[\[{_TOKEN.pattern}\]\]|[\[\]]", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]\([^()\n]{0,2000}\)")
_HOST = re.compile(r"(?:[\w-]{1,63}\.){0,10}[\w-]{1,63}")
# What stands behind an address in a sentence, and is none of it.
_PUNCTUATION = ".,;:!?'*_~)"


class Allowed:
    """The addresses that an answer may link to: each stands for itself and its other spellings."""

    def __init__(self, urls: Collection[str]) -> None:
        spellings = {page_key(url): _for_markdown(url) for url in urls if canonical_url(url)}
        # A longer one would not be known again as an address; it stays text.
        self._by_page = {key: url for key, url in spellings.items() if len(url) < TAG_CHARS}

    def spelling(self, url: str) -> str:
        """The address to write: ours, because a query or fragment of theirs could carry data out;
        "" for any other."""
        key = page_key(url if "://" in url else f"https://{url}")
        return self._by_page.get(key, "")


def closing_bracket(text: str, at: int) -> int | None:
    """Where the bracket at `at` is closed on its line; None when it is not, -1 for "not yet"."""
    depth = 0
    for found in _BRACKET.finditer(text, at, at + TEXT_CHARS):
        sign = found.group()
        depth += 1 if sign == "[" else -1
        if sign == "\n" or depth > MAX_DEPTH:
            return None
        if depth == 0:
            return found.start()
    return None if len(text) - at >= TEXT_CHARS else -1


def destination(text: str, at: int) -> tuple[str, int] | None:
    """The address in the parentheses at `at`, and their end; None when they are none, ("", -1) for
    "not yet"."""
    end = at + DESTINATION_CHARS
    if found := _DESTINATION.match(text, at, end):
        return found[1] or found[2] or "", found.end()
    is_over = len(text) >= end or "\n" in text[at:end]
    return None if is_over else ("", -1)


def tag(text: str, at: int) -> tuple[str, int] | None:
    """The tag at `at`, and its end; None when it is none, ("", -1) for "not yet"."""
    window = text[at : at + TAG_CHARS + 3]
    found = _TAG.match(window)
    if found and "\n\n" not in found.group():
        return found.group(), at + found.end()
    is_over = bool(found) or len(window) > TAG_CHARS + 2
    is_over = is_over or "<" in window[1:] or ">" in window or "\n\n" in window
    return None if is_over else ("", -1)


def address_in(tag_text: str) -> str | None:
    """The address of `<https://...>` or `<name@host>`; None for a tag of HTML."""
    found = _ADDRESS_IN_ANGLES.fullmatch(tag_text) or _MAIL_IN_ANGLES.fullmatch(tag_text)
    return found[1] if found else None


def bare_address(text: str, at: int) -> int:
    """Where the address that begins at `at` ends; `at` when none does."""
    found = _BARE.match(text, at)
    return found.end() if found else at


def skipped_address(text: str, at: int) -> int:
    """Where the rest of an address that was too long ends."""
    found = _REST.search(text, at)
    return found.start() if found else len(text)


def is_overlong(length: int) -> bool:
    """Whether an address of this length may go on behind its match."""
    return length >= URL_CHARS


def without_link(address: str, allowed: Allowed) -> tuple[str, int]:
    """What to write for a bare address, and how much of it that stands for: what is left is a sign
    of the sentence, or words without a space before them.

    One that is allowed as `<address>`, which has a clear end; any other as its host, which nobody
    can follow and which carries nothing.
    """
    ascii_end = next((i for i, letter in enumerate(address) if ord(letter) > 127), len(address))
    ends = [len(address.rstrip(_PUNCTUATION)), len(address), ascii_end]
    ends.append(len(address[:ascii_end].rstrip(_PUNCTUATION)))
    for end in ends:
        if spelling := allowed.spelling(address[:end]):
            return f"<{spelling}>", end
    return host_of(address[: ends[-1]]), ends[-1]


def host_of(address: str) -> str:
    """The name of the host, if it looks like one; nothing that could be read as a link."""
    host = site(address if "://" in address else f"https://{address}")
    if "://" in address and not host:
        host = address.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    while host.lower().startswith("www."):
        host = host[4:]
    return host if _HOST.fullmatch(host) and "www" not in host.lower() else ""


def without_markup(text: str) -> str:
    """The text without tags and images."""
    return _TAG.sub("", _IMAGE.sub("", text))


def plain_inside(text: str) -> str:
    """The inside of brackets without tags and images, which would hide a citation."""
    return without_markup(text).strip() if "<" in text or "!" in text else text


def plain(text: str, allowed: Allowed) -> str:
    """The text of a link or a label with no mark-up left in it that could become one."""
    text = without_markup(text)
    pieces: list[str] = []
    at = 0
    while found := _BARE.search(text, at):
        shown, read = without_link(found.group(), allowed)
        pieces += text[at : found.start()], shown.strip("<>").partition("://")[2] or shown
        at = found.start() + read
    text = "".join([*pieces, text[at:]])
    for sign in ("`", "\\", "$", "<", ">"):
        text = text.replace(sign, "")
    return _BRACKET_OR_TOKEN.sub(_unbracketed, text).strip()


def is_token(inside: str) -> bool:
    """Whether this stands for a private value, which is put back later: left as it is."""
    return bool(_TOKEN.fullmatch(inside))


def _unbracketed(found: re.Match[str]) -> str:
    sign = found.group()
    return {"[": "(", "]": ")"}.get(sign, sign)


def _for_markdown(url: str) -> str:
    """The address with nothing in it that Markdown could take for its end."""
    return quote(url, safe="/%:@!&',+;=~-._?#")
