"""IP addresses of the open Internet, and MAC addresses.

Pure. Private, loopback, link-local and documentation networks are nobody's address, and neither
are version numbers: four numbers with dots count as a version where a word says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .exemptions import is_public_ip
from .found import Found, Priority
from .kinds import Kind

_IP4 = re.compile(r"(?<![\w.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w]|\.\d|-\d)")
# At least two colons; what is between is checked by `ipaddress`.
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:{1,2}){2,7}[0-9a-fA-F]{0,4}(?![\w:]|\.\d)")
_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w:-]|\.\w))"
)
# What a version stands behind. Read in the characters in front of the number.
_VERSION = re.compile(
    r"(?i)(?:\bv|version\w{0,3}\W{0,6}|\bver\.?\s?|release\s|build\s|chrome/|firmware\s|section\s|"
    r"[<>=~^!]=\s?|[<>~^-])\Z"
)
# The longest of those words with its signs.
_VERSION_CHARS = 16
# So few digits are a version or a section, unless a word says that they are an address.
_FEW_DIGITS = 6
_IP_WORD = re.compile(
    r"(?i)\b(?:ip|host|server|addr|ping|ssh|dns|router|gateway|from|client)|://|@"
)
_WORD_CHARS = 32
# Time stamps such as 12:30:45:10 are short and have no letter; an address has one, or a "::".
_HAS_LETTER = re.compile(r"[a-fA-F]|::")
# Made up by software, not burnt into a device: Docker's, Android's and the ones for tests.
_SOFTWARE_MAC = ("0200", "0242")
# Broadcast, "none", and what manuals print.
_NO_MAC = frozenset(
    {"ffffffffffff", "000000000000", "001122334455", "aabbccddeeff", "123456789abc"}
)


def find(text: str) -> Iterator[Found]:
    """Public IPv4 and IPv6 addresses, and MAC addresses that are not made up."""
    if "." in text:
        yield from _ip4(text)
    colons = text.count(":")  # an IPv6 address has two or more
    if colons > 1:
        yield from _ip6(text)
    if colons or "-" in text or "." in text:
        yield from _mac(text)


def _ip4(text: str) -> Iterator[Found]:
    for match in _IP4.finditer(text):
        start = match.start()
        before = text[max(0, start - _WORD_CHARS) : start]
        if is_public_ip(match.group()) and not _is_version(match.group(), before):
            yield Found(start, match.end(), Kind.IP, Priority.SHAPE)


def _is_version(value: str, before: str) -> bool:
    if _VERSION.search(before[-_VERSION_CHARS:]):
        return True
    few = sum(char.isdigit() for char in value) <= _FEW_DIGITS
    return few and not _IP_WORD.search(before)


def _ip6(text: str) -> Iterator[Found]:
    for match in _IP6.finditer(text):
        value = match.group()
        if _HAS_LETTER.search(value) and is_public_ip(value):
            yield Found(match.start(), match.end(), Kind.IP, Priority.SHAPE)


def _mac(text: str) -> Iterator[Found]:
    for match in _MAC.finditer(text):
        plain = re.sub(r"[:.-]", "", match.group()).casefold()
        # Three groups of digits alone are a number with thousands, not Cisco's spelling.
        if plain in _NO_MAC or plain.startswith(_SOFTWARE_MAC):
            continue
        if not ("." in match.group() and plain.isdigit()):
            yield Found(match.start(), match.end(), Kind.MAC, Priority.SHAPE)
