"""The privacy gate in mode local: what is private stays here and says so, unless the user says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest

from hal.privacy.allowed import value_hash
from hal.privacy.kinds import Kind
from hal.privacy.traces import Traces
from hal.privacy_files import load_key, save_allowed
from tests.harness import openwebui
from tests.privacy import hard_values as make
from tests.servers import RecordedRequest

from .house import GROK, NANO, House, new_chat

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"
EMAIL = "lena.winter@meridian-data.net"
CARD = make.card(Random(7))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Everything else that could lead to the cloud is wide open.
    valves = {
        "SPECULATE": False,
        "STICKY": False,
        "CLOUD_CONFIDENCE": 0,
        "CLOUD_WHEN_UNSURE": "cloud",
        "CLOUD_SPILL": "busy_or_cold",
    }
    with House(tmp_path_factory.mktemp("privacy"), valves=valves) as running:
        yield running


@pytest.fixture(autouse=True)
def _judged_complex(house: House, _fresh_house: None) -> None:
    house.judge("COMPLEX", 0.99)


def stays(house: House, text: str, *earlier: str, why: str, chat_id: str | None = None) -> None:
    """Answered here, with this reason above the answer, and nobody outside has heard of it."""
    answer = house.ask(text, *earlier, chat_id=chat_id)
    assert answer.text.startswith(f"{NANO}: ")
    assert f" · kept local: {why}" in " ".join(answer.statuses)
    row = house.logged()
    assert (row["leaves_machine"], house.log.of_turn("egress", row["id"])) == (0, [])
    assert house.xai.requests == []


def leaves(house: House, text: str, *earlier: str, chat_id: str | None = None) -> RecordedRequest:
    """What xAI was sent; after that, nothing has been sent."""
    answer = house.ask(text, *earlier, chat_id=chat_id)
    assert answer.text.startswith("cloud: ")
    (request,) = house.cloud_requests
    assert house.logged()["leaves_machine"] == 1
    house.xai.forget()
    return request


PRIVATE = {
    "e-mail": (f"my e-mail address is {EMAIL}", "e-mail address found"),
    "phone": ("my phone number is +49 30 23125678", "phone number found"),
    "address": ("I live at 742 Maple Street, Springfield, IL 62704", "postal address found"),
    "birth": ("my date of birth is 12 March 1984", "date of birth found"),
    "IP": ("my server is 93.184.71.5", "IP address found"),
    "MAC": ("my laptop is 3c:22:fb:0d:91:a4", "MAC address found"),
    "card": (f"my card number is {CARD}", "card number found"),
    "account": (f"use my IBAN {make.iban(Random(7))}", "bank account found"),
    "identity": (f"my social security number is {make.ssn(Random(7))}", "identity number found"),
    "key": (f"the key is {make.KEYS['AWS'](Random(7))}", "key or password found"),
    "login": (f"see {make.url_with_login(Random(7))}", "login in a URL found"),
    "two": (f"{EMAIL} pays with {CARD}", "card number, e-mail address found"),
    "three of one": (f"{EMAIL}, a{EMAIL}, b{EMAIL}", "e-mail address (3) found"),
}


@pytest.mark.parametrize(("sentence", "why"), PRIVATE.values(), ids=PRIVATE)
def test_a_private_turn_stays(house: House, sentence: str, why: str) -> None:
    stays(house, f"{TEXT} By the way, {sentence}.", why=why)


def test_so_does_a_turn_with_something_private_before_it(house: House) -> None:
    stays(house, TEXT, f"{CARD} is my card.", "Noted.", why="card number found")


def test_a_lone_name_leaves_as_it_is(house: House) -> None:
    request = leaves(house, f"Laura Hoffmann asks: {TEXT}")
    assert b"Laura Hoffmann" in request.body
    row = house.logged()
    assert json.loads(row["private_kinds"]) == {"PERSON": 1}


@pytest.mark.parametrize("value", [EMAIL, CARD], ids=["contact", "hard"])
def test_the_command_for_the_cloud_changes_nothing(house: House, value: str) -> None:
    answer = house.ask(f"/cloud {TEXT} {value}")
    assert answer.text.startswith(f"{NANO}: ")
    assert "kept local: " in answer.statuses[0]
    assert house.xai.requests == []


def test_what_is_public_leaves_as_it_is_and_is_written_down(house: House) -> None:
    request = leaves(house, f"/public /cloud {TEXT} {CARD} {EMAIL}")
    assert {CARD, EMAIL} <= set(request.json["messages"][-1]["content"].split())
    row = house.logged()
    (egress,) = house.log.of_turn("egress", row["id"])
    assert json.loads(egress["passed"]) == {"CREDIT_CARD": 1, "EMAIL": 1}
    assert (json.loads(egress["masked"]), json.loads(egress["hashes"])) == ({}, [])
    assert row["privacy_word"] == "/public"


def test_the_status_says_that_it_left_as_it_is(house: House) -> None:
    answer = house.ask(f"/cloud /public {TEXT} {CARD}")
    assert answer.statuses[0].startswith(f"xAI {GROK} · ")
    assert answer.statuses[0].endswith(" · sent as it is: you said /public")


def test_public_is_said_for_one_turn(house: House) -> None:
    chat = new_chat()
    said = f"/public {TEXT} {CARD}"
    leaves(house, said, chat_id=chat)
    stays(house, TEXT, said, "Yes.", chat_id=chat, why="card number found")


def test_a_private_chat_stays_here_from_then_on(house: House) -> None:
    chat, said = new_chat(), f"/private {TEXT}"
    stays(house, said, chat_id=chat, why="you said /private")
    why = "/private turn in this chat"
    stays(house, TEXT, said, "Yes.", chat_id=chat, why=why)
    stays(house, f"/cloud {TEXT}", said, "Yes.", chat_id=chat, why=why)


# Also after a restart: test_privacy_scrub.py has one.
HARD_BEFORE = "a key, account or identity number earlier in this chat"


def test_a_chat_that_held_a_card_stays_also_when_it_was_edited_away(house: House) -> None:
    chat, freed = new_chat(), new_chat()
    for each in (chat, freed):
        stays(house, f"{TEXT} {CARD}", chat_id=each, why="card number found")
        stays(house, f"/cloud {TEXT}", chat_id=each, why=HARD_BEFORE)
        assert json.loads(house.logged()["private_kinds"]) == {}
    leaves(house, f"/public {TEXT}", chat_id=freed)
    leaves(house, TEXT, chat_id=freed)
    stays(house, TEXT, chat_id=chat, why=HARD_BEFORE)


def test_it_is_remembered_also_when_nobody_could_answer(house: House) -> None:
    chat = new_chat()
    assert house.send(openwebui.image_turn(f"{TEXT} {CARD}", chat_id=chat)).error
    stays(house, f"/cloud {TEXT}", chat_id=chat, why=HARD_BEFORE)


def test_other_chats_know_nothing_of_it(house: House) -> None:
    stays(house, f"{TEXT} {CARD}", why="card number found")
    leaves(house, TEXT)


def test_an_address_that_was_edited_away_is_forgotten(house: House) -> None:
    chat = new_chat()
    stays(house, f"{TEXT} {EMAIL}", chat_id=chat, why="e-mail address found")
    leaves(house, TEXT, chat_id=chat)


def test_what_the_user_allows_leaves_and_nothing_else(house: House) -> None:
    data = house.server.data
    known = value_hash(load_key(data / "privacy.key"), Kind.EMAIL, EMAIL)
    save_allowed(data / "allowed.txt", [known])
    try:
        request = leaves(house, f"{TEXT} {EMAIL}")
        assert Traces([(Kind.EMAIL, EMAIL)]).find(request.body)
        stays(house, f"{TEXT} {EMAIL} x{EMAIL}", why="e-mail address found")
    finally:
        (data / "allowed.txt").unlink()
    stays(house, f"{TEXT} {EMAIL}", why="e-mail address found")


def test_nobody_looks_when_it_is_off(house: House) -> None:
    house.server.update_valves({"PRIVACY_MODE": "off"})
    request = leaves(house, f"{TEXT} {CARD}")
    assert CARD.encode() in request.body
    stays(house, f"/private {TEXT}", why="you said /private")
