"""Whether an answer needs a private value itself, so that a placeholder would spoil it.

Pure. Looks at the words of the question alone: who asks how old somebody is, or whether a number is
valid, needs the number. A miss costs a poor answer from the cloud, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType

from .kinds import Kind

# Checking and reckoning, in the nine languages that are recognised; stems, so that forms count.
_CHECK = (
    r"valid\w{0,8}|verif\w{0,8}|v[ée]rifi\w{0,6}|checksums?|check digits?|digits?|prüf\w{0,8}"
    r"|gültig\w{0,4}|ziffern?|chiffres?|cifras?|dígit\w{0,3}|válid\w{0,4}|comprueb\w{0,4}|cifre"
    r"|controll\w{0,6}|geldig\w{0,4}|controleer\w{0,3}|cijfers?|sprawd\w{0,6}|poprawn\w{0,4}"
    r"|cyfr\w{0,3}|verific\w{0,6}|giltig\w{0,4}|kontroller\w{0,4}|siffr\w{0,4}"
    r"|regex\w{0,3}|parse\w{0,3}|split\w{0,4}|convert\w{0,4}|normali[sz]e\w{0,2}"
)
_SPELLING = (
    r"anagram\w{0,2}|palindrom\w{0,2}|initials|how many letters|rhym\w{0,3}|spell\w{0,4}"
    r"|buchstabe\w{0,4}|initialen|reim\w{0,4}|combien de lettres|cuántas letras|quante lettere"
)
_AGE = (
    r"how old|age|years? old|birthday|zodiac|star sign|day of the week|wie alt|alter|geburtstag"
    r"|sternzeichen|wochentag|quel âge|âge|anniversaire|edad|años|cumpleaños|età|anni|compleanno"
    r"|leeftijd|hoe oud|jarig|ile .{0,12}lat|wiek\w{0,3}|urodzin\w{0,3}|idade|anos|aniversário"
    r"|ålder|gammal|födelsedag"
)
_NETWORK = (
    r"subnet\w{0,4}|cidr|netmask|broadcast|whois|geo\w{0,8}|located?|location|vendor|oui|binary"
    r"|hex|subnetz|netzmaske|standort|masque|máscara|maschera|maska"
)
_PLACE = (
    r"how far|distance|route|directions?|nearest|close to|weather|time ?zone|entfern\w{0,4}|weit"
    r"|nächste\w{0,2}|wetter|loin|proche|météo|itinéraire|lejos|cerca|distancia|lontano|vicin\w"
    r"|distanza|meteo|afstand|dichtbij|weer|daleko|najbliż\w{0,3}|pogod\w|longe|perto|distância"
    r"|långt|närmaste|väder|avstånd"
)


def _pattern(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


_OF_NUMBERS = _pattern(_CHECK)
_PATTERNS = MappingProxyType(
    {
        Kind.PERSON: _pattern(_SPELLING),
        Kind.DOB: _pattern(_CHECK, _AGE),
        Kind.IP: _pattern(_CHECK, _NETWORK),
        Kind.MAC: _pattern(_CHECK, _NETWORK),
        Kind.ADDRESS: _pattern(_CHECK, _PLACE),
    }
)


def has_to_compute(question: str, kinds: Iterable[Kind]) -> bool:
    """Whether the question reckons with one of these kinds of values."""
    return any(_PATTERNS.get(kind, _OF_NUMBERS).search(question) for kind in kinds)
