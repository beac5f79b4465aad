"""Traces: whatever form a value takes, it is found; and nothing is found that is not there."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hal.privacy.kinds import Kind
from hal.privacy.traces import Hit, How, Traces, forms
from hal.privacy.values import normalise
from tests.core.things import fixed

KEY = "sk-" + "proj-" + "9fK2mQ7xT4vB8nL3wR6z/+Pd1"
PEM = (
    "-----BEGIN RSA " + "PRIVATE KEY-----\n"
    "MIIEpAIBAAKCAQEA7bq1k9XzQ0vT5hYpLw2sNfRj8uGdCe3mKoAxVi6tZyBn4HcW\n"
    "q8RkPz0uJdTm5yVh2sXnLf7gBwQe1oCaGi9tUrKjMx6pYvDb3NzHlSAEf4WZc0Iq\n"
    "-----END RSA " + "PRIVATE KEY-----"
)
VALUES = {
    "card": (Kind.CREDIT_CARD, "4539 1488 0343 6467"),
    "IBAN": (Kind.IBAN, "DE89 3704 0044 0532 0130 00"),
    "SSN": (Kind.NATIONAL_ID, "536-22-1234"),
    "phone": (Kind.PHONE, "+49 (0)170 1234567"),
    "MAC": (Kind.MAC, "3c:22:fb:9a:01:7e"),
    "plate": (Kind.PLATE, "M-AB 1234"),
    "e-mail": (Kind.EMAIL, "Jane.Doe+news@Acme.org"),
    "name": (Kind.PERSON, "Jürgen Müller"),
    "address": (Kind.ADDRESS, "12 Rue de l'Église, 75011 Paris"),
    "date": (Kind.DOB, "12.03.1984"),
    "IP": (Kind.IP, "81.2.69.142"),
    "key": (Kind.SECRET, KEY),
    "URL": (Kind.URL_CRED, "postgres://bob" + ":p%40s&s" + "@db.acme.org/x"),
    "PEM": (Kind.SECRET, PEM),
}
by_name = pytest.mark.parametrize("name", VALUES)

# What an encoder makes of a whole text that holds the value.
ENCODERS: dict[str, Callable[[str], str | bytes]] = {
    "as it is": lambda text: text,
    "bytes": lambda text: text.encode(),
    "a URL": lambda text: quote(text),
    "a URL, all of it": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "a form": lambda text: "q=" + quote_plus(text),
    "a URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()),
    "base64 in lines in JSON": lambda t: json.dumps(base64.encodebytes(t.encode()).decode()),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "hex with spaces": lambda text: text.encode().hex(" "),
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "HTML by hex number": lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    "JSON": json.dumps,
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON, all escaped": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "JSON in JSON": lambda text: json.dumps({"arguments": json.dumps({"x": text})}),
    "JSON in a URL": lambda text: quote(json.dumps({"x": text})),
    "decomposed letters": lambda text: unicodedata.normalize("NFD", text),
}
by_encoder = pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)


@by_name
@by_encoder
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz "])
def test_an_encoded_text_that_holds_the_value(
    name: str, encoder: Callable[[str], str | bytes], before: str
) -> None:
    kind, value = VALUES[name]
    # A name is a word; before others, a letter may stand at once.
    before = before and before + " " if kind is Kind.PERSON else before
    payload = encoder(f"{before}{value} and so on")
    assert [(hit.number, hit.kind) for hit in Traces([(kind, value)]).find(payload)] == [(0, kind)]


@by_name
def test_each_form_is_found_by_itself(name: str) -> None:
    kind, value = VALUES[name]
    traces = Traces([(kind, value)])
    assert value in forms(kind, value)
    for form in forms(kind, value):
        assert traces.find(f"({form})"), form


@pytest.mark.parametrize(
    "text",
    [
        "4539148803436467",
        "4539-1488-0343-6467",
        "4539.1488.0343.6467",
        "45 39 14 88 03 43 64 67",
        "4539 1488\u00a00343\u202f6467",
        "4539, 1488, 0343, 6467",
        "4539 1488\n0343 6467",
        "4539%201488%200343%206467",
        "4539+1488+0343+6467",
        "４５３９ １４８８ ０３４３ ６４６７",
    ],
)
def test_a_number_however_it_is_spaced(text: str) -> None:
    assert Traces([VALUES["card"]]).find(f"no. {text}!")


@pytest.mark.parametrize(
    ("kind", "value", "payload", "found"),
    [
        (Kind.PERSON, "Ann", "annual channel Joann, plan Ann_1", False),
        (Kind.PERSON, "Ann", "with Ann, today", True),
        (Kind.PERSON, "Ann Lee", "Joann Leeds; Ann Leeds; Joann Lee", False),
        (Kind.PERSON, "Ann Lee", "ask ANN LEE.", True),
        (Kind.PERSON, "Ann Lee", '{"x": "done.\\nAnn Lee\\n"}', True),
        (Kind.SECRET, "1234", "the year 12345, port 41234", False),
        (Kind.SECRET, "1234", "PIN:1234", True),
        (Kind.SECRET, "a", "a banana", True),
        (Kind.SECRET, "a", "banana", False),
        (Kind.SECRET, "", "anything", False),
        (Kind.SECRET, "  ", "any thing   at all", False),
        (Kind.CREDIT_CARD, "4539 1488 0343 6467", "4539 1488 0343 6468", False),
        (Kind.CREDIT_CARD, "4539 1488 0343 6467", "1 2 3 4 5 6 7 8 9 0", False),
        (Kind.SECRET, PEM, PEM.splitlines()[1], True),
        (Kind.SECRET, PEM, PEM.splitlines()[0], False),
        (Kind.SECRET, PEM, PEM.replace("\n", "\\n"), True),
        (Kind.SECRET, PEM.replace("\n", "\\n"), PEM.splitlines()[2], True),
        (Kind.SECRET, PEM, "".join(PEM.splitlines()[1:3]), True),
        (Kind.ADDRESS, "1 Elm St", "1 elm st", True),
        (Kind.EMAIL, "a@b.de", "A@B.DE", True),
    ],
)
def test_what_counts(kind: Kind, value: str, payload: str, *, found: bool) -> None:
    assert bool(Traces([(kind, value)]).find(payload)) is found


def test_one_hit_a_value_in_their_order_with_the_way_it_was_found() -> None:
    values = [VALUES["e-mail"], VALUES["card"], VALUES["key"], VALUES["IBAN"], VALUES["name"]]
    payload = f"{quote(VALUES['name'][1])} {KEY.encode().hex()} 4539/1488/0343/6467 {KEY[:-1]}"
    payload += " \\u006aane.doe+news@acme.org" * 2
    assert Traces(values).find(payload) == (
        Hit(0, Kind.EMAIL, How.DECODED),
        Hit(1, Kind.CREDIT_CARD, How.RESPACED),
        Hit(2, Kind.SECRET, How.ENCODED),
        Hit(4, Kind.PERSON, How.PLAIN),
    )


def test_nothing_to_look_for_and_nothing_to_look_in() -> None:
    assert Traces([]).find("anything") == ()
    assert Traces(VALUES.values()).find("") == ()
    assert Traces(VALUES.values()).find(b"\xff\xfe\x00") == ()


def test_no_value_is_shown() -> None:
    traces = Traces(VALUES.values())
    hits = traces.find(KEY)
    for shown in (repr(traces), repr(hits), repr(traces._traces), str(hits)):
        assert not any(value in shown for _, value in VALUES.values())


def test_a_card_has_few_searches() -> None:
    """The cost of one value in one view; a respaced number is one search, not one a spelling."""
    trace = Traces([VALUES["card"]])._traces[0]
    assert len(trace.written) <= 4
    assert len(trace.encoded) <= 16


HOSTILE = {
    "escapes": "\\" * 200_000,
    "percents": "%" * 200_000 + "%2" * 100_000,
    "entities without end": "&#" + "1" * 200_000 + "&" * 100_000 + "&a" * 100_000,
    "accents": "a" + "\u0301\u0323" * 100_000,
    "halves of pairs": "\\ud800" * 40_000 + "\ud800" * 40_000,
    "spaces": " " * 400_000,
    "the value's beginning": "4539 1488 0343 646" * 20_000,
    "Ann": "Ann" * 100_000,
    "base64": base64.b64encode(bytes(range(256)) * 1000).decode(),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.timeout(20)  # a hang guard: each takes a fraction of a second
def test_hostile_payloads(text: str) -> None:
    values = [*VALUES.values(), (Kind.PERSON, "Ann")]
    assert Traces(values).find(text) == ()
    hits = Traces(values).find(f"{text} {KEY} {text}")
    assert [hit.number for hit in hits] == [list(VALUES).index("key")]


plain_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=80)
values = st.tuples(
    st.sampled_from([Kind.SECRET, Kind.EMAIL, Kind.ADDRESS, Kind.CREDIT_CARD, Kind.IBAN]),
    st.from_regex(re.compile(r"[A-Za-z0-9äöüéßłж][ -~äöüéßłжÅ]{10,40}[A-Za-z0-9]"), fullmatch=True),
)


@fixed
@given(values, plain_text, plain_text, st.sampled_from(sorted(set(ENCODERS) - {"a form"})))
def test_any_value_in_any_text_in_any_encoding(
    value: tuple[Kind, str], before: str, after: str, encoder: str
) -> None:
    payload = ENCODERS[encoder](f"{before} {value[1]} {after}")
    assert Traces([value]).find(payload)


@fixed
@given(values, plain_text, st.sampled_from(sorted(ENCODERS)))
def test_a_text_without_it_has_no_trace_of_it(
    value: tuple[Kind, str], text: str, encoder: str
) -> None:
    kind, secret = value
    plain = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())
    known = re.sub(r"[\W_]", "", normalise(kind, secret).casefold())
    assume(len(known) >= 8)
    assume(known not in plain)
    assert Traces([value]).find(ENCODERS[encoder](text)) == ()
