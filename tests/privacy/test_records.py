"""Numbers of medical records and insurances, by their cue, in nine languages."""

from __future__ import annotations

import pytest

from hal.privacy.kinds import Kind
from hal.privacy.records import find
from tests.privacy.linear import CHARS, hostile, steps


def records(text: str) -> list[str]:
    found = list(find(text))
    assert all(one.kind is Kind.MRN for one in found)
    return [text[one.start : one.end] for one in found]


FOUND = {
    "MRN": ("MRN: 00482913", "00482913"),
    "MRN with letters": ("patient (MRN A4829135) was seen", "A4829135"),
    "medical record number": ("medical record number is 48-29-135", "48-29-135"),
    "patient id": ("Patient ID #PT-482913", "PT-482913"),
    "chart": ("chart number: 482913", "482913"),
    "member": ("Member ID: XYZ482913555", "XYZ482913555"),
    "insurance": ("my health insurance number is W482913555", "W482913555"),
    "German patient": ("Patientennummer: 4829135", "4829135"),
    "German insurance": ("Versichertennummer A123456780", "A123456780"),
    "German case": ("Fallnummer 2024-48291", "2024-48291"),
    "French": ("numéro de dossier médical n° 4829135", "4829135"),
    "French, IPP": ("IPP 8004829135", "8004829135"),
    "Spanish": ("número de historia clínica 482913", "482913"),
    "Spanish, NHC": ("NHC: 482913", "482913"),
    "Italian": ("cartella clinica n. 482913", "482913"),
    "Dutch": ("patiëntnummer 4829135", "4829135"),
    "Polish": ("nr pacjenta: 482913", "482913"),
    "Portuguese": ("número de utente 482913555", "482913555"),
    "Swedish": ("journalnummer 482913", "482913"),
    "bold": ("**MRN:** 482913", "482913"),
}


@pytest.mark.parametrize(("text", "number"), FOUND.values(), ids=FOUND)
def test_found(text: str, number: str) -> None:
    assert records(text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "The patient is 45 years old and takes 2000 mg.",
        "medical record of 12.03.2024",
        "MRN: unknown",
        "insurance costs 4829 dollars",
        "chart 2024: sales by month",
        "Patient No. 12",
        "journal 48291 of the society",
        "the hospital has 1200 beds",
    ],
)
def test_no_record(text: str) -> None:
    assert records(text) == []


@pytest.mark.parametrize("kind", hostile())
def test_work_grows_no_faster_than_the_text(kind: str) -> None:
    short, long = hostile(CHARS // 4)[kind], hostile(CHARS)[kind]
    assert steps(find, long) <= 6 * steps(find, short) + 500
