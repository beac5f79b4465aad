"""What of a question may go to a search engine.

Pure. A placeholder finds nothing, so what is private is cut out, and the words that led to it with
it. A name stays where the user quotes it or where it is known to be public. Knows the small words
of nine languages; whether what is left is a good query is for others to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from .kinds import Kind, Span, Tier
from .values import normalise

# Point at what follows, and mean nothing without it. Dropped before a gap and at the end.
_LEADING = """
    at to of from with for by in on as is are was via about re and or near around
    an am im in auf bei von vom mit für zu zum zur an aus über und oder ist sind lautet heißt
    unter
    à au aux de du des d chez avec pour par sur en et ou est sont
    a al del con por para en y o es son
    di da del della dello con per su e è sono
    te van met voor op bij uit en of is zijn
    w we z ze na do od dla o i lub jest są pod
    em no na com por ao à é são e ou
    till från med för på av och eller är hos
"""
# With the above: a query of these alone is none.
_EMPTY = """
    a the this that these those i you he she it we they me him her them us my your his its our
    their
    do does did can could will would should please tell show give find search look what who where
    when why how which has have had be not there here s
    der die das den dem des ein eine einen einem einer ich du er sie es wir ihr mich mir dich dir
    uns
    mein meine meinen meiner dein sein ihr unser euer was wer wo wann warum wie welche welcher
    kann
    kannst bitte such suche finde zeig zeige sag gib hat habe haben nicht nach
    le la les l un une je tu il elle nous vous ils me moi mon ma mes ton ta tes son sa ses notre
    votre
    que qui quoi où quand pourquoi comment quel quelle cherche trouve donne dis ce cette c a ai
    el los las lo un una yo tú él ella nosotros mi mis tu tus su sus nuestro qué quién dónde
    cuándo
    cómo cuál busca encuentra dime por favor ha he
    il lo gli i una uno io lui lei noi voi mio mia miei tuo sua suo che chi dove quando perché
    come
    quale cerca trova dimmi ho ha
    de het een ik jij je hij zij wij mijn jouw zijn haar ons wat wie waar wanneer waarom hoe welke
    zoek vind geef heeft heb niet
    ja ty on ona my wy mój moja moje twój jego jej nasz co kto gdzie kiedy dlaczego jak który
    szukaj
    znajdź podaj proszę się nie ma
    o os as um uma eu ele ela nós meu minha seu sua que quem onde quando porque como qual procura
    encontra diz tem
    en ett jag du han hon vi ni min mitt mina din ditt vad vem var när varför hur vilken sök hitta
    ge
    har inte
"""
# Names of what was cut out: "my phone number is" is no question.
_LABELS = """
    email e-mail mail phone telephone tel telefon telefonnummer handy handynummer mobile cell
    number
    nummer numéro número numero numer nr no. telefone téléphone teléfono telefono telefoon
    courriel
    correo adres address adresse dirección indirizzo morada adress iban konto account card karte
    kreditkarte credit carte tarjeta carta karta kort passport ssn id password passwort key token
    pin
    geboren born name namn nom nombre nome naam imię
    own owns owner belongs belong gehört wem call calls contact
"""
_WORD = re.compile(r"\w+(?:[-'’.]\w+)*+")
_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("‘", "’"), ("'", "'"), ("»", "«"))
_SPACES = re.compile(r"\s+")
# What a cut leaves behind: brackets and quotation marks around nothing.
_HOLLOW = re.compile(r"[(\[{<\"'“„«»‘’”]\s?[)\]}>\"'“„«»‘’”]")
# Marks before which nothing is left.
_STRAY = re.compile(r" ([,.;:!?])")
# "or is it from": more small words in a row are no lead.
_LEADING_COUNT = 6
_EDGES = " \t\n,;:.-–—/|&+=@"


def clean_query(text: str, spans: Sequence[Span], public: Collection[str] = ()) -> str:
    """`text` without what is private; "" when nothing worth searching is left.

    `public`: names that may stay, in any case. Quoted names stay too: the user means them so.
    """
    allowed = {normalise(Kind.PERSON, name) for name in public}
    cuts = [span for span in spans if not _may_stay(text, span, allowed)]
    if not cuts:
        return text.strip() if _is_worth(text, _EMPTY_WORDS) else ""
    left = _tidy("".join(_kept(text, sorted(cuts, key=lambda span: span.start))))
    return left if _is_worth(left, _EMPTY_WORDS | _LABEL_WORDS) else ""


def _may_stay(text: str, span: Span, allowed: Collection[str]) -> bool:
    if span.tier is not Tier.SOFT:
        return False
    name = text[span.start : span.end]
    return normalise(span.kind, name) in allowed or _is_quoted(text, span)


def _is_quoted(text: str, span: Span) -> bool:
    before, after = text[: span.start][-1:], text[span.end :][:1]
    around = text[span.start : span.start + 1], text[max(span.start, span.end - 1) : span.end]
    return (before, after) in _QUOTES or (around in _QUOTES and span.end - span.start > 1)


def _kept(text: str, cuts: Sequence[Span]) -> Iterator[str]:
    """What stands between the cuts, without the small words that lead to one."""
    at = 0
    for cut in cuts:
        yield _without_leading(text[at : max(at, cut.start)])
        yield " "
        at = max(at, cut.end)
    yield text[at:]


def _without_leading(text: str) -> str:
    words = list(_WORD.finditer(text))
    for word in reversed(words[-_LEADING_COUNT:]):
        is_last = not text[word.end() :].strip(_EDGES + "(<[\"'“„«")
        if not is_last or word.group().casefold() not in _LEADING_WORDS:
            break
        text = text[: word.start()] + text[word.end() :]  # an opening bracket stays, to be paired
    return text


def _tidy(text: str) -> str:
    text = _HOLLOW.sub(" ", _SPACES.sub(" ", text))
    text = _STRAY.sub(r"\1", _SPACES.sub(" ", text))
    ends_as_question = text.rstrip().endswith("?")
    text = _without_leading(text.strip(_EDGES + "?!")).strip(_EDGES)
    return text + "?" if ends_as_question and text else text


def _is_worth(text: str, idle: Collection[str]) -> bool:
    return any(word.casefold() not in idle and _says(word) for word in _WORD.findall(text))


def _says(word: str) -> bool:
    return len(word) > 1 or not word.isascii()


_LEADING_WORDS = frozenset(_LEADING.casefold().split())
_EMPTY_WORDS = _LEADING_WORDS | frozenset(_EMPTY.casefold().split())
_LABEL_WORDS = frozenset(_LABELS.casefold().split())
