"""The privacy gate in mode scrub: xAI sees placeholders, and everybody else sees the values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest

from hal.privacy.kinds import Kind
from hal.privacy.traces import Traces
from tests.harness import Answer
from tests.privacy import hard_values as make
from tests.servers import Begin, Cut, Say, Status, Step, Think, ToolCall, last_user_text

from .house import NANO, Body, House, new_chat

pytestmark = pytest.mark.server
EMAIL, NAME = "lena.winter@meridian-data.net", "Laura Hoffmann"
PHONE = "+49 30 23125678"
CARD = make.card(Random(7))
TEXT = f"My name is {NAME}, and my address is {EMAIL}. Write to my landlord."
TRACES = Traces(
    [(Kind.EMAIL, EMAIL), (Kind.PERSON, NAME), (Kind.PHONE, PHONE), (Kind.CREDIT_CARD, CARD)]
)
TOKEN = re.compile(r"\[\[[A-Z]{2,8}_[A-Z0-9]{3}_\d+(?:_[A-Z]+)?\]\]")
MASKED = " · sent with 2 items masked: e-mail address, name"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    valves = {
        "PRIVACY_MODE": "scrub",
        "SPECULATE": False,
        "STICKY": False,
        "CLOUD_CONFIDENCE": 0,
        "LOCAL_FIRST_TOKEN_S": 5,
    }
    with House(tmp_path_factory.mktemp("scrub"), valves=valves) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_private_leaves(house: House, _fresh_house: None) -> Iterator[None]:
    """In no test of this module, by whatever way."""
    house.judge("COMPLEX", 0.99)
    yield
    for request in house.xai.requests:
        assert TRACES.find(request.body) == ()
        assert TRACES.find(json.dumps(request.headers)) == ()


def tokens(body: Body) -> dict[str, str]:
    """The placeholders of the last question, by their type."""
    found = TOKEN.findall(last_user_text(body))
    return {token[2:].split("_")[0]: token for token in found}


def says(make_steps: Callable[[str], list[Step]]) -> Callable[[Body], list[Step]]:
    """A script that is told the placeholder of the e-mail address."""
    return lambda body: make_steps(tokens(body)["EMAIL"])


def test_the_cloud_sees_placeholders_and_the_user_values(house: House) -> None:
    answer = house.ask(TEXT)
    assert answer.text == f"cloud: {TEXT}"
    assert answer.statuses[1].endswith(MASKED)
    (request,) = house.cloud_requests
    system, question = request.json["messages"]
    assert question["content"] == TEXT.replace(NAME, tokens(request.json)["PERSON"]).replace(
        EMAIL, tokens(request.json)["EMAIL"]
    )
    assert "replaced by tokens" in system["content"]


def test_without_anything_private_nothing_is_said_of_it(house: House) -> None:
    answer = house.ask("Is every such group abelian?")
    assert "masked" not in " ".join(answer.statuses)
    assert [m["role"] for m in house.cloud_requests[0].json["messages"]] == ["user"]


def _cut_everywhere(token: str) -> list[Step]:
    return [
        step
        for at in range(len(token) + 1)
        for step in (Say(token[:at]), Say(token[at:]), Say(" | "))
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_cut_at_every_position(house: House, stream: bool) -> None:
    house.xai.answer(says(_cut_everywhere))
    answer = house.send(replace(house.turn(TEXT), stream=stream))
    said = answer.text.split(" | ")
    assert set(said) == {EMAIL, ""}
    assert len(said) > len("[[EMAIL_XXX_1]]")


@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_too_on_a_channel_of_its_own(house: House, stream: bool) -> None:
    def crossed(token: str) -> list[Step]:
        """Neither channel ends what the other has begun."""
        return [Think(f"To {token[:6]}"), Think(f"{token[6:]}?"), Say(token[:9]), Say(token[9:])]

    house.xai.answer(says(crossed))
    answer = house.send(replace(house.turn(TEXT), stream=stream))
    assert EMAIL in (answer.text, answer.text.rpartition("</details>")[2].strip())
    assert f"To {EMAIL}?" in answer.reasoning + answer.text


MUTATIONS: dict[str, Callable[[str], tuple[str, str]]] = {
    "lower case": lambda token: (token.lower(), EMAIL),
    "a bracket lost": lambda token: (token[:-1], EMAIL),
    "all brackets lost": lambda token: (token[2:-2], EMAIL),
    "escaped": lambda token: (token.replace("_", "\\_"), EMAIL),
    "possessive": lambda token: (f"{token}'s", f"{EMAIL}'s"),
    "bold": lambda token: (f"**{token}**", f"**{EMAIL}**"),
    "wrapped": lambda token: (token.replace("_", "_\n", 1), EMAIL),
    "another number": lambda token: (token.replace("_1]]", "_7]]"), ""),
    "another chat's": lambda _token: ("[[EMAIL_2B2_1]]", "[[EMAIL_2B2_1]]"),
}


def test_an_answer_that_miscopies(house: House) -> None:
    wanted: list[str] = []

    def script(body: Body) -> list[Step]:
        pairs = [mutate(tokens(body)["EMAIL"]) for mutate in MUTATIONS.values()]
        wanted.extend(value or said for said, value in pairs)
        text = " | ".join(said for said, _ in pairs)
        return [Say(text[at : at + 5]) for at in range(0, len(text), 5)]

    house.xai.answer(script)
    said = house.ask(TEXT).text.split(" | ")
    assert dict(zip(MUTATIONS, said, strict=True)) == dict(zip(MUTATIONS, wanted, strict=True))


ADDRESS = "742 Maple Street\nSpringfield, IL 62704"


@pytest.mark.parametrize("stream", [True, False])
def test_the_arguments_of_a_tool_call_stay_json(house: House, stream: bool) -> None:
    def script(body: Body) -> list[Step]:
        place = TOKEN.findall(last_user_text(body))[-1]
        return [ToolCall("send", {"where": f'"{place}"', "n": 1})]

    house.xai.answer(script)
    answer = house.send(replace(house.turn(f"My address is\n{ADDRESS}"), stream=stream))
    (call,) = answer.tool_calls
    value = json.loads(call["function"]["arguments"])
    assert value["n"] == 1
    assert "Maple Street" in value["where"]
    assert "[[" not in value["where"]


def test_what_is_known_of_a_chat_is_known_after_a_restart(house: House) -> None:
    chat, hard, freed = new_chat(), new_chat(), new_chat()
    for each in (hard, freed):
        house.ask(f"My card is {CARD}.", chat_id=each)
    house.ask("/public Is it abelian?", chat_id=freed)
    house.xai.forget()
    first = house.ask(TEXT, chat_id=chat)
    house.ask(f"And by phone? {PHONE}", TEXT, first.text, chat_id=chat)
    house.server.restart()
    last = house.ask(f"And by phone? {PHONE}", TEXT, first.text, chat_id=chat)
    assert last.text == f"cloud: And by phone? {PHONE}"
    one, two, three = ([m["content"] for m in r.json["messages"]] for r in house.cloud_requests)
    assert two[1] == one[1]  # a value keeps its placeholder,
    assert two[2] == f"cloud: {one[1]}"  # what was restored for the user is masked again,
    assert three == two  # and a new process makes the same ones.
    assert house.ask("Is it?", chat_id=hard).text.startswith(NANO)
    assert house.ask("Is it?", chat_id=freed).text.startswith("cloud")
    house.ask(TEXT)
    assert tokens(house.cloud_requests[-1].json) != tokens(house.cloud_requests[0].json)


STAYS = {
    "a card": (f"{TEXT} I pay with {CARD}.", "card number, e-mail address found"),
    "a value to compute on": (
        "My date of birth is 12 March 1984. How old am I?",
        "the answer needs the date of birth itself",
    ),
}


@pytest.mark.parametrize("command", ["", "/cloud "])
@pytest.mark.parametrize(("text", "why"), STAYS.values(), ids=STAYS)
def test_what_cannot_be_masked_stays(house: House, text: str, why: str, command: str) -> None:
    answer = house.ask(command + text)
    assert answer.text.startswith(f"{NANO}: ")
    assert f"kept local: {why}" in " ".join(answer.statuses)
    assert house.xai.requests == []


def answered_here(house: House, answer: Answer) -> None:
    """The local model has seen the values, and never a placeholder."""
    assert answer.text == f"{NANO}: {TEXT}"
    for request in house.local_requests:
        assert not TOKEN.search(request.body.decode())
        assert "replaced by tokens" not in request.body.decode()


def test_from_the_cloud_to_the_local_model(house: House) -> None:
    house.xai.answer([Status(500, {"error": "no"})])
    answered_here(house, house.ask(TEXT))
    assert len(house.cloud_requests) > 0


def test_from_the_local_model_to_the_cloud(house: House) -> None:
    house.judge("MODERATE")
    answered_here(house, house.ask(TEXT))
    house.answer_with([Status(500, {"error": "no"})])
    assert house.ask(TEXT).text == f"cloud: {TEXT}"
    (request,) = house.cloud_requests
    assert set(tokens(request.json)) == {"EMAIL", "PERSON"}


def test_what_was_held_back_is_shown_when_the_answer_is_cut(house: House) -> None:
    house.xai.answer(says(lambda token: [Say("Dear "), Say(token), Say(token[:-4]), Cut()]))
    answer = house.ask(TEXT)
    token = tokens(house.cloud_requests[0].json)["EMAIL"]
    assert answer.text == f"Dear {EMAIL}{token[:-4]}"
    assert answer.error["message"].startswith("The answer was cut off")
    house.xai.answer([Begin(), Say("Dear [["), Say("EMA")])
    assert house.ask(TEXT).text == "Dear [[EMA"


def test_public_leaves_as_it_is(house: House) -> None:
    text = "/public Write to x.y@meridian-data.net."
    answer = house.ask(text)
    assert answer.statuses[1].endswith(" · sent as it is: you said /public")
    assert b"x.y@meridian-data.net" in house.cloud_requests[0].body
