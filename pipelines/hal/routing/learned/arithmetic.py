"""Calculations in a text, done again: "3 x 60 = 180" is right, "15 + 25 = 42" is not.

Pure and linear in the text. Plus, minus, times and divided by; up to eight numbers in a row, with
currency signs, thousands and per cent. Knows no algebra: what it cannot read is not counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A calculation that is right to half a per cent is rounded, not wrong.
TOLERANCE = 0.005
# More calculations than any answer to one question has; the rest says nothing new.
MOST = 200

_NUMBER = r"[-−]?[$€£]?\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,8})?%?"
_OPERATOR = r"[+\-−*/×÷xX]"
# One unit may stand behind a number ("3 apples x 2").
_UNIT = r"(?: ?[A-Za-z]{2,12})?"
_CALCULATION = re.compile(
    rf"(?<![\d.,])({_NUMBER}{_UNIT}(?: {{0,2}}{_OPERATOR} {{0,2}}{_NUMBER}{_UNIT}){{1,7}})"
    rf" {{0,2}}= {{0,2}}({_NUMBER})(?![\d])"
)
_PARTS = re.compile(rf"({_OPERATOR})?[ ]{{0,2}}({_NUMBER}){_UNIT}[ ]{{0,2}}")
_TIMES, _DIVIDED, _MINUS = "*×xX", "/÷", "-−"


@dataclass(frozen=True, slots=True)
class Calculations:
    """How many were found, and how many of them are wrong."""

    found: int = 0
    wrong: int = 0


def check(text: str) -> Calculations:
    """Do all calculations of a text again. A division by zero is wrong."""
    if "=" not in text:
        return Calculations()
    found = wrong = 0
    for match in _CALCULATION.finditer(text):
        found += 1
        wrong += not _is_right(match[1], match[2])
        if found == MOST:
            break
    return Calculations(found, wrong)


def number(text: str) -> float:
    """ "$1,200.50" as 1200.5; per cent stay as they are written."""
    return float(text.replace("−", "-").translate({ord(mark): None for mark in "$€£,%"}))


def _is_right(left: str, right: str) -> bool:
    terms, is_percent = _terms(left)
    if terms is None:
        return False
    wanted = number(right)
    sums = {sum(terms), sum(terms) / 100 if is_percent else sum(terms)}
    return any(abs(total - wanted) <= max(TOLERANCE * abs(wanted), 0.006) for total in sums)


def _terms(left: str) -> tuple[list[float] | None, bool]:
    """What is added up, after times and divided by; None where something is divided by zero."""
    terms: list[float] = []
    for match in _PARTS.finditer(left):
        operator, value = match[1] or "+", number(match[2])
        if operator in _TIMES and terms:
            terms[-1] *= value
        elif operator in _DIVIDED and terms:
            if value == 0:
                return None, False
            terms[-1] /= value
        else:
            terms.append(-value if operator in _MINUS else value)
    return terms, "%" in left
