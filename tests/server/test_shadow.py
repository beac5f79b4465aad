"""Shadows on the real server: what is sent, what never is, and what the log says of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.privacy.detect import Detector
from hal.privacy.name_lists import NameLists
from hal.sessions.audit import audit
from hal.sessions.commands import show_session
from hal.sessions.reader import SessionReader
from hal.shadowing import QUIET_S
from tests.harness import openwebui
from tests.servers import Say, Stall, Status, Usage

from .house import GROK, NANO, House
from .logbook import Row, wait_until

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"
# The quiet after a turn, and what a busy machine adds to it.
LIMIT_S = QUIET_S + 8.0
VALVES = {"SHADOW_SHARE": 1.0, "SPECULATE": False}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """One for each test: what was spent stays spent."""
    with House(tmp_path, valves=VALVES) as running:
        yield running


def shadows(house: House) -> list[Row]:
    return [row for row in house.log.rows("shadow") if row["outcome"] != "running"]


def wait_for_shadow(house: House, count: int = 1) -> Row:
    wait_until(lambda: len(shadows(house)) >= count, LIMIT_S, lambda: str(house.log.rows("shadow")))
    return shadows(house)[-1]


def done_for(turn: Row) -> tuple[str, str]:
    return "outcome = 'done' AND turn_id = ?", turn["id"]


def answer_of(house: House, shadow: Row) -> str:
    rows = house.log.rows("shadow_content", "shadow_id = ?", shadow["id"])
    return str(rows[0]["answer"]) if rows else ""


def test_a_harmless_local_turn_has_one_at_the_cloud(house: House) -> None:
    house.xai.answer([Say("It is not."), Usage(10, 10, cost_usd=0.002)])
    answer = house.ask(TEXT)
    turn = house.logged()
    shadow = wait_for_shadow(house)
    assert (turn["model"], turn["leaves_machine"], turn["cost_usd"]) == (NANO, 0, 0.0)
    assert "It is not." not in answer.text
    assert (shadow["turn_id"], shadow["model"], shadow["outcome"]) == (turn["id"], GROK, "done")
    assert answer_of(house, shadow) == "It is not."
    # It left, so it is in the audit like any other call, under its own purpose.
    (sent,) = house.log.of_turn("egress", turn["id"])
    assert (sent["purpose"], sent["call_id"]) == ("shadow", shadow["call_id"])
    (call,) = house.log.rows("call", "purpose = 'shadow'")
    assert (call["id"], call["cost_usd"], call["outcome"]) == (shadow["call_id"], 0.002, "done")
    # The turn is as it was: its cost is that of the answer.
    assert house.log.rows("turn", "id = ?", turn["id"]) == [turn]
    # What the cloud was asked is the conversation, and not what the local model said.
    (request,) = house.cloud_requests
    assert [m["role"] for m in request.json["messages"]][-1] == "user"
    assert request.json["messages"][-1]["content"] == TEXT


def test_a_turn_of_the_cloud_has_one_here(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.answer_with([Say("Here I say no.")])
    house.ask(TEXT)
    turn = house.logged()
    shadow = wait_for_shadow(house)
    assert (turn["model"], shadow["model"], shadow["leaves_machine"]) == (GROK, NANO, 0)
    assert answer_of(house, shadow) == "Here I say no."
    assert len(house.log.of_turn("egress", turn["id"])) == 1


NEVER = (
    f"Write to jane.doe@meridian-data.net: {TEXT}",
    f"My card is 4539 1488 0343 6467. {TEXT}",
    f"/private {TEXT}",
    f"/local {TEXT}",
    f"/public {TEXT}",
    f"/cloud {TEXT}",
)


@pytest.mark.parametrize("mode", ["local", "scrub", "off"])
def test_a_private_turn_never_has_one(house: House, mode: str) -> None:
    """Masked or not, by command or not, at either model; nor a task, nor a temporary chat. A
    harmless turn behind them shows that it is too late for them; with nobody looking, none is."""
    house.server.update_valves({"PRIVACY_MODE": mode})
    for route in ("MODERATE", "COMPLEX"):
        house.judge(route, 0.95)
        for text in NEVER:
            house.ask(text)
        house.ask(TEXT, chat_id="temporary:abc")
        house.send(openwebui.title_task(openwebui.history(TEXT, "No."), chat_id=house.chat))
    house.server.update_valves({"PRIVACY_MODE": "local"})
    house.judge("MODERATE", 0.95)
    house.ask(TEXT)
    harmless = house.logged()
    wait_for_shadow(house)
    assert [row["turn_id"] for row in house.log.rows("shadow")] == [harmless["id"]]
    sent = house.log.rows("egress", "purpose = 'shadow'")
    assert [row["turn_id"] for row in sent] == [harmless["id"]]


def test_their_own_budget_stops_them_also_after_a_restart(house: House) -> None:
    house.server.update_valves({"ADVANCED": "SHADOW_DAILY_USD=0.5"})
    house.xai.answer([Say("It is."), Usage(10, 10, cost_usd=0.6)])
    house.ask(TEXT)
    wait_for_shadow(house)
    spent = len(house.cloud_requests)
    house.server.restart()
    house.server.update_valves({"ADVANCED": "SHADOW_DAILY_USD=0.5"})
    house.ask(TEXT)
    turn = house.logged()
    house.judge("COMPLEX", 0.95)
    # One that costs nothing comes behind it in the same queue.
    house.ask(TEXT)
    wait_for_shadow(house, 2)
    assert house.log.of_turn("shadow", turn["id"]) == []
    assert len(house.cloud_requests) == spent + 1


def test_a_shadow_of_which_nothing_comes_leaves_the_chat_alone(house: House) -> None:
    house.xai.answer([Status(500)])
    first = house.ask(TEXT)
    shadow = wait_for_shadow(house)
    assert first.text.endswith(TEXT)
    assert (shadow["outcome"], answer_of(house, shadow)) == ("failed", "")
    assert house.log.turn(house.chat)["outcome"] == "done"


def test_a_person_does_not_wait_behind_one(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.answer_with([Say("Slowly"), Stall()])
    house.ask(TEXT)
    turn = house.logged()
    house.wait_for_local(timeout_s=LIMIT_S)
    house.judge("MODERATE")
    house.answer_with([Say("At once.")])
    assert "At once." in house.ask(TEXT).text
    # Its call was ended for the person's turn; the house is quiet now, and it is tried again.
    wait_until(lambda: house.log.rows("shadow", *done_for(turn)), LIMIT_S)
    (shadow,) = house.log.of_turn("shadow", turn["id"])
    assert answer_of(house, shadow) == "At once."
    calls = house.log.rows("call", "purpose = 'shadow' AND turn_id = ?", turn["id"])
    assert [call["outcome"] for call in calls] == ["stopped", "done"]


def test_what_is_saved_in_the_valves_counts_at_once(house: House) -> None:
    house.server.update_valves({"SHADOW_SHARE": 0.0})
    house.ask(TEXT)
    before = len(house.cloud_requests)
    house.server.update_valves({"SHADOW_SHARE": 1.0})
    house.ask(TEXT)
    turn = house.logged()
    wait_for_shadow(house)
    assert {row["turn_id"] for row in house.log.rows("shadow")} == {turn["id"]}
    assert len(house.cloud_requests) == before + 1


def test_the_audit_and_the_page_of_the_turn_show_it(house: House) -> None:
    house.xai.answer([Say("It is not.")])
    house.ask(TEXT)
    turn = house.logged()
    wait_for_shadow(house)
    reader, out = SessionReader(house.log.path), io.StringIO()
    assert show_session(reader, turn["id"], as_json=False, out=out) == 0
    page = out.getvalue()
    assert "shadow (shown to nobody)" in page
    assert "chosen by    anchor, with probability 1.00" in page
    assert "It is not." in page
    report = audit(reader, Detector(NameLists.load()).find)
    assert (report.calls, report.findings) == (1, ())
