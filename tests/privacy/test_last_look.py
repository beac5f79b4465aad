"""The last look: nothing HARD and no CONTACT passes, however it is written into the bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hal.errors import EgressRefused
from hal.privacy.detect import DetectionFailed, Detector
from hal.privacy.found import Found
from hal.privacy.kinds import WORDS, Kind, Span
from hal.privacy.last_look import MAX_DEPTH, look
from hal.privacy.name_lists import NameLists
from hal.privacy.tokens import TYPE_NAMES, format_token
from tests.core.things import CLOUD, plan

from .sentences import REFUSED, SENTENCES, value_of

DETECTOR = Detector(NameLists.load())
PLAN = plan(CLOUD)


def find(text: str) -> Sequence[Span]:
    return DETECTOR.find(text)


def body(text: str) -> dict[str, Any]:
    return {"model": "grok-4.3", "messages": [{"role": "user", "content": text}], "stream": True}


def as_bytes(value: object, *, ascii_only: bool = True) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode()


def refusal(sent: bytes) -> str:
    with pytest.raises(EgressRefused) as caught:
        look(sent, PLAN, find)
    return caught.value.sentence


@pytest.mark.parametrize("kind", REFUSED)
def test_it_refuses_each_kind_and_names_it_and_not_the_value(kind: Kind) -> None:
    words = refusal(as_bytes(body(SENTENCES[kind])))
    assert words == f"Nothing was sent: it would have held {WORDS[kind]}."
    assert value_of(kind) not in words


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_plan_lets_pass_is_counted(kind: Kind) -> None:
    assert look(as_bytes(body(SENTENCES[kind])), plan(CLOUD, is_open=True), find) == {kind: 1}


def test_a_lone_name_passes_and_is_not_counted() -> None:
    assert look(as_bytes(body(SENTENCES[Kind.PERSON])), PLAN, find) == {}


@pytest.mark.parametrize("kind", Kind)
def test_a_placeholder_passes_also_behind_the_words_that_lead_to_it(kind: Kind) -> None:
    token = format_token(TYPE_NAMES[kind], "7K2", 1)
    masked = SENTENCES[kind].replace(value_of(kind), token)
    assert look(as_bytes(body(masked)), PLAN, find) == {}


EMAIL, CARD = SENTENCES[Kind.EMAIL], value_of(Kind.CREDIT_CARD)
DIGITS = "".join(filter(str.isdigit, CARD))


def deep(levels: int, inner: object) -> object:
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


ESCAPED = "".join(f"\\u{ord(char):04x}" for char in EMAIL)
CARRIERS: dict[str, bytes] = {
    "in a list of parts": as_bytes({"messages": [{"content": [{"type": "text", "text": EMAIL}]}]}),
    "in a key": as_bytes({"tools": {EMAIL: 1}}),
    "in a number": b'{"seed": ' + DIGITS.encode() + b"}",
    "in the arguments of a tool call": as_bytes({"arguments": json.dumps({"to": EMAIL})}),
    "in arguments with escapes": as_bytes({"arguments": f'{{"to": "{ESCAPED}"}}'}),
    "as escapes": b'{"content": "' + ESCAPED.encode() + b'"}',
    "as text around an image": as_bytes({"url": f"x data:image/png;base64,AAAA {EMAIL}"}),
    "at the greatest depth": as_bytes(deep(MAX_DEPTH, EMAIL)),
    "deeper": as_bytes(deep(MAX_DEPTH + 40, EMAIL)),
    "deeper than anything that reads": b"[" * 100_000 + as_bytes(EMAIL),
    "not JSON": f"to={EMAIL}&x=1".encode(),
    "JSON that breaks off": as_bytes(body(EMAIL))[:-3],
    "JSON lines": as_bytes({"a": 1}) + b"\n" + as_bytes({"b": EMAIL}),
    "beside bytes that are no UTF-8": b'{"a": "\xff\xfe ' + EMAIL.encode() + b'"}',
    "with a mark of the byte order": b"\xef\xbb\xbf" + as_bytes(body(EMAIL)),
    "after an unpaired surrogate": b'{"a": "\\ud83d ' + EMAIL.encode() + b'"}',
}


@pytest.mark.parametrize("sent", CARRIERS.values(), ids=CARRIERS)
def test_however_it_is_written(sent: bytes) -> None:
    assert refusal(sent).startswith("Nothing was sent: it would have held ")


@pytest.mark.parametrize(
    "write",
    [as_bytes, lambda value: as_bytes(value, ascii_only=False)],
    ids=["as ASCII", "as UTF-8"],
)
def test_letters_beyond_ascii(write: Callable[[object], bytes]) -> None:
    words = refusal(write(body("meine Anschrift: Bürgermeister-Müller-Straße 14, 80331 München")))
    assert "postal address" in words


@pytest.mark.parametrize("ending", ["txt", "PDF", "jpeg"])
@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind is not Kind.URL_CRED])
def test_in_the_name_of_a_file(kind: Kind, ending: str) -> None:
    text = f'<file name="{SENTENCES[kind]}.{ending}"/>'
    assert WORDS[kind] in refusal(as_bytes(body(text)))


@pytest.mark.parametrize("text", ["icon@2x.png", "lodash@4.17.21.min.js", "see a@b.txt"])
def test_what_only_looks_like_an_address_in_a_file_name(text: str) -> None:
    assert look(as_bytes(body(text)), PLAN, find) == {}


BEFORE = ("\n", "\t", "\r\n", '"', "\\")


def _behind(kind: Kind, before: str) -> str:
    return SENTENCES[kind].replace(f" {value_of(kind)}", f":{before}{value_of(kind)}")


# What is private in plain text has to be so in JSON.
BEHIND = [
    (kind, _behind(kind, before))
    for kind in REFUSED
    for before in BEFORE
    if kind in {span.kind for span in DETECTOR.find(_behind(kind, before))}
]


@pytest.mark.parametrize("levels", [0, 1, 2])
@pytest.mark.parametrize(("kind", "text"), BEHIND)
def test_behind_what_json_writes_as_a_letter(kind: Kind, text: str, levels: int) -> None:
    """An escaped line end leaves an n in front of the value, once for each level of JSON."""
    for _ in range(levels):
        text = json.dumps({"query": text})
    assert WORDS[kind] in refusal(as_bytes(body(text)))


def test_most_are_private_there() -> None:
    assert len(BEHIND) > 0.9 * len(BEFORE) * len(REFUSED)


@pytest.mark.parametrize(
    "text",
    [
        "https://meridian-data.net/x?mail=lena.winter%40meridian-data.net",
        "<a href='mailto:lena.winter&#64;meridian-data.net'>",
        "lena.winter&commat;meridian-data.net",
    ],
)
def test_as_urls_and_html_write_it(text: str) -> None:
    assert WORDS[Kind.EMAIL] in refusal(as_bytes(body(text)))


def test_an_image_is_not_read_as_text_and_what_stands_behind_one_is() -> None:
    url = f"data:image/png;base64,iVBORw0KGgo+{value_of(Kind.SECRET)}+AA=="
    assert look(as_bytes({"image_url": {"url": url}}), PLAN, find) == {}
    assert WORDS[Kind.EMAIL] in refusal(as_bytes({"content": f"{url} {EMAIL}"}))


IDS = ("call_1", "call_8fK2mPq9XcVb7Zt1LwRs4NyA", "chatcmpl-tool-3f2b9c1d7e8a4b5c9d0e1f2a3b4c5d6e")


@pytest.mark.parametrize(
    "name", [*IDS, "toolu_01A09q90qw90lq917835lq9", "d41d8cd9-8f00-4204-a980-0998ecf8427e"]
)
def test_the_ids_of_tool_calls_pass(name: str) -> None:
    call = {"id": name, "function": {"name": "send", "arguments": "{}"}}
    sent = {"messages": [{"tool_calls": [call]}, {"role": "tool", "tool_call_id": name}]}
    assert look(as_bytes(sent), PLAN, find) == {}


@pytest.mark.parametrize("sent", [b"", b"null", b"[]", b"0", b'""'])
def test_nothing_is_in_nothing(sent: bytes) -> None:
    assert look(sent, PLAN, find) == {}


def test_different_values_are_counted_once_each() -> None:
    sent = as_bytes([body(EMAIL), body(EMAIL.upper()), body(f"x{value_of(Kind.EMAIL)} {CARD}")])
    assert look(sent, plan(CLOUD, is_open=True), find) == {Kind.CREDIT_CARD: 1, Kind.EMAIL: 2}


def test_what_breaks_is_not_swallowed() -> None:
    def broken(text: str) -> list[Found]:
        raise ValueError(text)

    with pytest.raises(DetectionFailed) as caught:
        look(as_bytes(body(EMAIL)), PLAN, Detector(finders=[broken]).find)
    assert value_of(Kind.EMAIL) not in str(caught.value)
