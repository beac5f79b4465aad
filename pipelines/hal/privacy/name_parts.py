"""What the bare mentions of a person look like: first name, last name, the name without its title.

Pure. Knows the titles and particles of nine languages and the names that are also common words. It
does not know which word is a family name where that comes first, and no nicknames.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Stand before a name and are no part of it.
_TITLES = """
    herr herrn frau fräulein dr dr. prof prof. professor ing. dipl.-ing.
    mr mr. mrs mrs. ms ms. miss mx mx. sir dame lord lady
    m. mme mme. mlle mlle. monsieur madame docteur maître
    señor señora sr sr. sra sra. don doña signor signora signorina sig. dott. dott.ssa avv.
    heer mevrouw meneer dhr. mevr. mw. ir. drs. pan pani pana senhor senhora seu dona fru hr hr.
"""
# Stand within a name and do not mean a person on their own.
_PARTICLES = """
    von van vom zu zur zum der den de del della delle dei di da das do dos du des la las le les los
    el al bin ibn abu y e i und and ter ten te af av jr jr. sr sr. ii iii iv
"""
# Names that are ordinary words when they are written small: only the capital tells.
_ALSO_WORDS = """
    art amber angel bill brook brown carol chance chase christian dawn dean drew earnest faith frank
    gene grace grant green guy heath holly hope hunter ivy jade jasmine jersey joy king lily long
    love mark marine mason may melody miles nick olive page park parker pat pearl penny pierce poppy
    pride prince ray rich rob robin rock rod rose ruby sage sandy sky small stone sue summer violet
    wade walker ward wells white will win wood young
    alt braun ernst groß hart jung klein kurz lang recht reich schön schwarz stark treu weiß
    blanc bon brave clair constant france garde grand noir petit pierre roche rouge
    blanco bravo campo cruz flores leal luz mar mora paz pilar reyes rico rojo rosa sol vega vera
    bella bianco costa gallo grande leone mare monti rosso russo sole stella valle
    bos bruin groot jong kok lange meer wit kot mróz sikora wilk zając
    branco campos lima neves pinto prado rocha sales vale berg bo dahl ek falk lind liv lund sten
"""
# Shorter words are initials and particles in some language.
_PART_CHARS = 3
_WORD = re.compile(r"[^\s,;]+")


def parts(name: str) -> Mapping[str, str]:
    """FIRST, LAST, MIDDLE and FULL (without its title) of a name, as far as it has them.

    Spelled as in `name`. Empty for a single word.
    """
    tokens = _WORD.findall(name)
    words = _without_titles(tokens)
    found: dict[str, str] = {}
    if len(words) < len(tokens) and len(words) > 1:
        found["FULL"] = name[name.index(words[0]) :]
    telling = [word for word in words if _is_telling(word)]
    if len(words) > 1 and "," in name:  # Müller, Jürgen
        telling = telling[1:] + telling[:1]
    if len(words) == 1:
        return {"LAST": words[0]} if len(tokens) > 1 and telling else {}
    if words and telling and telling[0] in (words[0], words[-1]) and len(telling) > 1:
        found["FIRST"] = telling[0]
    if telling and (len(telling) > 1 or telling[0] == words[-1]):
        found["LAST"] = telling[-1]
    if len(telling) == 3:
        found["MIDDLE"] = telling[1]
    return found


def needs_capital(word: str) -> bool:
    """Whether this name is something else when it is written small."""
    return word.casefold() in _FOLDED_WORDS


def _without_titles(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) - 1 and words[at].casefold() in _FOLDED_TITLES:
        at += 1
    return words[at:]


def _is_telling(word: str) -> bool:
    is_initial = word.endswith(".") or len(word) < _PART_CHARS
    return not is_initial and word.casefold() not in _FOLDED_PARTICLES


_FOLDED_TITLES = frozenset(_TITLES.casefold().split())
_FOLDED_PARTICLES = frozenset(_PARTICLES.casefold().split())
_FOLDED_WORDS = frozenset(_ALSO_WORDS.casefold().split())
