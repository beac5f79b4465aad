"""Licence plates: national formats beside a cue, German ones alone, and no product codes."""

from __future__ import annotations

import pytest

from hal.privacy.kinds import Kind
from hal.privacy.plates import find
from tests.privacy.linear import CHARS, hostile, steps


def plates(text: str) -> list[str]:
    found = list(find(text))
    assert all(one.kind is Kind.PLATE for one in found)
    return list(dict.fromkeys(text[one.start : one.end] for one in found))


FOUND = {
    "Germany": ("Mein Kennzeichen ist M-XY 1234.", "M-XY 1234"),
    "Germany, spaces": ("Kennzeichen: HH AB 123", "HH AB 123"),
    "Germany, electric": ("das Kfz-Kennzeichen B-MW 12E", "B-MW 12E"),
    "Germany, alone": ("Der Wagen KA-QQ 77 steht da.", "KA-QQ 77"),
    "France": ("La plaque est AB-123-CD.", "AB-123-CD"),
    "France, registration": ("véhicule immatriculé AB-123-CD", "AB-123-CD"),
    "France, old": ("immatriculation 1234 AB 75", "1234 AB 75"),
    "United Kingdom": ("My number plate is BD51 SMR", "BD51 SMR"),
    "United Kingdom, no space": ("reg: BD51SMR", "BD51SMR"),
    "Italy": ("la targa FA 123 BC", "FA 123 BC"),
    "Spain": ("matrícula 1234 BCD", "1234 BCD"),
    "Netherlands": ("kenteken 12-ABC-3", "12-ABC-3"),
    "Netherlands, new": ("kenteken G-123-BB", "G-123-BB"),
    "Poland": ("nr rej. KR 5AB12", "KR 5AB12"),
    "Poland, declined": ("o numerze rejestracyjnym WA 12345", "WA 12345"),
    "Portugal": ("a matrícula 12-AB-34", "12-AB-34"),
    "Brazil": ("placa ABC1D23", "ABC1D23"),
    "Sweden": ("registreringsnummer ABC 12D", "ABC 12D"),
    "Austria": ("Kennzeichen W-12345 X", "W-12345 X"),
    "Switzerland": ("Kontrollschild und Kennzeichen ZH 123456", "ZH 123456"),
    "California": ("license plate 7ABC123", "7ABC123"),
    "New York": ("License plate: ABC-1234", "ABC-1234"),
    "a table": ("| vehicle registration | WX12345 | ok |", "WX12345"),
}


@pytest.mark.parametrize(("text", "plate"), FOUND.values(), ids=FOUND)
def test_found(text: str, plate: str) -> None:
    assert plates(text) == [plate]


@pytest.mark.parametrize(
    "text",
    [
        "Order AB-123-CD and part BD51 SMR today.",
        "a license for the plate tectonics course GEO 101 is",
        "Register the module. See RFC 2616 for HTTP.",
        "Registration opens at 12:30 in room B.",
        "Use TCP-IP 4 or UTF-8 and ISO-AB 12",
        "The vehicle plate is missing. Invoice AB 12345 is attached.",
        "Kennzeichen fehlt!\nRechnung AB 12345",
        "XX-AB 123 is no district",
    ],
)
def test_no_plate(text: str) -> None:
    assert plates(text) == []


@pytest.mark.parametrize("kind", hostile())
def test_work_grows_no_faster_than_the_text(kind: str) -> None:
    short, long = hostile(CHARS // 4)[kind], hostile(CHARS)[kind]
    assert steps(find, long) <= 6 * steps(find, short) + 500
