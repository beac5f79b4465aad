"""Money on the real server: caps that hold, over restarts and between turns at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness import Answer
from tests.servers import Say, Stall, Usage

from .house import GROK, NANO, House
from .logbook import wait_until

pytestmark = pytest.mark.server
TEXT = "Is every such group abelian?"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """One for each test: what was spent stays spent."""
    with House(tmp_path, valves={"SPECULATE": False}) as running:
        yield running


def charges(house: House, usd: float) -> None:
    """What every answer of xAI says that it costs."""
    house.xai.answer([Say("It is."), Usage(10, 10, cost_usd=usd)])


def ask(house: House, text: str = TEXT) -> Answer:
    """A turn whose bill is settled: that goes on beside the turn, and no reader waits for it."""
    answer = house.ask(text)
    wait_until(lambda: "reserved" not in {state for _, _, state in expenses(house)})
    return answer


def expenses(house: House) -> list[tuple[str, float, str]]:
    path = house.log.path.with_name("budget.sqlite")
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT user_id, amount_usd, state FROM expense").fetchall()


def test_a_cap_that_is_used_up_keeps_turns_here(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"DAILY_BUDGET_USD": 0.10, "ADVANCED": "BUDGET_SOFT=1"})
    charges(house, 0.099)
    assert (ask(house).usage or {})["hal_model"] == GROK
    answer = ask(house)
    assert (answer.usage or {})["hal_model"] == NANO
    assert "kept local: today's budget of $0.10" in " ".join(answer.statuses)
    # Not even who asks for the cloud gets it.
    assert (ask(house, f"/cloud {TEXT}").usage or {})["hal_model"] == NANO
    assert len(house.cloud_requests) == 1


def test_from_the_soft_limit_on_only_who_asks_gets_the_cloud(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"DAILY_BUDGET_USD": 1.0, "ADVANCED": "BUDGET_SOFT=0.5"})
    charges(house, 0.6)
    assert (ask(house).usage or {})["hal_model"] == GROK
    answer = ask(house)
    assert (answer.usage or {})["hal_model"] == NANO
    assert "kept local: " in answer.statuses[1]
    assert (ask(house, f"/cloud {TEXT}").usage or {})["hal_model"] == GROK


def test_a_turn_that_would_cost_too_much_stays_here(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"TURN_BUDGET_USD": 0.0001})
    answer = ask(house)
    assert (answer.usage or {})["hal_model"] == NANO
    assert "TURN_BUDGET_USD" in " ".join(answer.statuses)
    assert house.cloud_requests == []


def test_what_was_spent_outlives_a_restart(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"DAILY_BUDGET_USD": 0.10, "ADVANCED": "BUDGET_SOFT=1"})
    charges(house, 0.099)
    assert (ask(house).usage or {})["hal_model"] == GROK
    user = house.logged()["user_id"]
    assert user
    assert expenses(house) == [(user, 0.099, "settled")]
    house.server.restart()
    assert (ask(house).usage or {})["hal_model"] == NANO


def test_a_call_that_was_stopped_is_on_the_bill(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.xai.answer([Say("It is"), Stall()])
    with house.begin(house.turn(TEXT)) as stream:
        stream.until(lambda answer: answer.text)
    house.xai.wait_for_abort()
    row = house.logged("stopped")
    (call,) = house.log.of_turn("call", row["id"])
    assert call["is_estimate"] == 1
    assert call["cost_usd"] > 0
    assert row["cost_usd"] == call["cost_usd"]


def test_the_share_of_turns(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"CLOUD_SHARE": 0.2})
    models = [(ask(house).usage or {})["hal_model"] for _ in range(6)]
    assert models.count(GROK) <= 2
    assert models.count(NANO) >= 4


def test_each_user_has_a_day_of_his_own(house: House) -> None:
    house.judge("COMPLEX", 0.95)
    house.server.update_valves({"ADVANCED": "USER_DAILY_BUDGET_USD=0.10 BUDGET_SOFT=1"})
    charges(house, 0.099)
    assert (ask(house).usage or {})["hal_model"] == GROK
    answer = ask(house)
    assert (answer.usage or {})["hal_model"] == NANO
    assert "your budget of today" in " ".join(answer.statuses)
    # Somebody else, here whoever calls without a name.
    direct = house.server.chat([{"role": "user", "content": TEXT}])
    assert (direct.usage or {})["hal_model"] == GROK
