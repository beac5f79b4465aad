"""E-mail addresses, also written out ("name at domain dot com").

Pure. Knows the shape of an address and the documentation domains, not whether anybody reads there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .exemptions import is_public_mail, without_file_ending
from .found import Found, Priority
from .kinds import Kind

# RFC 5321: 64 octets before the @, 253 for the domain. The text is read around each @ only.
_USER_CHARS = 64
_DOMAIN_CHARS = 253
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_][\w-]{0,61}[^\W_]")
# Before the name proper: quotes, brackets and Markdown that belong to the sentence.
_USER_JUNK = "'`*_{|}~/=?&!#$%^.-+"
# Ends of what stands in front of an address without a space: mailto:, user=, a path.
_USER_CUT = re.compile(r".*[/=?&|`{}]", re.DOTALL)

# "jane dot doe at firm dot de", "jane [at] firm [dot] de", "jane(at)firm.de".
_AT = re.compile(
    r"\s?[\[({<]\s?(?:at|AT|@|ät|arroba|chiocciola|małpa)\s?[\])}>]\s?|\s(?:at|AT|arroba)\s"
)
_DOT = (
    r"(?:\s?[\[({<]\s?(?:dot|DOT|punkt|punto|kropka|\.)\s?[\])}>]\s?|\s(?:dot|DOT|punkt|punto)\s)"
)
_BEFORE = re.compile(r"(?<![\w.+-])[\w+-]{1,40}(?:(?:\.|" + _DOT + r")[\w+-]{1,40}){0,3}\Z")
_AFTER = re.compile(r"[\w-]{1,40}(?:(?:\.|" + _DOT + r")[\w-]{2,40}){1,3}(?![\w-])")
_SPELT_DOT = re.compile(_DOT)
# Without one of these in the text nothing is written out.
_TRIGGERS = (
    "dot",
    "DOT",
    "punkt",
    "punto",
    "kropka",
    "at]",
    "at)",
    "at}",
    "AT]",
    "AT)",
    "@]",
    "@)",
)
# "at polka dot dress": only what can end a domain ends one.
_DOMAIN_ENDS = (
    "com org net edu gov info io dev ai app eu de at ch fr es it nl pl pt br se uk us au ca"
)
_TOP_LEVEL = frozenset(_DOMAIN_ENDS.split())
# Four words of an address and what joins them; longer names are not spelt out.
_BACK_CHARS = 100


def find(text: str) -> Iterator[Found]:
    """E-mail addresses outside documentation domains."""
    if "@" in text:
        yield from _addresses(text)
    if any(word in text for word in _TRIGGERS):
        yield from _written_out(text)


def _addresses(text: str) -> Iterator[Found]:
    at = text.find("@")
    last_end = 0
    while at >= 0:
        domain = _DOMAIN.match(text, at + 1, at + 1 + _DOMAIN_CHARS)
        if domain:
            start = _user_start(text, max(last_end, at - _USER_CHARS), at)
            name = without_file_ending(domain.group())
            if start < at and not is_public_mail(text[start:at], name):
                yield Found(start, domain.start() + len(name), Kind.EMAIL, Priority.CHECKED)
            last_end = domain.end()
        at = text.find("@", at + 1)


def _user_start(text: str, floor: int, at: int) -> int:
    """Where the name before the @ begins; `at` itself when there is none."""
    begin = at
    while begin > floor and _is_user(text[begin - 1]):
        begin -= 1
    cut = _USER_CUT.match(text, begin, at)
    if cut:
        begin = cut.end()
    while begin < at and text[begin] in _USER_JUNK:
        begin += 1
    return begin if begin < at and text[at - 1] not in "." else at


def _is_user(char: str) -> bool:
    return char.isalnum() or char in "._!#$%&'*+/=?^`{|}~-"


def _written_out(text: str) -> Iterator[Found]:
    for at in _AT.finditer(text):
        after = _AFTER.match(text, at.end())
        if after is None:
            continue
        # A plain "at" needs a spelt "dot": "look at example.com" is no address.
        spelt = _SPELT_DOT.search(after.group())
        last = re.split(r"[\s.\[\](){}<>]+", after.group())[-1].casefold()
        if last not in _TOP_LEVEL or not (spelt or at.group().strip()[0] in "[({<"):
            continue
        before = _BEFORE.search(text[max(0, at.start() - _BACK_CHARS) : at.start()])
        if before:
            yield Found(at.start() - len(before.group()), after.end(), Kind.EMAIL, Priority.SHAPE)
