"""The words by which two questions are compared: which carry no meaning, and which carry much.

Data alone. A word that stands in no list is a content word, so that a language which is not here is
compared word by word, and a gap costs a hit, never a wrong answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Language:
    """One language's function words.

    `marks` tell it from the others; `requests` are the beginnings that only ask, as a pattern;
    `empty` words are dropped; `meaning` maps a word to what it is about, such as "why" or "past";
    `roles` maps a preposition to what it says of the word behind it, "any" where it may stand for
    each of the others; `endings` are taken off to compare words; `numbers` begin with two, since
    "one" is an article, too.
    """

    marks: frozenset[str]
    requests: re.Pattern[str]
    empty: frozenset[str]
    negations: frozenset[str]
    meaning: dict[str, str]
    roles: dict[str, str]
    endings: tuple[str, ...] = ()
    numbers: dict[str, str] = field(default_factory=dict)
    has_noun_capitals: bool = False


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _meaning(**groups: str) -> dict[str, str]:
    return {word: name for name, words in groups.items() for word in words.split()}


def _numbers(words: str) -> dict[str, str]:
    return {word: str(number) for number, word in enumerate(words.split(), start=2)}


def _requests(*beginnings: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(beginnings)})\b[\s,:]*")


ENGLISH = Language(
    marks=_set(
        "the of is are was were what which who how why when where does do did can could to in and"
        " for with from i my you your it that this an please tell show give explain describe define"
        " calculate compute convert solve suggest write"
    ),
    requests=_requests(
        "please|hi|hello|hey|thanks",
        "(?:could|can|would|will) you(?: please)?",
        "i (?:want|need|would like) to know|i wonder|let me know|do you know",
        "(?:tell|show|give|remind) me(?: about)?",
        "explain(?: to me)?|describe|define|suggest|help me(?: to)?",
        "calculate|compute|find|convert|solve",
    ),
    empty=_set(
        "a an the this that these those there it its i you we one someone me us myself yourself"
        " am is are be been being was were do does did have has had will shall can could would"
        " and or if whether then so as also please just exactly actually really"
        " what which how who whom whose why when where some any ever meaning called"
        " reason reasons location located my your our yours"
    ),
    negations=_set("not no never none without cannot nothing nobody neither nor except against"),
    meaning=_meaning(
        why="why reason reasons",
        when="when",
        where="where location located",
        who="who whom",
        method="how",
        thing="what which meaning define",
        quantity="many much",
        present="is are am do does has",
        past="was were did had",
        future="will shall",
        possible="can could would",
        both="and",
        either="or",
        first_person="my",
        second_person="your yours",
    ),
    roles=_meaning(
        goal="to into onto than toward towards as many much",
        source="from",
        place="in on at",
        means="with by using via",
        purpose="for",
        topic="about",
        any="of",
    ),
    endings=("s", "es", "ed", "ing"),
    numbers=_numbers("two three four five six seven eight nine ten eleven twelve"),
)

GERMAN = Language(
    marks=_set(
        "der die das den dem des ein eine einen einer ist sind war wie was wer warum wann wo welche"
        " welcher welches ich mir mich man kann und für mit von nach zu im nicht kein keine wird"
        " bitte erkläre erklär berechne schreibe"
    ),
    requests=_requests(
        "bitte|hallo|danke",
        "(?:kannst du|könntest du|können sie|könnten sie)(?: mir)?(?: bitte)?",
        "(?:ich (?:will|möchte) wissen|weißt du|sag(?:e)? mir|zeig(?:e)? mir|gib mir)",
        "(?:erklär(?:e)?|beschreib(?:e)?|definier(?:e)?)(?: mir)?(?: bitte)?",
        "(?:hilf|helfen sie) mir(?: bitte)?(?: dabei)?",
        "berechne|rechne",
    ),
    empty=_set(
        "der die das den dem des ein eine einen einem einer eines es ich du sie wir man mir mich"
        " dir dich uns ihnen ist sind bin sein war waren wird werden wurde wurden hat haben hatte"
        " kann könnte und oder ob dass wenn dann so auch bitte genau"
        " eigentlich denn mal was wer wen wem wie wo wann warum wieso weshalb welche welcher"
        " welches welchen welchem wem heißt bedeutet bedeutung zu mein meine meinen meiner dein"
        " deine deinen deiner erklären sagen wissen"
    ),
    negations=_set("nicht kein keine keinen keinem keiner keines nie niemals ohne nichts gegen"),
    meaning=_meaning(
        why="warum wieso weshalb grund",
        when="wann",
        where="wo wohin woher",
        who="wer wen wem",
        method="wie",
        thing="was welche welcher welches welchen",
        quantity="viele viel",
        past="war waren wurde wurden hatte",
        present="ist sind hat haben",
        future="wird werden",
        possible="kann könnte",
        both="und",
        either="oder",
        first_person="mein meine meinen meiner",
        second_person="dein deine deinen deiner",
    ),
    roles=_meaning(
        goal="nach zu zum zur ins als viele viel",
        source="aus",
        place="in im am an auf bei beim",
        means="mit per",
        purpose="für",
        topic="über",
        any="von vom",
    ),
    endings=("e", "n", "en", "t", "st", "s", "es", "er", "em"),
    numbers=_numbers("zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
    has_noun_capitals=True,
)

FRENCH = Language(
    marks=_set(
        "le les des du une est sont était quel quelle quels quelles comment pourquoi quand où qui"
        " que quoi je tu on vous nous puis peut ce cette dans avec pour sur et au aux pas ne"
    ),
    requests=_requests(
        "bonjour|salut|merci|s il (?:te|vous) plaît",
        "(?:peux tu|pouvez vous|pourrais tu|pourriez vous)",
        "(?:m )?(?:expliquer|explique|expliquez|dis|dites|décris|donne|montre|définis)(?: moi)?",
        "aide moi à|calcule",
        "c est quoi",
    ),
    empty=_set(
        "le la les l un une des d de du ce cet cette ces c ça il elle on je j tu nous vous ils"
        " elles me m te t se s en y est sont suis es être été était étaient a ont avoir eu lieu"
        " peut peux puis pouvez et ou si que qu qui quoi quel quelle quels quelles comment"
        " pourquoi quand où combien est-ce sens signifie veut dire donc bien mon ma mes ton ta tes"
    ),
    negations=_set("ne n pas sans jamais aucun aucune rien ni contre"),
    meaning=_meaning(
        why="pourquoi",
        when="quand",
        where="où",
        who="qui",
        method="comment",
        thing="quoi quel quelle quels quelles",
        quantity="combien",
        past="était étaient",
        present="est sont",
        future="sera seront",
        possible="peut peux puis pouvez",
        both="et",
        either="ou",
        first_person="mon ma mes",
        second_person="ton ta tes votre vos",
    ),
    roles=_meaning(
        goal="à vers au aux combien",
        source="depuis",
        place="en dans chez",
        means="avec par",
        purpose="pour",
        topic="sur",
        any="de du des d",
    ),
    endings=("s", "x", "es"),
    numbers=_numbers("deux trois quatre cinq six sept huit neuf dix onze douze"),
)

SPANISH = Language(
    marks=_set(
        "el los las del una es son era qué cuál cuáles cómo por quién cuándo dónde cuántos cuántas"
        " cuánto yo tú se puedo puede en con para sin y al no que"
    ),
    requests=_requests(
        "hola|gracias|por favor",
        "(?:me )?(?:puedes|podrías|puede|podría)(?: por favor)?",
        "(?:explicar|explica|explícame|dime|di|describe|define|dame|muéstrame)(?:me)?",
        "ayúdame a|calcula",
    ),
    empty=_set(
        "el la los las un una unos unas lo de del es son ser era eran fue está están hay ha han se"
        " me te le nos yo tú él ella usted puedo puede pueden y o si que qué cuál cuáles cómo"
        " quién quiénes cuándo dónde cuánto cuántos cuánta cuántas por significa significado"
        " palabra mi mis tu tus"
    ),
    negations=_set("no sin nunca ningún ninguna nada ni contra jamás tampoco"),
    meaning=_meaning(
        why="porqué",
        when="cuándo",
        where="dónde",
        who="quién quiénes",
        method="cómo",
        thing="qué cuál cuáles",
        quantity="cuánto cuántos cuánta cuántas",
        past="era eran fue",
        present="es son",
        future="será serán",
        possible="puedo puede pueden",
        both="y",
        either="o",
        first_person="mi mis",
        second_person="tu tus",
    ),
    roles=_meaning(
        goal="a al hacia cuántos cuántas cuánto",
        source="desde",
        place="en",
        means="con por",
        purpose="para",
        topic="sobre",
        any="de del",
    ),
    endings=("s", "es"),
    numbers=_numbers("dos tres cuatro cinco seis siete ocho nueve diez once doce"),
)

LANGUAGES = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH}
# A language without a list: every word counts.
UNKNOWN = Language(
    marks=frozenset(),
    requests=re.compile(r"(?!)"),
    empty=frozenset(),
    negations=frozenset(),
    meaning={},
    roles={},
)

# Meanings of which a question has one or none: they tell questions apart only if both have some.
ALTERNATIVES = (
    _set("present past future possible"),
    _set("first_person second_person"),
    _set("method thing yes_or_no"),
    _set("explained worked_out"),
    _set("both either"),
)
# Meanings that the other question must have as well.
ASPECTS = _set("why when where who quantity")

# Words for the same thing, as one of them. Units in the first half: a unit that is another one is
# another question, a unit that is spelt otherwise is not.
SAME = {
    word: name
    for name, words in {
        "kilometre": "km kilometer kilometers kilometres",
        "metre": "meter meters metres",
        "centimetre": "cm centimeter centimeters centimetres",
        "millimetre": "mm millimeter millimeters millimetres",
        "kilogram": "kg kilograms kilogramm kilo",
        "milligram": "mg milligrams",
        "gram": "g grams gramm",
        "litre": "l liter liters litres",
        "millilitre": "ml milliliter milliliters millilitres",
        "mile": "mi miles",
        "pound": "lb lbs pounds",
        "ounce": "oz ounces",
        "foot": "ft feet",
        "percent": "percentage prozent",
        "euro": "eur euros",
        "dollar": "usd dollars",
        "kilobyte": "kB KB kilobytes",
        "megabyte": "MB megabytes",
        "gigabyte": "GB gigabytes",
        "terabyte": "TB terabytes",
        "megabit": "Mb Mbit megabits",
        "gigabit": "Gb Gbit gigabits",
        "dictionary": "dict dicts dictionaries",
        "directory": "folder folders directories",
        "high": "height tall",
        "far": "distance",
        "benefit": "advantage advantages benefits",
        "regex": "regexp regexes",
        "usa": "US USA",
        "tire": "tyre tyres",
        "license": "licence licences licenses",
        "quick": "fast quickly",
        "large": "big",
        "year": "years",
        "speak": "spoken",
        "make": "made",
        "write": "written",
        "build": "built",
    }.items()
    for word in words.split()
}
