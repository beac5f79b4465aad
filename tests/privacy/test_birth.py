"""Dates of birth: only beside a word of birth, in nine languages and all orders."""

from __future__ import annotations

import pytest

from hal.privacy.birth import find
from hal.privacy.kinds import Kind
from tests.privacy.linear import CHARS, hostile, steps


def births(text: str) -> list[str]:
    found = list(find(text))
    assert all(one.kind is Kind.DOB for one in found)
    return [text[one.start : one.end] for one in found]


DATES = (
    "1984-03-07", "07.03.1984", "7/3/1984", "03-07-84", "7 March 1984", "March 7, 1984",
    "7th of March 1984",
    "Mar. 7th, 1984", "19840307", "7. März 1984", "7 mars 1984", "7 de marzo de 1984",
    "7 marzo 1984",
    "7 maart 1984", "7 marca 1984", "7 de março de 1984", "7 mars 1984", "1984/03/07",
    "1er mai 1984",
    "12 października 1970", "3. Okt. 1991", "12 augusti 1950", "5-Jun-1999",
)  # fmt: skip


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("frame", ["DOB: {}", "She was born on {} in Leeds.", "(geb. {})"])
def test_every_order(date: str, frame: str) -> None:
    assert births(frame.format(date)) == [date]


CUES = (
    "I was born in Leeds on 7 March 1984", "Date of birth (dd/mm/yyyy): 07/03/1984",
    "Birthday: 7.3.1984",
    "my wife's birthday is 7 March 1984", "Geburtsdatum 07.03.1984",
    "Sie ist am 07.03.1984 geboren",
    "geboren am 07.03.1984", "Je suis née le 07/03/1984", "né(e) le 7 mars 1984",
    "Date de naissance : 07/03/1984",
    "Nací el 7 de marzo de 1984", "fecha de nacimiento: 07/03/1984",
    "Sono nato a Roma il 07/03/1984",
    "data di nascita 07/03/1984", "geboren op 7 maart 1984", "geboortedatum: 07-03-1984",
    "ur. 07.03.1984 w Łodzi",
    "urodzona 7 marca 1984", "Data urodzenia: 07.03.1984", "Nasci a 7 de março de 1984",
    "data de nascimento: 07/03/1984",
    "Jag är född 1984-03-07", "födelsedatum 1984-03-07", "07/03/1984 (date of birth)",
    "D.O.B. 07/03/1984",
)  # fmt: skip


@pytest.mark.parametrize("text", CUES)
def test_every_cue(text: str) -> None:
    (date,) = births(text)
    assert "84" in date


@pytest.mark.parametrize(
    "text",
    [
        "The meeting is on 7 March 2024.",
        "Released 2024-03-07, version 1.2.3",
        "The idea was born on the beach while we had lunch.",
        "She was born there. The contract was signed on 7 March 2024.",
        "Date of birth: unknown\nIssued: somewhere\nValid until: 01.01.2030",
        "He was born in Leeds and died on 7 March 1999.",
        "Geburtstagskarte am 12.",
        "born 12:30 with 3.5 kg",
        "Geben Sie 12.03.2024 an",
    ],
)
def test_no_birth(text: str) -> None:
    assert births(text) == []


@pytest.mark.parametrize("kind", hostile())
def test_work_grows_no_faster_than_the_text(kind: str) -> None:
    short, long = hostile(CHARS // 4)[kind], hostile(CHARS)[kind]
    assert steps(find, long) <= 6 * steps(find, short) + 500
