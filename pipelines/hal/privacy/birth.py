"""Finds dates of birth: a date beside a word that says that somebody was born then.

Pure. A date alone is none, whatever it looks like; the year must be there, in two or four digits.
Months are known by name in nine languages. It does not check that the day exists: a slip of the
pen is as private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind

_MONTHS = (
    "jan(?:uary|uar|vier|uari)?|jän(?:ner)?|feb(?:ruary|ruar|ruari|braio|rero|ruára)?"
    "|f[eé]vr?(?:ier|ereiro)?"
    "|mar(?:ch|zo|s|ço)?|märz?|maart|marca|mrt|apr(?:il|ile)?|abr(?:il)?|avr(?:il)?|may|mai|maj"
    "|maja"
    "|mei|maggio|mayo|maio|mag|june?|juni|juin|junio|junho|giugno|giu|jun|july?|juli|juil(?:let)?"
    "|julio|julho|luglio|lug|jul|aug(?:ust|usti|ustus)?|ao[uû]t|ago(?:sto)?|sep(?:t|tember|tembre"
    "|tiembre)?"
    "|set(?:embro|tembre|tiembre)?|oct(?:ober|obre|ubre)?|okt(?:ober|obre)?|out(?:ubro)?"
    "|ott(?:obre)?"
    "|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|embro)?|d[eé]c(?:embre)?|dic(?:embre"
    "|iembre)?"
    "|enero|ene|gennaio|gen|janeiro|fevereiro|febbraio|stycznia|lutego|kwietnia|czerwca|lipca"
    "|sierpnia"
    "|września|października|listopada|grudnia|augusti|kwi|cze|lip|sie|wrz|paź|lis|gru|sty|lut"
)
# A year of four digits, or of two with or without an apostrophe.
_YEAR = r"(?:(?:1[89]|20)\d\d|['’]?\d\d)"
_FULL_YEAR = r"(?:1[89]|20)\d\d"
_DATE = re.compile(
    rf"(?<![\w.])(?:{_FULL_YEAR}(?P<a>[-/.])\d{{1,2}}(?P=a)\d{{1,2}}"
    rf"|\d{{1,2}}(?P<b>[-/.]) ?\d{{1,2}}(?P=b) ?{_YEAR}"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th|er|º|ª|\.)?[ -](?:de |of "
    rf"|di )?(?:{_MONTHS})\.?,?[ -](?:de |del )?{_YEAR}"
    rf"|(?:{_MONTHS})\.?[ -]\d{{1,2}}(?:st|nd|rd|th)?,?[ -]{_YEAR}"
    rf"|{_FULL_YEAR}[ -](?:{_MONTHS})[ -]\d{{1,2}}|{_FULL_YEAR}(?:0[1-9]|1[0-2])[0-3]\d"
    rf"|\d{{2}} \d{{2}} {_FULL_YEAR})(?![\w/-]|\.\d)",
    re.IGNORECASE,
)

# One of these stems has to be in the text at all.
_STEMS = (
    "born", "birth", "dob", "d.o.b", "geb", "né", "nee ", "naissance", "nac", "nato", "nata",
    "nascit",
    "nasci", "nasc.", "ur.", "urodz", "född", "födel", "geburt", "b-day", "bday", "cumplea",
    "complean",
    "anivers", "annivers", "urodzin", "verjaardag",
)  # fmt: skip
_CUE = re.compile(
    r"\b(?:born|birth(?:day|date| date)?|(?:date|year) of birth|d\.?o\.?b\.?|bday|b-day"
    r"|geboren|geb\.|geb(?= )|geburtsdatum|geburtstag|geb\.-dat\.|née?\(?e?\)?|date de naissance"
    r"|naissance"
    r"|anniversaire|nacid[oa]|nac[ií]|nació|f(?:echa|\.) (?:de )?nac(?:imiento|\.)|nacimiento"
    r"|cumpleaños"
    r"|nat[oa]|data di nascita|nascita|compleanno|geboortedatum|geb\.? ?datum|verjaardag"
    r"|ur\.|urodzon[yaą]\w{0,4}|urodził\w{0,4}|data urodzenia|urodzenia|urodzin\w{0,3}"
    r"|nascid[oa]|nasc(?:i|eu|\.)|data de nascimento|nascimento|aniversário"
    r"|född|födelsedatum|födelsedag|födelsedata)(?![^\W\d_])",
    re.IGNORECASE,
)
# "born in Berlin on the", "birthday is", "date of birth (dd/mm/yyyy):", "birthday of Ann Lee:".
_AFTER_CHARS = 60
_BEFORE = re.compile(
    r"[ )\]]{0,3}[(\[]?(?:date of birth|dob|d\.o\.b|birth ?day|birth ?date|geboren|geburtsdatum)\b",
    re.IGNORECASE,
)
# A cue that reaches its date over other words must not reach over another sentence or field.
_STOP = re.compile(
    r"[.!?;] [A-ZÀ-Ž]|\n[^\n]{0,40}\n|\b(?:expir|issued|ausgestellt|gültig|valid|hired|joined|died"
    r"|gestorben|appointment|termin|since|seit|admitted|invoice)",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Found]:
    """Yields dates near a cue of birth."""
    folded = text.lower()
    if not any(stem in folded for stem in _STEMS):
        return
    end = 0
    for cue in _CUE.finditer(text):
        if cue.start() < end:
            continue
        date = _DATE.search(text, cue.end(), cue.end() + _AFTER_CHARS + 20)
        if date is None or date.start() - cue.end() > _AFTER_CHARS or not _reaches(text, cue, date):
            continue
        end = date.end()
        yield _found(date)
    for date in _DATE.finditer(text) if _TRAILING.search(text) else ():
        if _BEFORE.match(text, date.end()):
            yield _found(date)


_TRAILING = re.compile(r"\d[ )\]]{0,3}[(\[]?(?:date of birth|dob|d\.o\.b|birth|geb)", re.IGNORECASE)


def _reaches(text: str, cue: re.Match[str], date: re.Match[str]) -> bool:
    between = text[cue.end() : date.start()]
    if _STOP.search(between):
        return False
    # French "né" needs its "le" (or a form's colon), for names end so as well.
    is_short = len(cue.group()) <= 4 and cue.group().lower().startswith(("né", "nat", "geb", "ur"))
    return not is_short or len(between) < 40


def _found(date: re.Match[str]) -> Found:
    start = date.start() + (4 if date.group().lower().startswith("the ") else 0)
    return Found(start, date.end(), Kind.DOB, Priority.PROSE)
