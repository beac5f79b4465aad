"""Finds numbers of medical records, patients, cases and health insurances, by the word in front.

Pure. The value has four digits at least; the word makes it a record's number, for these numbers
have no common format and no checksum. It does not find a number whose word is on another line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind

# One of these has to be in the text, in any case.
_STEMS = (
    "mrn", "medical", "patient", "pacient", "pazient", "pasient", "pacjent", "patiënt", "kranken",
    "versichert",
    "health", "hospital", "clinic", "krankenhaus", "dossier", "historia", "cartella", "karta",
    "kartot", "chart",
    "insurance", "insured", "member id", "subscriber", "journal", "utente", "sanitari",
    "ubezpiecz", "verzeker",
    "policy", "assicur", "asegurad", "mutuelle", "assuré", "medicare", "medicaid", "sns",
    "prontuário",
    "processo", "dokumentac", "fallnummer", "ipp", "nhc", "nss",
)  # fmt: skip
_NUMBER = r"(?:[ -]?(?:no\.?|nr\.?|number|num\.?|id|#|n[°ºo]\.?|numbers|identifier|code))"
_CUE = re.compile(
    r"\b(?:"
    rf"mrn|emr|ehr ?id|medical records?{_NUMBER}|medical record|(?:patient|chart|hospital"
    rf"|health card|health record"
    rf"|medicare|medicaid|nhi|case record){_NUMBER}|patient[-_ ]?(?:id|no|number)|chart #"
    rf"|(?:health )?insurance (?:member |policy )?(?:id|number|no\.?)|health (?:plan"
    rf"|insurance)(?: beneficiary)?{_NUMBER}"
    rf"|(?:member|subscriber){_NUMBER}"
    r"|patienten-?(?:nummer|nr\.?|id|akte)|fallnummer|fall-nr\.?|krankenversicherten-?(?:nummer"
    r"|nr\.?)"
    r"|versicherten-?(?:nummer|nr\.?)|krankenkassen-?(?:nummer|nr\.?)|krankenakte"
    rf"|(?:dossier|numéro|n°|no) (?:médical|patient|de patient|du patient"
    rf"|de dossier)(?: médical)?{_NUMBER}?|ipp"
    rf"|numéro (?:d'assuré|de mutuelle|d'adhérent)"
    r"|(?:n[úu]mero|n[º°]\.?|nº) de (?:historia(?: cl[íi]nica)?|paciente|afiliado|asegurado"
    r"|póliza médica)"
    r"|historia cl[íi]nica|nhc|tarjeta sanitaria"
    r"|cartella clinica|(?:numero|n\.|codice|id) (?:paziente|cartella|di cartella)(?: clinica)?"
    r"|tessera sanitaria"
    r"|pati[ëe]nt(?:en)?-?nummer|dossiernummer|verzekerden?nummer|polisnummer zorg\w{0,12}"
    r"|(?:numer|nr) (?:pacjenta|karty pacjenta|historii choroby|ubezpieczenia|kartoteki"
    r"|dokumentacji medycznej)"
    r"|karta pacjenta|historia choroby"
    r"|(?:n[úu]mero|n[º°]\.?) (?:de|do) (?:utente|paciente|processo cl[íi]nico|processo"
    r"|prontuário)|prontuário|sns"
    r"|patient-?(?:nummer|id)|journalnummer|journalnr"
    r")(?![^\W\d_])",
    re.IGNORECASE,
)
# The value: letters, digits and single separators; at least four digits are counted afterwards.
_VALUE = re.compile(
    r"(?<![\w@/])[A-Z]{0,5}[-/]?\d[A-Za-z0-9]{1,14}(?:[-/. ]?\d[A-Za-z0-9]{0,12}){0,4}(?![\w@])"
)
_LINK = re.compile(
    r"[ \t]{0,4}(?:[:=#|(\"'-]{1,3}|\b(?:is|ist|lautet|est|es|è|to|é|är|of|number|no\.?|nr\.?"
    r"|num|n\.|n[°º]|für|for|the|patient|pacjenta|medical|record)(?!\w)|\*\*|\.){0,4}[ \t]{0,4}",
    re.IGNORECASE,
)
_VALUE_CHARS = 24  # the longest are insurances' of 20 signs, with separators
_LINKS = 4  # words between the cue and the value: "number of the patient is"


def find(text: str) -> Iterator[Found]:
    """Yields record numbers directly after their cue."""
    folded = text.lower()
    if not any(stem in folded for stem in _STEMS):
        return
    for cue in _CUE.finditer(text):
        at = cue.end()
        for _ in range(_LINKS):
            value = _VALUE.match(text, at)
            if value is not None and _is_number(value.group()):
                yield Found(value.start(), value.end(), Kind.MRN, Priority.NAMED)
                break
            link = _LINK.match(text, at)
            if link is None or link.end() == at:
                break
            at = link.end()


def _is_number(value: str) -> bool:
    """Four digits at least, and no date."""
    digits = sum(sign.isdigit() for sign in value)
    return digits >= 4 and len(value) <= _VALUE_CHARS and _DATE.fullmatch(value) is None


_DATE = re.compile(r"[0-3]?\d[./-][01]?\d[./-](?:\d\d|\d{4})|\d{4}[./-]\d{1,2}[./-]\d{1,2}")
