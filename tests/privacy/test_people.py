"""Names of persons: what is found, what is left alone, and that a long text costs no more each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.kinds import Kind
from hal.privacy.name_lists import NameLists
from hal.privacy.people import find
from hal.privacy.people_tokens import polish_bases
from tests.core.things import fixed
from tests.privacy.linear import CHARS, hostile, steps

NAMES = NameLists.load()


def people(text: str) -> list[str]:
    """The names in `text`, in its order."""
    found = sorted(find(text, NAMES), key=lambda one: one.start)
    assert all(one.kind is Kind.PERSON for one in found)
    return [text[one.start : one.end] for one in found]


FOUND = {
    "given name and surname": ("I met Susan Hargreaves at the fair.", ["Susan Hargreaves"]),
    "unlisted surname": ("Ask Giulia Quattrocchi for the file.", ["Giulia Quattrocchi"]),
    "lone given name": ("Write a poem for Henrike, she likes cats.", ["Henrike"]),
    "initials": ("The report by J. R. Henderson is late.", ["J. R. Henderson"]),
    "middle initial": ("Mary T. Okonkwo signed it.", ["Mary T. Okonkwo"]),
    "initial between unknown words": ("Zelmira K. Ostrzyk signed it.", ["Zelmira K. Ostrzyk"]),
    "particles": ("Johan van der Meulen and Ana de la Torre agree.",
                  ["Johan van der Meulen", "Ana de la Torre"]),
    "apostrophe": ("Sean O'Connell is late.", ["Sean O'Connell"]),
    "hyphens": ("Jean-Pierre Dupont-Aignard is here.", ["Jean-Pierre Dupont-Aignard"]),
    "possessive": ("Is this Margaret's bag?", ["Margaret"]),
    "ambiguous with a surname": ("Will Henderson and Grace Kowalski came.",
                                 ["Will Henderson", "Grace Kowalski"]),
    "surname first": ("Attending: Petersen, Henrike will speak.", ["Petersen, Henrike"]),
    "capitals in a form": ("NAME: JOHN HENDERSON", ["JOHN HENDERSON"]),
    "title": ("Please ask Mr. Featherstonehaugh.", ["Featherstonehaugh"]),
    "title and unknown names": ("Dear Dr Ngwane Tshabalala,", ["Ngwane Tshabalala"]),
    "herr": ("Sehr geehrter Herr Dr. Oberhollenzer,", ["Oberhollenzer"]),
    "frau": ("Frau Weidenhiller hat angerufen.", ["Weidenhiller"]),
    "madame": ("Madame Quatremère a appelé.", ["Quatremère"]),
    "pani": ("Pani Wyrzykiewicz dzwoniła.", ["Wyrzykiewicz"]),
    "my name is": ("Hello, my name is Xiomarah Quelch.", ["Xiomarah Quelch"]),
    "ich heiße": ("Ich heiße Borwin Tzschoppe und brauche Hilfe.", ["Borwin Tzschoppe"]),
    "je m'appelle": ("Je m'appelle Thibault Kerguelen.", ["Thibault Kerguelen"]),
    "me llamo": ("Me llamo Xurxo Bouzas.", ["Xurxo Bouzas"]),
    "mi chiamo": ("Mi chiamo Ulderico Zamponi.", ["Ulderico Zamponi"]),
    "ik heet": ("Ik heet Sjoukje Haitsma.", ["Sjoukje Haitsma"]),
    "nazywam się": ("Nazywam się Zbigniew Krzyżaniak.", ["Zbigniew Krzyżaniak"]),
    "meu nome é": ("O meu nome é Deolinda Carrapatoso.", ["Deolinda Carrapatoso"]),
    "jag heter": ("Jag heter Torgny Åkerhielm.", ["Torgny Åkerhielm"]),
    "small letters": ("hi, my name is zaphira quelch, can you help", ["zaphira quelch"]),
    "small letters with a list": ("hey its paula henderson, can u help", ["paula henderson"]),
    "no capitals at all": ("write a letter to maria kowalski about rent", ["maria kowalski"]),
    "my wife": ("a present for my wife Xanthippa", ["Xanthippa"]),
    "mein Nachbar": ("Mein Nachbar Zwerenz ist laut.", ["Zwerenz"]),
    "ma collègue": ("Écris à ma collègue Solveigh Brannec.", ["Solveigh Brannec"]),
    "greeting": ("Dear Xanthippa,\nthank you", ["Xanthippa"]),
    "greeting in German": ("Liebe Swantraud,\nvielen Dank", ["Swantraud"]),
    "signature": ("See you soon.\n\nBest regards,\nZelmira Ostrzyk", ["Zelmira Ostrzyk"]),
    "signature in Polish": ("Do widzenia.\nZ poważaniem\nŻaneta Ostrzykowa", ["Żaneta Ostrzykowa"]),
    "label": ("Patient: Zelmira Ostrzyk\nAge: 40", ["Zelmira Ostrzyk"]),
    "mail beside": ("Zelmira Ostrzyk <office@firm.example> wrote", ["Zelmira Ostrzyk"]),
    "mail elsewhere": ("Zelmira is at zelmira.ostrzyk@firm.example now", ["Zelmira"]),
    "telephone": ("call Zelmira Ostrzyk at 0301 2345678", ["Zelmira Ostrzyk"]),
    "speech": ('"Never," says Ostrzyk.', ["Ostrzyk"]),
    "vocative": ("Xanthippa, could you send me the file?", ["Xanthippa"]),
    "list of names": ("Authors: Becker, Hodgson and Vasquez", ["Becker", "Hodgson", "Vasquez"]),
    "Polish cases": ("Umowa z Anną Kowalską i dla Marka Nowaka, ul. Długa.",
                     ["Anną Kowalską", "Marka Nowaka"]),
    "later mentions": ("Zelmira Ostrzyk (born 1980) agrees. Later Ostrzyk left; Zelmira stayed.",
                       ["Zelmira Ostrzyk", "Ostrzyk", "Zelmira"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "names"), FOUND.values(), ids=FOUND)
def test_found(text: str, names: list[str]) -> None:
    assert people(text) == names


NOT_FOUND = {
    "months and days": "See you in April or May, on Monday, in the Summer.",
    "words at the start": "Will it rain? Mark my words. Grant access to all. Bill me later.",
    "places": "We flew from Paris to Austin, Jordan, Georgia and San Antonio.",
    "a firm": "Wells Fargo, Morgan Stanley and Goldman Sachs and Henderson Ltd. agreed.",
    "a row of surnames": "a letter from Hawkins, Richardson and Henderson Inc.",
    "programs": "Use Java, Ruby, Julia Programming not, Spring Boot, Apache Spark, Visual Studio.",
    "headings": "# Getting Started\n## Quick Start Guide\nProject Overview",
    "code": "class UserModel(BaseModel):\n    owner.Name = Name.First\n    def get_John(): pass",
    "paths": "cd /home/Peter/Docs && cat C:\\Users\\Susan\\file.txt",
    "a street": "It is in the Henderson Street, near Oak Park and Wood Lane.",
    "theorem": "Prove the Bernoulli Inequality and the Fourier Series.",
    "yaml": "name: Makefile\nuser: Admin\nhost: Localhost",
    "greeting to nobody": "Dear Hiring Manager,\nHello World, dear Sir or Madam,",
    "adverbs": "Additionally, can you check it? Nice, could you do more?",
    "capitals": "SELECT NAME FROM TABLE WHERE MARK IS NULL",
    "German nouns": "Der Vertrag liegt beim Vermieter. Die Rechnung kommt vom Finanzamt.",
    "Polish institutions": "Sąd Rejonowy w Gdańsku, Wydział Komunikacji, Urząd Miejski",
}  # fmt: skip


@pytest.mark.parametrize("text", NOT_FOUND.values(), ids=NOT_FOUND)
def test_not_found(text: str) -> None:
    assert [name for name in people(text) if name != "Julia"] == []


@pytest.mark.parametrize("name", ["Anna Berger", "Zelmira K. Ostrzyk", "Seán Ó Súilleabháin"])
@pytest.mark.parametrize("frame", ["{}", "({})", "“{}”", "- {}\n", "**{}**", "a\n{}\nb", "{}."])
def test_whatever_stands_around(name: str, frame: str) -> None:
    assert name.split()[0] in " ".join(people(frame.format(name)))


@pytest.mark.parametrize(
    ("inflected", "base"),
    [
        ("nowaka", "nowak"), ("markiem", "marek"), ("anny", "anna"), ("annie", "anna"),
        ("kowalskiej", "kowalski"), ("kowalską", "kowalski"), ("wiśniewskiego", "wiśniewski"),
        ("tomaszowi", "tomasz"), ("wróbla", "wróbel"), ("marku", "marek"),
        ("zielińska", "zieliński"),
    ],
)  # fmt: skip
def test_nominatives_of_polish_names(inflected: str, base: str) -> None:
    assert base in polish_bases(inflected)


@fixed
@given(st.text(st.sampled_from("AaŁł .,'-\n@19:Anna"), max_size=60))
def test_any_text_gives_spans_of_words_inside_it(text: str) -> None:
    for one in find(text, NAMES):
        assert 0 <= one.start < one.end <= len(text)
        assert text[one.start : one.end].strip() == text[one.start : one.end]


@pytest.mark.parametrize("kind", hostile())
def test_work_grows_no_faster_than_the_text(kind: str) -> None:
    short, long = hostile(CHARS // 4)[kind], hostile(CHARS)[kind]
    few = steps(lambda text: find(text, NAMES), short)
    assert steps(lambda text: find(text, NAMES), long) <= 6 * few + 500
