"""Addresses and private keys of crypto currencies, by their checksums.

Pure. Knows base58check (Bitcoin and its relatives, Tron, Ripple), bech32 and bech32m, Ethereum's
forty hex digits, and the long forms of Monero. Ethereum's case checksum is not read: nothing else
is 0x and forty digits, but for the few addresses that belong to nobody. Solana has no checksum: it
needs a word in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from .found import Found, Priority
from .kinds import Kind

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

# 25 bytes are 26 to 35 characters; a private key in wallet import format has 51 or 52.
_BASE58 = re.compile(r"(?<![A-Za-z0-9_-])[1-9A-HJ-NP-Za-km-z]{26,52}(?![A-Za-z0-9_])")
# First characters of Bitcoin, Litecoin, Dogecoin, Dash, Zcash, Tron, test nets and private keys.
_FIRST = frozenset("13LMDXtT2mn5KLc9A7r")
_VERSIONS = frozenset({0, 5, 48, 50, 30, 22, 76, 16, 65, 111, 196, 128, 239, 28})
_CHECKSUM_BYTES = 4
_HASH_BYTES = 20
_KEY_BYTES = (32, 33)
# Two bytes for the version, in Zcash.
_ZCASH = (0x1CB8, 0x1CBD)

_BECH32 = re.compile(
    r"(?<![A-Za-z0-9])(?:bc|tb|ltc|addr|stake|cosmos|osmo|juno|terra|inj|bnb|zs|erd|nsec)"
    r"1[02-9ac-hj-np-z]{38,110}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# BIP 173 and BIP 350.
_BECH32_CONSTANTS = (1, 0x2BC830A3)
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

_ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
# Burn addresses and pointers: fewer different digits than chance gives.
_MIN_DIGITS = 6
_MONERO = re.compile(r"(?<![A-Za-z0-9])[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}(?![A-Za-z0-9])")
_EXTENDED = re.compile(
    r"(?<![A-Za-z0-9])[xyzt]p(?:rv|ub)[1-9A-HJ-NP-Za-km-z]{107,108}(?![A-Za-z0-9])"
)
_SOLANA = re.compile(
    r"(?i:solana|phantom|\bsol\b)(?i:[ \w]{0,24})"
    r"(?:[:=]|\bto\b|\bis\b|\baddress\b|\bwallet\b)\s{1,3}"
    r"([1-9A-HJ-NP-Za-km-z]{43,44})(?![A-Za-z0-9])"
)
# Genesis and "burn" addresses of Bitcoin.
_NOBODY = frozenset({"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1BitcoinEaterAddressDontSendf59kuE"})


def find(text: str) -> Iterator[Found]:
    """Wallet addresses and wallet keys."""
    for start, end in _spans(text):
        yield Found(start, end, Kind.CRYPTO, Priority.CHECKED)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    if "0x" in text:
        for match in _ETHEREUM.finditer(text):
            if len(set(match.group()[2:].lower())) >= _MIN_DIGITS:
                yield match.span()
    yield from (match.span() for match in _BASE58.finditer(text) if _is_base58check(match.group()))
    yield from (match.span() for match in _BECH32.finditer(text) if _is_bech32(match.group()))
    for pattern in (_MONERO, _EXTENDED):
        yield from (match.span() for match in pattern.finditer(text))
    if "ol" in text or "OL" in text or "hantom" in text:
        yield from (match.span(1) for match in _SOLANA.finditer(text))


def _is_base58check(value: str) -> bool:
    if value[0] not in _FIRST or value.isdigit() or value in _NOBODY:
        return False
    data = _decoded(value, _RIPPLE if value[0] == "r" else _ALPHABET)
    if not data or sha256(sha256(data[:-4]).digest()).digest()[:4] != data[-_CHECKSUM_BYTES:]:
        return False
    size = len(data) - _CHECKSUM_BYTES
    if size == _HASH_BYTES + 2:
        return int.from_bytes(data[:2]) in _ZCASH
    return data[0] in _VERSIONS and (size - 1 == _HASH_BYTES or size - 1 in _KEY_BYTES)


def _decoded(value: str, alphabet: str) -> bytes:
    """The bytes; empty when a character is not of the alphabet."""
    number = 0
    for char in value:
        digit = alphabet.find(char)
        if digit < 0:
            return b""
        number = number * 58 + digit
    zeros = len(value) - len(value.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def _is_bech32(value: str) -> bool:
    if value != value.lower() and value != value.upper():
        return False
    prefix, _, data = value.lower().rpartition("1")
    check = 1
    letters = [ord(char) for char in prefix]
    values = [code >> 5 for code in letters] + [0] + [code & 31 for code in letters]
    for symbol in values + [_CHARSET.find(char) for char in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ symbol
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check in _BECH32_CONSTANTS
