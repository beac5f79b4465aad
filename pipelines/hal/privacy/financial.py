"""Payment cards, by their checksum.

Pure. A card needs the Luhn digit, a prefix that an issuer uses, a length that this issuer uses and
a grouping that people use. Bank accounts are in `accounts`, wallets in `wallets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import luhn

from .exemptions import is_test_card
from .found import Found, Priority
from .kinds import Kind

# ISO/IEC 7812 issuer ranges with the lengths they issue, from the networks' own documents.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (400000, 499999, frozenset({13, 16, 19})),  # Visa
    (510000, 559999, frozenset({16})),  # Mastercard
    (222100, 272099, frozenset({16})),  # Mastercard, since 2017
    (340000, 349999, frozenset({15})),  # American Express
    (370000, 379999, frozenset({15})),
    (300000, 305999, frozenset({14, 16})),  # Diners Club
    (309500, 309599, frozenset({14, 16})),
    (360000, 369999, frozenset({14, 16})),
    (380000, 399999, frozenset({14, 16})),
    (601100, 601199, frozenset({16, 19})),  # Discover
    (644000, 659999, frozenset({16, 19})),
    (622126, 622925, frozenset({16, 17, 18, 19})),  # China UnionPay with Discover
    (620000, 629999, frozenset({16, 17, 18, 19})),
    (352800, 358999, frozenset({16, 19})),  # JCB
    (500000, 509999, frozenset({12, 13, 14, 15, 16, 17, 18, 19})),  # Maestro, Elo
    (560000, 589999, frozenset({12, 13, 14, 15, 16, 17, 18, 19})),  # Maestro
    (639000, 639099, frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
    (670000, 679999, frozenset({12, 13, 14, 15, 16, 17, 18, 19})),
    (606282, 606282, frozenset({16, 19})),  # Hipercard
    (220000, 220499, frozenset({16, 17, 18, 19})),  # Mir
    (131400, 131499, frozenset({15})),  # JCB, old
    (180000, 180099, frozenset({15})),
    (213100, 213199, frozenset({15})),
)
# Luhn lets one number in ten through. These ranges are wide and their lengths many, so that bare
# digits (an order number, a time stamp) need a word in front.
_WIDE_LENGTHS = 4
_CARD = re.compile(r"(?<![\w./-])(?<!\w[+#])\d(?:[ \u00a0.-]?\d){11,18}(?![\w]|[.-]\d)")
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 5), (4, 4, 4, 4, 3), (6, 13), (4, 4, 4, 3), (8, 8)}
)
_CARD_WORD = re.compile(
    r"(?i)card|karte|carte|tarjeta|carta|kaart|karta|cart[aã]o|kort|visa|master|amex|maestro|"
    r"american express|diners|discover|jcb|credit|debit|cc\b|pan\b|kk-?nr"
)
# How far in front of a number the word that names it stands.
_WORD_CHARS = 48


def find(text: str) -> Iterator[Found]:
    """Card numbers whose checksum is right, without the published test cards."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if not luhn.is_valid(digits) or is_test_card(digits):
            continue
        before = text[max(0, match.start() - _WORD_CHARS) : match.start()]
        if _is_issued(digits, named=bool(_CARD_WORD.search(before))) and _is_grouped(match.group()):
            yield Found(match.start(), match.end(), Kind.CREDIT_CARD, Priority.CHECKED)


def _is_issued(digits: str, *, named: bool) -> bool:
    """Where a word says that it is a card, any of the networks' leading digits will do."""
    if named:
        return digits[0] in "23456" or digits[:4] in ("1800", "2131")
    prefix, size = int(digits[:6]), len(digits)
    return any(
        low <= prefix <= high and size in lengths and len(lengths) < _WIDE_LENGTHS
        for low, high, lengths in _ISSUERS
    )


def _is_grouped(text: str) -> bool:
    """In no groups at all, or as printed on a card with one separator throughout."""
    separators = set(re.sub(r"\d", "", text))
    if not separators:
        return True
    groups = tuple(len(group) for group in re.split(r"\D", text))
    return len(separators) == 1 and groups in _GROUPS
