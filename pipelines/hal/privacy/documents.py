"""Numbers that are known by the word in front: passports, licences, and ids with a wrong digit.

Pure. Knows the machine-readable lines of passports by their check digits. Of the other numbers it
knows only that they follow their name at once and hold digits: who writes "my SSN is" gives away a
number, also a mistyped one or one of another country.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind
from .values import lower

# By the languages that we know. Endings differ with the case of the noun.
_DOCUMENTS = (
    r"passports?|reisepass\w{0,8}|passeport|pasaporte|passaporto|passaporte|paspoort\w{0,8}|"
    r"paszport\w{0,4}|pass(?:nummer|nr)|driver'?s? licen[cs]e|driving licen[cs]e|"
    r"führerschein\w{0,8}|permis de conduire|(?:carnet|permiso) de conduci[ró]n?|"
    r"patente(?: di guida)?|rijbewijs\w{0,8}|praw\w{1,2} jazdy|carta de condução|"
    r"carteira de (?:motorista|identidade)|cnh|körkort\w{0,8}|(?:personal)?ausweis\w{0,8}|"
    r"carte (?:nationale )?d.identité|cédula|carta d.identità|identiteitskaart|id.?kaart|id.?card|"
    r"identity card|national id|identity (?:number|document)|dow[oó]d\w{0,3} osobist\w{1,4}|"
    r"cartão de cidadão|bilhete de identidade|legitimation\w{0,8}|residence permit|green card|visa"
)
_NUMBERS = (
    r"(?:personal|citizen|identification|id|national(?: identity)?) (?:number|no|nr|code)|"
    r"ss(?: number|#| no)|my social|nat(?:ional)?\.? ins(?:urance)?\.?|"
    r"ssn|social security|social insurance|national insurance|ni number|nino|itin|nhs number|"
    r"aadhaa?r|pan (?:card|number)|tax file|tfn|bsn|burgerservicenummer|pesel\w{0,3}|"
    r"person(?:nummer|numret|nr)|samordningsnummer|cpf|nif|dni|nie|codice fiscale|"
    r"numéro de sécurité sociale|número de contribuinte|número de la seguridad social|"
    r"steuer-?id(?:nr)?|steueridentifikationsnummer|identifikationsnummer|"
    r"sozialversicherungsnummer|rentenversicherungsnummer|svnr|ahv(?:-nummer|-nr)?|"
    r"rijksregisternummer|numéro national|tax(?:payer)? id(?:entification)?"
)
_NAME = re.compile(rf"(?<!\w)(?:{_DOCUMENTS}|{_NUMBERS})(?!\w)")
# Letters of the names above, so that most texts are not searched.
_TRIGGERS = (
    "pass", "pasaporte", "paspoort", "paszport", "licen", "führerschein", "permis", "conduc",
    "conduç", "patente", "rijbewijs", "jazdy", "motorista", "cnh", "körkort", "ausweis", "identi",
    "cédula", "kaart", "card", "national", "dow", "cidadão", "legitimation", "permit", "visa",
    "number", " no", " nr", "code", "ssn", "ss#", "social", "insurance", "nat. ins", "nat ins",
    "ni number", "nino", "itin", "nhs", "aadha", "pan ", "tax",
    "tfn", "bsn", "burgerservice", "pesel", "person", "samordning", "cpf", "nif", "dni", "nie",
    "codice", "sécurité", "contribuinte", "seguridad", "steuer", "versicherung", "svnr", "ahv",
    "rijksregister",
)  # fmt: skip
# "number", "no.", "is", "(": up to five short words and signs between the name and its number.
_LINK = re.compile(
    r"(?:[ \t(/]{0,2}+[^\W\d_]{1,12}\b\.?){0,5}+[ \t]{0,3}+[:=#|(\"'º°]{0,3}+\s{0,3}+"
)
_NUMBER = re.compile(
    r"(?:[A-Za-z]{1,5}[ -]?)?\d[0-9A-Z]{0,11}(?:[ ./-]?\d[0-9A-Z]{0,9}){0,6}"
    # A letter at the end; "I" and "A" are words.
    r"(?:[ -]?[B-HJ-Z](?![A-Za-z]))?(?!\w)"
)
# A passport has seven characters or more, the longest licences eighteen.
_MIN_CHARS, _MAX_CHARS, _MIN_DIGITS = 6, 18, 5
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})\Z|\d{4}-\d{2}-\d{2}\Z")
_EXAMPLES = frozenset({"123456789", "1234567890", "12345678", "123456", "AB123456C", "QQ123456C"})

# ICAO 9303: the lines of a passport (44 characters each), of which the second has the check digits.
_MRZ = re.compile(
    r"(?:P[A-Z<][A-Z<]{3}[A-Z<]{39}\s{1,4})?"
    r"(?P<number>[A-Z0-9<]{9})(?P<check>\d)[A-Z<]{3}\d{6}\d[MFX<]\d{6}\d[A-Z0-9<]{14}[0-9<]\d"
)
_ICAO = (7, 3, 1)


def find(text: str) -> Iterator[Found]:
    """Numbers of documents, and the machine-readable lines of passports."""
    lowered = lower(text)
    if any(trigger in lowered for trigger in _TRIGGERS):
        yield from _named(text, lowered)
    if "<<" in text:
        yield from _machine_readable(text)


def _named(text: str, lowered: str) -> Iterator[Found]:
    for name in _NAME.finditer(lowered):
        link = _LINK.match(text, name.end())
        number = _NUMBER.match(text, link.end() if link else name.end())
        # The last word of the link may be the letters of the number: "passport C01X00T47".
        if number and _is_number(number.group()):
            yield Found(number.start(), number.end(), Kind.NATIONAL_ID, Priority.NAMED)


def _is_number(value: str) -> bool:
    plain = re.sub(r"[ ./-]", "", value)
    digits = sum(char.isdigit() for char in plain)
    if _DATE.match(value) or plain in _EXAMPLES or len(set(plain)) == 1:
        return False
    return _MIN_CHARS <= len(plain) <= _MAX_CHARS and digits >= _MIN_DIGITS


def _machine_readable(text: str) -> Iterator[Found]:
    for match in _MRZ.finditer(text):
        number = match["number"]
        total = sum(
            (0 if char == "<" else int(char, 36)) * _ICAO[at % 3] for at, char in enumerate(number)
        )
        if str(total % 10) == match["check"]:
            yield Found(match.start(), match.end(), Kind.NATIONAL_ID, Priority.CHECKED)
