"""Identity and tax numbers: with their check digits, and without the right word."""

from __future__ import annotations

import pytest

from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind


def found(text: str) -> list[str]:
    spans = Detector().find(text)
    return [text[span.start : span.end] for span in spans if span.kind is Kind.NATIONAL_ID]


NUMBERS = {
    "US SSN": ("it is 536-90-4399 I think", "536-90-4399"),
    "US SSN, bare": ("my SSN is 536904399", "536904399"),
    "US SSN, spaces": ("social security number 536 90 4399", "536 90 4399"),
    "US SSN, wrong": ("my ssn is 987-65-4329", "987-65-4329"),
    "US SSN in a table": ("name,ssn\nAnna,536904399,1990", "536904399"),
    "two names": ("SSN/TIN: 123 456 782", "123 456 782"),
    "identity number": ("national identity number 12345678902", "12345678902"),
    "US ITIN": ("912-70-1234", "912-70-1234"),
    "GB NINO": ("AB 12 34 56 C", "AB 12 34 56 C"),
    "GB NINO, bare": ("National Insurance number: AB123457C", "AB123457C"),
    "GB NHS": ("NHS number 943 476 5870", "943 476 5870"),
    "GB UTR": ("UTR 1955839661", "1955839661"),
    "DE IdNr": ("Steuer-ID 36 574 261 809", "36 574 261 809"),
    "DE IdNr, bare": ("meine IdNr. lautet 36574261809", "36574261809"),
    "DE Steuernummer": ("Steuernummer 181/815/08155", "181/815/08155"),
    "DE pension": ("15070649C103", "15070649C103"),
    "DE Personalausweis": ("Personalausweis LZ6311T47", "LZ6311T47"),
    "DE Reisepass": ("Reisepassnummer: C01X0006H", "C01X0006H"),
    "AT SVNR": ("SV-Nummer 1237 010180", "1237 010180"),
    "CH AHV": ("756.9217.0769.85", "756.9217.0769.85"),
    "CH AHV, bare": ("AHV-Nr. 7569217076985", "7569217076985"),
    "FR NIR": ("2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
    "FR NIR, bare": ("numéro de sécurité sociale 295109912611193", "295109912611193"),
    "ES DNI": ("mi DNI es 54362315K", "54362315K"),
    "ES DNI, dash": ("54362315-K", "54362315-K"),
    "ES NIE": ("X-5253868-R", "X-5253868-R"),
    "IT codice fiscale": ("RCCMNL83S18D969H", "RCCMNL83S18D969H"),
    "NL BSN": ("mijn BSN is 111222333", "111222333"),
    "BE RN": ("85.07.30-033.28", "85.07.30-033.28"),
    "PL PESEL": ("PESEL 44051401458", "44051401458"),
    "PL PESEL, dash": ("PESEL: 440514-01458", "440514-01458"),
    "PL dowód": ("dowód osobisty ABS 123456", "ABS 123456"),
    "PL dowód, dash": ("numer dowodu osobistego: PXN-858107", "PXN-858107"),
    "PL paszport": ("paszport ZS 0000177", "ZS 0000177"),
    "PL prawo jazdy": ("prawo jazdy nr 01234/12/3456", "01234/12/3456"),
    "PT NIF": ("NIF 501 442 600", "501 442 600"),
    "PT CC": ("00000000 0 ZZ4", "00000000 0 ZZ4"),
    "BR CPF": ("390.533.447-05", "390.533.447-05"),
    "BR CPF, bare": ("CPF 39053344705", "39053344705"),
    "SE personnummer": ("811228-9874", "811228-9874"),
    "SE personnummer, century": ("19811228-9874", "19811228-9874"),
    "SE samordningsnummer": ("701063-2391", "701063-2391"),
    "DK CPR": ("CPR 211062-5629", "211062-5629"),
    "FI HETU": ("131052-308T", "131052-308T"),
    "NO fødselsnummer": ("fødselsnummer 15108695088", "15108695088"),
    "IE PPS": ("PPS number 6433435F", "6433435F"),
    "CZ RČ": ("710319/2745", "710319/2745"),
    "TR kimlik": ("TC kimlik 17291716060", "17291716060"),
    "IN Aadhaar": ("Aadhaar 2341 2341 2346", "2341 2341 2346"),
    "IN PAN": ("PAN ACUPA7085R", "ACUPA7085R"),
    "CA SIN": ("SIN number 123 456 782", "123 456 782"),
    "MX CURP": ("BOXW310820HNERXN09", "BOXW310820HNERXN09"),
    "CL RUT": ("12.531.909-2", "12.531.909-2"),
    "CN id": ("360426199101010071", "360426199101010071"),
    "KR RRN": ("971013-9019902", "971013-9019902"),
    "passport": ("my passport number is X1234567B", "X1234567B"),
    "passport, no.": ("passport no. 533380006", "533380006"),
    "passeport": ("passeport n° 12AB34567", "12AB34567"),
    "licence": ("driver's license number D1234568", "D1234568"),
    "Führerschein": ("Führerschein Nr. B072RRE2I55", "B072RRE2I55"),
    "patente": ("patente di guida U1234567X", "U1234567X"),
    "identity card": ("identity card number AB1234568", "AB1234568"),
    "MRZ": (
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    "name after the number": ("is 44051401458 a valid PESEL?", "44051401458"),
}


@pytest.mark.parametrize(("text", "value"), NUMBERS.values(), ids=NUMBERS)
def test_number(text: str, value: str) -> None:
    assert found(text) == [value]


NONE = {
    "SSN, never given": "000-12-3456, 666-12-3456, 123-00-4567, 123-45-0000",
    "SSN, everybody's example": "123-45-6789 and 078-05-1120",
    "a zip": "New York 10001-1234",
    "IdNr, checksum": "eine Nummer wie 36 574 261 808",
    "DNI, letter": "DNI 54362315A"[4:],
    "codice fiscale, letter": "RCCMNL83S18D969A",
    "PESEL without a word": "44051401458",
    "PESEL, label of a list": "PESEL-44051401359 i NIP-1",
    "NIP": "NIP 8943217651",
    "REGON": "REGON: 447 288 153 i NIP: 894-321-76-51",
    "BSN without a word": "111222333",
    "CPF, checksum": "390.533.447-06",
    "personnummer, checksum": "811228-9875",
    "date and time": "20240517-1030 and 2024-05-17",
    "order": "Order 3971659397 has tracking 1Z999AA10123456784",
    "VAT": "VAT ID DE136695976",
    "EIN": "EIN 12-3456789",
    "class name": "the className 123456789 holds",
    "passport in words": "do I need a passport for 2024 or 2025 in Spain?",
    "passport library": "passport.js version 0.7.0 and passport-local 1.0.0",
    "licence of software": "licensed under Apache 2.0 in 2024",
    "identity function": "the identity element 0 and the identity matrix 100 x 100",
    "tax rate": "the tax is 19% of 1000000",
    "hex": "0x44051401458 and a44051401458",
    "a date of a passport": "passport issued 01.02.2020",
    "semver": "1.2.3-4567 and 12.531.909",
    "uuid": "36042619-9101-4100-8711-360426199101",
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_no_number(text: str) -> None:
    assert found(text) == []
