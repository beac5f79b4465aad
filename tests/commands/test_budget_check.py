"""`hal doctor` on the budget: what was spent, by whom, what is set aside, and missing prices."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from hal.commands.checks import budget
from hal.commands.checks.result import Check, Context, Status
from hal.commands.stored import Places, settings_in_force
from hal.gateway.ledger import Ledger
from hal.gateway.ports import Expense
from hal.settings_reader import read_environment
from hal.types import Target

OK, WARN, FAIL = Status.OK, Status.WARN, Status.FAIL
CLOUD = Target("xai", "grok-4.3", True, 1_000_000)
UNCAPPED = {name: "-1" for name in ("HAL_DAILY_BUDGET_USD", "HAL_MONTHLY_BUDGET_USD")}


def context(folder: Path, **environ: str) -> Context:
    env = {"HOME": str(folder), "HAL_DATA_DIR": str(folder), "XAI_API_KEY": "k", **environ}
    return Context(env, settings_in_force(env), Places.of(env), port=1)


def found(folder: Path, **environ: str) -> dict[str, Check]:
    checks = list(budget.checks(context(folder, **environ)))
    assert all(check.remedy for check in checks if check.status is not OK), checks
    return {check.name: check for check in checks}


def spend(folder: Path, *calls: tuple[str | None, float, bool]) -> None:
    """(user, USD, settled) for each call."""
    settings = read_environment({"HAL_DATA_DIR": str(folder)})

    async def run() -> None:
        ledger = Ledger(settings.log.budget_database, settings.budget)
        for number, (user, amount_usd, is_settled) in enumerate(calls):
            name = f"{user}{number}"
            await ledger.reserve(Expense(name, name, user, CLOUD, 0.01))
            if is_settled:
                await ledger.settle(name, amount_usd, is_estimate=False)
        ledger.close()

    asyncio.run(run())


def test_nothing_spent_is_fine_and_makes_no_file(tmp_path: Path) -> None:
    checks = found(tmp_path)
    assert {name: check.status for name, check in checks.items()} == {"budget": OK}
    assert "$0.00 of $5.00" in checks["budget"].detail
    assert "this month $0.00 of $50.00" in checks["budget"].detail
    assert list(tmp_path.iterdir()) == []


def test_the_day_is_told_with_its_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert "today (from 00:00 JST)" in found(tmp_path)["budget"].detail
    finally:
        monkeypatch.undo()
        time.tzset()


def test_spending_by_user_and_what_is_open(tmp_path: Path) -> None:
    spend(tmp_path, ("ann", 1.5, True), ("bob", 0.5, True), (None, 0.25, True), ("ann", 0, False))
    checks = found(tmp_path)
    assert "$2.26 of $5.00" in checks["budget"].detail
    assert checks["budget by user"].status is OK
    assert "ann $1.51, bob $0.50, direct API calls $0.25" in checks["budget by user"].detail
    assert checks["budget, set aside"].detail == "$0.01 for calls that are being made (1)"


def test_one_user_is_no_list(tmp_path: Path) -> None:
    spend(tmp_path, ("ann", 1.5, True), ("ann", 0.5, True))
    assert set(found(tmp_path)) == {"budget"}


@pytest.mark.parametrize(("amount_usd", "words"), [(4.2, "84 % of today's"), (5.0, "is used up")])
def test_a_cap_that_is_nearly_or_all_used_is_told(
    tmp_path: Path, amount_usd: float, words: str
) -> None:
    spend(tmp_path, ("ann", amount_usd, True))
    check = found(tmp_path)["budget"]
    assert check.status is WARN
    assert words in check.detail


def test_a_user_over_his_cap_is_named(tmp_path: Path) -> None:
    spend(tmp_path, ("ann", 1.5, True), ("bob", 0.5, True))
    check = found(tmp_path, HAL_USER_DAILY_BUDGET_USD="1")["budget by user"]
    assert check.status is WARN
    assert check.detail.endswith("$1.00 each: used up by ann")


def test_what_a_killed_process_left_behind_is_told(tmp_path: Path) -> None:
    spend(tmp_path, ("ann", 0.0, False))
    with closing(sqlite3.connect(tmp_path / "budget.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE expense SET reserved_at = reserved_at - 3700")
    checks = found(tmp_path)
    # In the first hour of a month, it belongs to the last one.
    names = (
        {"budget, estimated"} if time.localtime(time.time() - 3700).tm_mon == _month() else set()
    )
    assert set(checks) - {"budget"} == names


def _month() -> int:
    return time.localtime().tm_mon


@pytest.mark.parametrize(("environ", "status"), [({}, FAIL), (UNCAPPED, WARN)])
def test_a_file_that_cannot_be_read(
    tmp_path: Path, environ: dict[str, str], status: Status
) -> None:
    (tmp_path / "budget.sqlite").write_bytes(b"no database at all " * 99)
    check = found(tmp_path, **environ)["budget"]
    assert check.status is status
    assert "budget.sqlite" in check.remedy


def test_a_newer_file_is_a_failure(tmp_path: Path) -> None:
    spend(tmp_path, ("ann", 1.0, True))
    with closing(sqlite3.connect(tmp_path / "budget.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert found(tmp_path)["budget"].status is FAIL


def test_an_unknown_price_is_told(tmp_path: Path) -> None:
    check = found(tmp_path, HAL_CLOUD_MODEL="grok-9")["prices"]
    assert check.status is WARN
    assert "counts as the dearest" in check.detail
    assert "prices.json" in check.remedy
    (tmp_path / "prices.json").write_text('{"grok-9": {"input": 1, "output": 2}}')
    assert "prices" not in found(tmp_path, HAL_CLOUD_MODEL="grok-9")


def test_a_price_that_is_not_usable_is_told(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text('{"grok-4.3": {"input": 1}}')
    check = found(tmp_path)["prices"]
    assert check.status is WARN
    assert "output is not a number" in check.detail
