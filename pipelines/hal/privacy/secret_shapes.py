"""Whether a value is a secret or only stands where one could: a variable, a type, a word, a hash.

Pure. Judges characters, not meaning: a password of lower-case letters alone looks like a word.
"""

from __future__ import annotations

import re
from itertools import pairwise

from .exemptions import entropy_bits, is_masked, is_placeholder

# A stretch of one sort of character ends, on average, after 2.5 characters in base 36 and sooner in
# hex and base 64; in names it ends with a word. Measured on generated keys: one in a thousand of 20
# characters has fewer changes than this share.
_CHANGES = 0.16
_MIN_CHANGES = 3
# A validator's rules: required|string|min:8.
_RULES = re.compile(r"[a-z_]{2,20}(?::\w{1,20})?(?:\|[a-z_]{2,20}(?::\w{1,20})?){1,9}\Z")
_APP_PASSWORD = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}\Z")
# correct-horse-battery-staple
_PASSPHRASE = re.compile(r"[a-z]{3,12}(?:-[a-z]{3,12}){3,7}\Z")
# Chance changes the case at every second letter; CamelCase of six letters a word at every third.
_SWITCHES = 0.36
# Bits per character. Random hex of 32 has 3.4 to 3.9, random base 64 of 40 above 4.4.
_MIN_BITS = 2.6
_MIN_BITS_SHORT = 2.2
_SHORT_CHARS = 16
# Digits alone: an id of an account or a phone number unless it is as long as a token.
_MIN_DIGITS_ONLY = 15
_MIN_CHARS = 8
# No word of our languages has so many consonants in a row, but for a few compounds.
_UNSPEAKABLE = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{6}")

_REFERENCE = re.compile(
    r"(?x) [$%@&*]?[{(\[<] | \$\w | %\w+% | "
    r"(?:os|process|env|ENV|System|config|settings|self|this|secrets|vars|data|var|local|module|"
    r"request|req|res|user|app|ctx|props|params|args|options|opts|Deno|import)[.\[(] | "
    r"[A-Za-z_][\w.]{0,80}\( | [A-Za-z_]\w{0,60}\[ | "
    r"[A-Za-z_]\w{1,40}(?:\.[A-Za-z_]\w{1,40}){1,5}\Z | "
    r"(?:https?|file|ftp|ssh)://|arn:|projects/|/(?:run|var|etc|home|usr|opt|tmp|path)/|\.{1,2}/"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_WORDS = re.compile(
    r"[A-Za-z][a-z]*(?:[-_. ][A-Za-z][a-z]*)*[-_.]?\d{0,4}\Z|[A-Z]+(?:_[A-Z0-9]+)*\Z"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}\Z")
_NUMBER = re.compile(r"[+-]?[\d.,_]+(?:%|px|em|rem|ms|s|m|h|d|kb|mb|gb|k)?\Z", re.IGNORECASE)

# What people write where a password belongs, in documentation and in code.
_STAND_INS = """
password passwort passwd pass pwd secret token key none null nil true false undefined empty
string str varchar text required optional hidden user username admin root test default unknown
invalid wrong correct incorrect forgotten reset changed expired strong weak secure mypassword
mysecret mypass mytoken yourpassword yourpass supersecret topsecret letmein hunter2 foo bar
password1 password123 passw0rd p@ssw0rd pass123 secret123 test123 admin123 user123 123456
12345678 123456789 1234 12345 qwerty qwerty123 abc123 abcd1234 changeme changeit postgres
mysql guest demo demo123 xxx xxxx ***** utf-8 utf8 sha256 sha-256 sha512 md5 base64 bcrypt
argon2 argon2id pbkdf2 oauth2 jwt aes-256 aes256 rsa2048 hs256 rs256 es256 x509 ed25519
"""
_NO_PASSWORDS = frozenset(_STAND_INS.split())


def is_uuid(value: str) -> bool:
    return bool(_UUID.match(value))


def is_reference(value: str) -> bool:
    """A variable, a call, a template, a path or a link: where the secret is, not the secret."""
    return bool(_REFERENCE.match(value))


def looks_random(value: str) -> bool:
    """A key or a token: not words, not a placeholder, changing between sorts of characters."""
    plain = re.sub(r"[^A-Za-z0-9\u00c0-\u00ff]", "", value)
    if len(plain) < _MIN_CHARS or is_placeholder(value):
        return False
    if plain.isdigit():
        return len(plain) >= _MIN_DIGITS_ONLY and entropy_bits(plain) >= _MIN_BITS_SHORT
    floor = _MIN_BITS if len(plain) > _SHORT_CHARS else _MIN_BITS_SHORT
    if not any(char.isdigit() for char in plain):
        return is_mixed(plain)
    changes = _changes(plain)
    if changes < _MIN_CHANGES or entropy_bits(plain) < floor:
        return False
    return changes >= _CHANGES * len(plain) or bool(_UNSPEAKABLE.search(plain))


def is_mixed(plain: str) -> bool:
    """Letters alone that change their case as no words do, or that nobody can speak."""
    switches = sum(a.islower() != b.islower() for a, b in pairwise(plain))
    if not plain.isalpha() or len(plain) < _SHORT_CHARS or switches < _MIN_CHANGES:
        return False
    return switches > _SWITCHES * len(plain) or bool(_UNSPEAKABLE.search(plain))


def _changes(plain: str) -> int:
    """How often the sort of character changes. A capital before a small letter begins a word."""
    changes = 0
    last = _sort(plain[0])
    for char in plain[1:]:
        sort = _sort(char)
        if sort != last and (last, sort) != ("upper", "lower"):
            changes += 1
        last = sort
    return changes


def _sort(char: str) -> str:
    if char.isdigit():
        return "digit"
    return "upper" if char.isupper() else "lower"


def looks_like_password(value: str, *, prose: bool) -> bool:
    """A password as people choose them: no word, no placeholder; digits or signs among letters."""
    plain = value.casefold()
    if plain in _NO_PASSWORDS or is_reference(value) or is_masked(value):
        return False
    if _DATE.match(value) or _RULES.match(value) or len(set(value)) <= 2:
        return False
    if _NUMBER.match(value):
        return prose and value.isdigit()
    if any(char.isdigit() for char in value) and any(char.isalpha() for char in value):
        return not _is_identifier(value) or prose
    if is_app_password(value):
        return True
    if _PASSPHRASE.match(value):
        return prose
    # Letters and signs without a digit: "P@ssword!" yes, "user_name", "e.g." and "foo->bar" no.
    signs = set(re.findall(r"[^\w\s.,;:()\[\]{}<>/'\"`|=-]", value))
    return bool(signs) and any(char.isalpha() for char in value)


def is_app_password(value: str) -> bool:
    """As Google hands them out to mail programs: four times four letters."""
    return bool(_APP_PASSWORD.match(value))


def _is_identifier(value: str) -> bool:
    """A name in code that ends with a number: password2, db_password_1."""
    return bool(
        re.match(
            r"(?i)[a-z_]*(?:pass|pwd|secret|token|key|field|input|value|hash)[a-z_]*\d{0,3}\Z",
            value,
        )
    )


def is_word(value: str) -> bool:
    """Words, or a constant's name."""
    return bool(_WORDS.match(value))
