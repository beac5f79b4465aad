"""Bank accounts: IBANs by their checksum, and Poland's domestic form of them.

Pure. Domestic numbers of other countries are not known, and a BIC names a bank, not a person. Where
the word IBAN stands in front, a mistyped one counts too: it is the user's account all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from stdnum.iso7064 import mod_97_10

from .found import Found, Priority
from .kinds import Kind

_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ \u00a0-]?\d[ ]?\d(?=[ \u00a0.-]{0,2}[A-Za-z0-9])")
# Groups of four, or as a scan or a form breaks them: any single or double separator.
_BODY = re.compile(r"(?:[ \u00a0.-]{0,2}[A-Za-z0-9]){11,30}")
_SEPARATORS = " \u00a0.-"
# The shortest that a country uses (Norway).
_MIN_CHARS = 15
# Every IBAN's account part has more digits than words that happen to follow two letters.
_MIN_DIGITS = 10
# Poland's NRB: the IBAN without its country.
_POLISH = re.compile(r"(?<![\w.-])\d{2}(?:[ \u00a0-]?\d{4}){6}(?!\w|[.-]\d)")
_ACCOUNT_WORD = re.compile(
    r"(?i)iban|account|konto|bank|cuenta|compte|conto|rekening|rachun|conta\b|transfer|\bPL\b"
)
_IBAN_WORD = re.compile(r"(?i)\biban\b")
# How far in front of a number the word that names it stands.
_WORD_CHARS = 48

# Accounts that every manual prints.
_EXAMPLES = frozenset(
    {"GB29NWBK60161331926819", "GB82WEST12345698765432", "DE89370400440532013000"}
    | {"FR1420041010050500013M02606", "NL91ABNA0417164300", "ES9121000418450200051332"}
    | {"IT60X0542811101000000123456", "PL61109010140000071219812874", "CH9300762011623852957"}
    | {"AT611904300234573201", "BE68539007547034", "SE4550000000058398257466"}
    | {"PT50000201231234567890154", "FR7630006000011234567890189", "DE75512108001245126199"}
)

# SWIFT's IBAN registry: characters per country.
_REGISTRY = """
AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28
CZ:24 DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23
GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32
LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18
NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19
SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30
"""
_SIZES: Mapping[str, int] = MappingProxyType(
    {item[:2]: int(item[3:]) for item in _REGISTRY.split()}
)


def find(text: str) -> Iterator[Found]:
    """IBANs, and Polish account numbers without the country code."""
    for head in _HEAD.finditer(text):
        start = head.start()
        body = _BODY.match(text, head.end())
        before = text[max(0, start - _WORD_CHARS) : start]
        end = _end(text[start : body.end()], before) if body else 0
        if end:
            yield Found(start, start + end, Kind.IBAN, Priority.CHECKED)
    for match in _POLISH.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        before = text[max(0, match.start() - _WORD_CHARS) : match.start()]
        if _is_checked("PL" + digits) and _ACCOUNT_WORD.search(before):
            yield Found(match.start(), match.end(), Kind.IBAN, Priority.CHECKED)


def _end(text: str, before: str) -> int:
    """How much of the text is an account; 0 for nothing. A word may follow without a break."""
    size = _SIZES.get(text[:2].upper())
    if size is None:
        return 0
    spots = [at for at, char in enumerate(text) if char not in _SEPARATORS]
    plain = "".join(text[at] for at in spots).upper()
    if len(plain) >= size and _breaks(text, spots[size - 1] + 1):
        known = _is_checked(plain[:size]) or bool(_IBAN_WORD.search(before))
        if known and plain[:size] not in _EXAMPLES:
            return spots[size - 1] + 1
    return _odd_end(text, plain, spots) if _ACCOUNT_WORD.search(before) else 0


def _odd_end(text: str, plain: str, spots: list[int]) -> int:
    """An account of another length than its country's: only where a word and the checksum agree."""
    for size in range(len(plain), _MIN_CHARS - 1, -1):
        end = spots[size - 1] + 1
        digits = sum(char.isdigit() for char in plain[:size])
        if _breaks(text, end) and digits >= _MIN_DIGITS and _is_checked(plain[:size]):
            return 0 if plain[:size] in _EXAMPLES else end
    return 0


def _breaks(text: str, end: int) -> bool:
    return end == len(text) or not text[end].isalnum()


def _is_checked(plain: str) -> bool:
    """ISO 13616: the country and the check digits moved to the end give 1 modulo 97."""
    return plain.isascii() and mod_97_10.is_valid(plain[4:] + plain[:4])
