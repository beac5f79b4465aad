"""Keys and tokens that show by themselves what they are: vendor formats, JWTs, private keys.

Pure. The formats are in `secret_table`; keys that only their name gives away are found by
`named_secrets`, and logins in URLs and commands by `logins`.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator

from .exemptions import is_placeholder
from .found import Found, Priority
from .kinds import Kind
from .secret_format import Format, Look
from .secret_shapes import looks_random
from .secret_table import FORMATS

# Three parts of base64url; the last may be missing for unsigned ones and is empty then.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])(eyJ[\w-]{10,2000}+)\.(?:eyJ[\w-]{4,8000}+)\.[\w-]{0,2000}"
    r"|(?<![A-Za-z0-9_-])(eyJ[\w-]{10,2000}+)\.[\w-]{0,1000}\.[\w-]{8,100}\.[\w-]{8,8000}\.[\w-]{16,100}"
)

_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
# Everything but the next marker. A key of 16,384 bits has 13,000 characters.
_BODY = re.compile(r"(?:[^-]|-(?!----)){0,20000}+")
_END = re.compile(r"-----END [A-Z0-9 ]{2,60}-----")
# Cut off before its end: as far as it looks like base64, with line ends as a string has them.
_CUT = re.compile(r"(?:[A-Za-z0-9+/=]|\\[nr]|\s|[A-Z][A-Za-z-]{2,20}: [^\n]{0,80}\n){0,20000}+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}")
# The shortest key (Ed25519) has 64 characters of base64; half of one is no secret of less weight.
_MIN_BODY_CHARS = 32

# Twelve to twenty-four words of a wallet (BIP 39).
_SEED = re.compile(
    r"(?i)(?:seed|recovery|mnemonic|wallet|backup)(?: phrase| words?| code)?"
    r"\s?(?:is|was|are)?\s?[:=]?\s{1,3}[\"'`]?"
    r"((?:[a-z]{3,8} ){11,23}[a-z]{3,8})(?![\w])"
)
_SEED_TRIGGERS = ("seed", "recovery", "mnemonic", "wallet", "backup")


def find(text: str) -> Iterator[Found]:
    """Secrets by their own format."""
    for one in FORMATS:
        if one.trigger in text:
            yield from _formatted(one, text)
    if "eyJ" in text:
        yield from _tokens(text)
    if "PRIVATE KEY" in text:
        yield from _private_keys(text)
    lowered = text.lower()
    if any(word in lowered for word in _SEED_TRIGGERS):
        for match in _SEED.finditer(text):
            yield Found(match.start(1), match.end(1), Kind.SECRET, Priority.NAMED)


def _formatted(one: Format, text: str) -> Iterator[Found]:
    for match in one.pattern.finditer(text):
        if _passes(one.look, match["body"]):
            group = "value" if "value" in match.re.groupindex else 0
            yield Found(match.start(group), match.end(group), Kind.SECRET, Priority.FORMAT)


def _passes(look: Look, body: str) -> bool:
    if look is Look.NOT:
        return True
    if look is Look.FILLED:
        return not is_placeholder(body)
    return looks_random(body)


def _tokens(text: str) -> Iterator[Found]:
    for match in _JWT.finditer(text):
        if _is_header(match[1] or match[2]):
            yield Found(match.start(), match.end(), Kind.SECRET, Priority.FORMAT)


def _is_header(part: str) -> bool:
    """Base64url of a JSON object that names an algorithm."""
    try:
        header = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (NotBase64, ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


def _private_keys(text: str) -> Iterator[Found]:
    for begin in _BEGIN.finditer(text):
        body = _BODY.match(text, begin.end())
        end = _END.match(text, body.end()) if body else None
        if end is None:
            body = _CUT.match(text, begin.end())
        if body and _is_key(body.group()):
            stop = end.end() if end else len(text[: body.end()].rstrip())
            yield Found(begin.start(), stop, Kind.SECRET, Priority.BLOCK)


def _is_key(body: str) -> bool:
    chars = sum(len(part) for part in _BASE64.findall(body))
    return chars >= _MIN_BODY_CHARS and len(set(body)) > _MIN_BODY_CHARS // 2
