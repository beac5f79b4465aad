"""What the session log keeps of masked turns: kinds and hashes, no values.

On the interpreter of the official image: all other tests of the gate run on the newest one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hal.privacy.allowed import value_hash
from hal.privacy.kinds import Kind
from hal.privacy.traces import Traces
from hal.privacy_files import load_key
from tests.privacy import hard_values as make
from tests.servers import Status

from .house import House, new_chat
from .logbook import Row, wait_until

pytestmark = pytest.mark.server
EMAIL, NAME = "lena.winter@meridian-data.net", "Laura Hoffmann"
TEXT = f"My name is {NAME}, and my address is {EMAIL}. Write to my landlord."
TRACES = Traces([(Kind.EMAIL, EMAIL), (Kind.PERSON, NAME)])


@pytest.fixture(scope="module", params=["pinned"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    valves = {"PRIVACY_MODE": "scrub", "SPECULATE": False, "CLOUD_CONFIDENCE": 0}
    folder = tmp_path_factory.mktemp(f"privacy-log-{request.param}")
    with House(folder, interpreter=request.param, valves=valves) as running:
        yield running


def egress(house: House, row: Row) -> tuple[Row, Row | None]:
    """The only entry of a turn, and the body that was kept of it."""
    (entry,) = house.log.of_turn("egress", row["id"])
    kept = house.log.rows("egress_content", "egress_id = ?", entry["id"])
    return entry, kept[0] if kept else None


def test_a_masked_turn(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    assert house.ask(TEXT).text == f"cloud: {TEXT}"
    (request,) = house.cloud_requests
    assert TRACES.find(request.body) == ()
    row = house.logged()
    assert json.loads(row["private_kinds"]) == {"EMAIL": 1, "PERSON": 1}
    assert (row["is_hard"], row["privacy_word"], row["leaves_machine"]) == (0, "", 1)
    entry, kept = egress(house, row)
    assert entry["sha256"] == hashlib.sha256(request.body).hexdigest()
    assert json.loads(entry["passed"]) == {}
    assert json.loads(entry["masked"]).keys() == {"EMAIL", "PERSON"}
    key = load_key(house.server.data / "privacy.key")
    assert set(json.loads(entry["hashes"])) == {
        value_hash(key, Kind.EMAIL, EMAIL),
        value_hash(key, Kind.PERSON, NAME),
    }
    kept = kept or wait_until(lambda: egress(house, row)[1])
    assert kept["body"].encode() == request.body
    # The conversation itself is kept as the user has it: it has not left the machine.
    content = house.log.content(row["id"])
    assert content is not None
    assert (content["question"], content["answer"]) == (TEXT, f"cloud: {TEXT}")


def test_a_turn_that_stays(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    house.ask(f"My card number is {make.card(Random(7))}.")
    row = house.logged()
    assert (row["leaves_machine"], house.log.of_turn("egress", row["id"])) == (0, [])
    assert json.loads(row["private_kinds"]) == {"CREDIT_CARD": 1}
    assert row["is_hard"] == 1
    assert any("card number found" in note for note in row["notes"])


def test_each_attempt_has_its_entry(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    house.xai.answer([Status(502, "<html></html>")], [Status(500, {"error": "no"})])
    house.ask(TEXT)
    entries = house.log.of_turn("egress", house.logged()["id"])
    assert len(entries) == len(house.cloud_requests) > 1
    assert len({entry["hashes"] for entry in entries}) == 1
    assert all(TRACES.find(request.body) == () for request in house.cloud_requests)


def test_a_temporary_chat_leaves_no_text(house: House) -> None:
    text, mail = "Schreib an sauerkirsch@meridian-data.net.", "sauerkirsch@meridian-data.net"
    house.judge("COMPLEX", 0.99)
    house.ask(text, chat_id=f"temporary:sock{new_chat()}")
    (request,) = house.cloud_requests
    (entry,) = house.log.rows("egress", "sha256 = ?", hashlib.sha256(request.body).hexdigest())
    assert house.log.rows("egress_content", "egress_id = ?", entry["id"]) == []
    assert house.log.content(entry["turn_id"]) is None
    for file in files(house):
        assert Traces([(Kind.EMAIL, mail)]).find(file.read_bytes()) == (), file.name


def test_neither_the_servers_output_nor_any_other_file_has_a_value(house: House) -> None:
    house.judge("COMPLEX", 0.99)
    house.ask(TEXT)
    assert TRACES.find(house.server.log()) == ()
    for file in files(house):
        if not file.name.startswith("sessions.sqlite"):
            assert TRACES.find(file.read_bytes()) == (), file.name


def files(house: House) -> list[Path]:
    return [path for path in house.server.data.rglob("*") if path.is_file()]
