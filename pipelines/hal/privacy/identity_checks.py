"""Check digits and dates that python-stdnum does not have, or checks in another way.

Pure: no clock, so a birth in the future passes.
"""

from __future__ import annotations

import re

from stdnum import luhn

# ICAO 9303 weights, for passports and identity cards; letters count from 10.
_ICAO = (7, 3, 1)
_MONTHS, _DAYS = 12, 31
# Added to the day in Sweden's co-ordination numbers.
_COORDINATION = 60
# Added to the day of the second holder of the same number (German pension insurance).
_SECOND_HOLDER = 50


def german_document(value: str) -> bool:
    """Nine characters of an identity card or passport, alone or with their check digit."""
    plain = value.upper().removesuffix("D")
    if not any(char.isdigit() for char in plain[1:9]):
        return False
    size = 9
    if len(plain) == size:
        return True
    total = sum(int(char, 36) * _ICAO[at % 3] for at, char in enumerate(plain[:size]))
    return len(plain) == size + 1 and plain[size] == str(total % 10)


def polish_document(value: str) -> bool:
    """An identity card: three letters, a check digit, five digits."""
    plain = re.sub(r"[ -]", "", value.upper())
    weights = (7, 3, 1, 9, 7, 3, 1, 7, 3)
    return (
        sum(int(char, 36) * weight for char, weight in zip(plain, weights, strict=True)) % 10 == 0
    )


def german_pension(value: str) -> bool:
    """Area, birth date, letter of the name (two digits in the sum), serial, check digit."""
    plain = value.replace(" ", "")
    day, month = int(plain[2:4]), int(plain[4:6])
    if not 1 <= month <= _MONTHS or not 1 <= day <= _DAYS + _SECOND_HOLDER:
        return False
    digits = plain[:8] + f"{ord(plain[8]) - 64:02d}" + plain[9:11]
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    products = [int(digit) * weight for digit, weight in zip(digits, weights, strict=True)]
    return sum(product // 10 + product % 10 for product in products) % 10 == int(plain[11])


def swedish(value: str) -> bool:
    """Personnummer or samordningsnummer, with or without the century."""
    digits = re.sub(r"\D", "", value)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    if day > _COORDINATION:
        day -= _COORDINATION
    return 1 <= month <= _MONTHS and 1 <= day <= _DAYS and luhn.is_valid(digits)


def danish_date(value: str) -> bool:
    """Since 2007 a CPR number has no check digit, only the date."""
    return 1 <= int(value[:2]) <= _DAYS and 1 <= int(value[2:4]) <= _MONTHS
