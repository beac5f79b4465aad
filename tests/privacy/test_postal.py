"""Postal addresses: in the orders of many countries, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.kinds import Kind
from hal.privacy.postal import find
from tests.core.things import fixed
from tests.privacy.linear import CHARS, hostile, steps


def addresses(text: str) -> list[str]:
    found = list(find(text))
    assert all(one.kind is Kind.ADDRESS for one in found)
    return [text[one.start : one.end] for one in found]


WHOLE = {
    "US": "742 Evergreen Terrace, Springfield, IL 62704",
    "US with a unit": "1600 Pine Street, Apt 4B, San Diego, CA 92101",
    "US on three lines": "350 Fifth Avenue\nSuite 3300\nNew York, NY 10118",
    "US, a weak suffix": "12 Harbor Run, Dover, DE 19901",
    "US, ordinal": "1204 NW 23rd Avenue, Portland, OR 97210",
    "box": "P.O. Box 4412, Boise, ID 83702",
    "forces": "PSC 1234, Box 5678\nAPO AE 09123",
    "UK": "221B Baker Street, London NW1 6XE",
    "UK with a flat": "Flat 12, 45 Queens Road, Bristol, BS8 1RE",
    "Canada": "88 Maple Crescent, Toronto, ON M4C 1B5",
    "Australia": "14 Wattle Street, Fitzroy VIC 3065",
    "Germany": "Goethestraße 17, 60313 Frankfurt am Main",
    "Germany, short": "Hauptstr. 5a, 10827 Berlin",
    "Germany, hyphens": "Kaiser-Wilhelm-Straße 12\n20355 Hamburg",
    "Austria": "Mariahilfer Straße 45, 1060 Wien",
    "Switzerland": "Bahnhofweg 3, 8001 Zürich",
    "France": "12 rue de la République, 69002 Lyon",
    "France, comma": "33, avenue Jean Jaurès, 31000 Toulouse",
    "France, bis": "7 bis boulevard Voltaire, 75011 Paris",
    "Spain": "Calle de Alcalá 45, 28014 Madrid",
    "Spain, short": "Avda. Diagonal 211, 08018 Barcelona",
    "Italy": "Via Giuseppe Garibaldi 12, 00153 Roma (RM)",
    "Italy, square": "Piazza San Marco 1, 30124 Venezia (VE)",
    "Netherlands": "Prinsengracht 263, 1016 GV Amsterdam",
    "Belgium": "Kerkstraat 12, 2000 Antwerpen",
    "Poland": "ul. Marszałkowska 10/12, 00-590 Warszawa",
    "Poland, avenue": "al. Jana Pawła II 43, 31-864 Kraków",
    "Portugal": "Rua Augusta 25, 1100-053 Lisboa",
    "Brazil": "Rua das Flores, 123, Curitiba, 80020-120",
    "Sweden": "Storgatan 12, 114 51 Stockholm",
    "Denmark": "Nørrevej 8, 8000 Aarhus",
}


@pytest.mark.parametrize("address", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("frame", ["{}", "Please send it to {}. Thanks!", "I said: {}\n\nBye, Tom"])
def test_the_whole_address(address: str, frame: str) -> None:
    text = frame.format(address)
    start = text.index(address)
    best = max(find(text), key=lambda one: one.end - one.start)
    assert best.start <= start
    assert text[best.start : best.end].endswith(address[-4:])


CUED = {
    "we live at": ("We live at 40/49 Mango Chowk, Katni 211526.",
    "40/49 Mango Chowk, Katni 211526"),
    "my address is": ("My address is 17 Larkrise, Oxted.", "17 Larkrise, Oxted"),
    "a form": ("Name: Ann\nAddress: 17 Larkrise\n Oxted\n RH8 9AA\nTel: 1",
    "17 Larkrise\n Oxted\n RH8 9AA"),
    "ich wohne": ("Ich wohne in der Unteren Gasse 5 in Ulm.", "Unteren Gasse 5 in Ulm"),
    "abito in": ("Abito in Contrada Lupara, 7, 74025 Ginosa (TA).",
    "Contrada Lupara, 7, 74025 Ginosa (TA)"),
    "in small letters": ("my address is 12 elm street, leeds", "12 elm street, leeds"),
    "corner": ("Meet at the corner of 5 Oak Street and Elm Road.",
    "the corner of 5 Oak Street and Elm Road"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "address"), CUED.values(), ids=CUED)
def test_after_a_cue(text: str, address: str) -> None:
    assert addresses(text) == [address]


NONE = {
    "no number": "Walk down Baker Street to Queens Road in London.",
    "street words": "The road to 5 stars: a 2 way street, a 10 minute drive, 3 lanes.",
    "mail and IP address": "My IP address is 192.168.1.10, the e-mail address has 30 letters.",
    "memory": "The address 0x7fff5694 points to page 12. Address line 1 is empty.",
    "versions": "Upgrade via Python 3.11, via HTTP 2, or via Chrome 120 to Node 20.",
    "headings": "Chapter 5 Trees and Graphs\nSection 12 The Way Forward 2024",
    "code": "for i in range(10): place(i, 5); drive.move(3, 4)  # Unit 5 Test",
    "dates": "Sent on 12 March 2024, Place 3 in the race, Block 4 Street Food",
    "disks": "a 500 GB Hard Drive and 1 Google Drive",
    "licence": "51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA",
    "German": "Arbeitsplatz 3 und Lösungsweg 2 auf Seite 5",
    "OS": "On OS X 10 and MAC OS 9",
    "a verb": "Please address 3 Key Points and address 5 issues in part 7.",
    "a verb in small letters": "please address 2 issues in part 3 of the text",
    "return": "return to Step 3 and send to Port 8080, located at Index 5",
}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_no_address(text: str) -> None:
    assert addresses(text) == []


PIECES = ("12", " ", "\n", ",", "Oak", "Street", "rue", "Apt", "A", ".", "address ", "54321", "of ")


@fixed
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_spans_are_inside_the_text_and_apart(pieces: list[str]) -> None:
    text = "".join(pieces)
    end = 0
    for one in find(text):
        assert end <= one.start < one.end <= len(text)
        end = one.end


@pytest.mark.parametrize("kind", hostile())
def test_work_grows_no_faster_than_the_text(kind: str) -> None:
    short, long = hostile(CHARS // 4)[kind], hostile(CHARS)[kind]
    assert steps(find, long) <= 6 * steps(find, short) + 500
