"""The budget under any order of events, against a model that counts in whole cents.

Two ledgers share one file, as a server and `hal ask` do; they are closed and opened again, their
file is locked for a while, and the clock goes on over midnights and months.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import hal.gateway.ledger
from hal.errors import OverBudget
from hal.gateway.ledger import Ledger
from hal.gateway.ports import Level
from hal.settings import BudgetSettings

from .ledgers import BERLIN, Clock, expense, spending

USERS = ("ann", "bob", None)
SOFT = 0.8


@dataclass
class Call:
    """What the model knows of a call, and the ledger that reserved it."""

    user: str | None
    at: datetime
    cents: int
    ledger: Ledger
    is_open: bool = True


# Calls that cost nothing and calls that cost as much as a cap are the ones to look at.
some_cents = st.sampled_from([0, 1, 10, 50, 100]) | st.integers(0, 60)


class BudgetMachine(RuleBasedStateMachine):
    """Rules are events; after each of them, the file says what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "data" / "budget.sqlite"
        self.clock = Clock("2026-10-24 18:00")  # the day before one of 25 hours
        self.calls: dict[str, Call] = {}
        self.ledgers: list[Ledger] = []
        self.caps: dict[str, int] = {}
        self.last: Ledger | None = None  # the one that alone has seen all that is in the file

    @initialize(day=st.integers(50, 400), month=st.integers(100, 900), user=st.integers(30, 300))
    def begin(self, day: int, month: int, user: int) -> None:
        self.caps = {"day": day, "month": month, "user": user}
        self.ledgers = [self.open(), self.open()]

    def open(self, busy_timeout_s: float = 5.0) -> Ledger:
        return Ledger(
            self.path,
            self.limits(),
            clock=self.clock,
            tz=BERLIN,
            busy_timeout_s=busy_timeout_s,
        )

    def limits(self) -> BudgetSettings:
        day, month, user = (self.caps[name] / 100 for name in ("day", "month", "user"))
        return BudgetSettings(None, day, month, user, None, SOFT)

    # --- the model

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), BERLIN)

    def spent(self, user: str | None) -> dict[str, int]:
        """In cents, for each cap. Days are compared by their name, and not by their length."""
        now = self.now()
        month = [c for c in self.calls.values() if (c.at.year, c.at.month) == (now.year, now.month)]
        day = [c for c in month if c.at.date() == now.date()]
        return {
            "day": sum(c.cents for c in day),
            "month": sum(c.cents for c in month),
            "user": sum(c.cents for c in day if c.user == user),
        }

    def fits(self, user: str | None, cents: int) -> bool:
        spent = self.spent(user)
        return all(
            spent[name] < cap and spent[name] + cents <= cap for name, cap in self.caps.items()
        )

    def level(self, user: str | None, cents: int) -> Level:
        if not self.fits(user, cents):
            return Level.HARD
        spent = self.spent(user)
        near = any(spent[name] >= SOFT * cap - 1e-9 for name, cap in self.caps.items())
        return Level.SOFT if near else Level.FREE

    def open_calls(self) -> list[str]:
        return [name for name, call in self.calls.items() if call.is_open]

    # --- events

    @rule(which=st.integers(0, 1), user=st.sampled_from(USERS), cents=some_cents)
    def reserve(self, which: int, user: str | None, cents: int) -> None:
        name = f"call-{len(self.calls)}"
        asked = expense(name, cents / 100, user_id=user)
        if self.fits(user, cents):
            self.runner.run(self.ledgers[which].reserve(asked))
            self.calls[name] = Call(user, self.now(), cents, self.ledgers[which])
            assert all(self.spent(user)[cap] <= limit for cap, limit in self.caps.items())
        else:
            with pytest.raises(OverBudget, match=r"used up|is left of"):
                self.runner.run(self.ledgers[which].reserve(asked))
        self.last = self.ledgers[which]

    @rule(users=st.lists(st.sampled_from(USERS), min_size=2, max_size=8), cents=st.integers(1, 30))
    def crowd(self, users: list[str | None], cents: int) -> None:
        """Calls at the same time through both ledgers: whoever is first, no cap is passed."""

        async def all_at_once() -> list[BaseException | None]:
            calls = (
                self.ledgers[n % 2].reserve(expense(name, cents / 100, user_id=user))
                for n, (name, user) in enumerate(named)
            )
            return await asyncio.gather(*calls, return_exceptions=True)

        named = [(f"call-{len(self.calls)}-{n}", user) for n, user in enumerate(users)]
        self.last = None
        before = {user: self.spent(user) for user in USERS}
        errors = self.runner.run(all_at_once())
        for n, ((name, user), error) in enumerate(zip(named, errors, strict=True)):
            if error is None:
                self.calls[name] = Call(user, self.now(), cents, self.ledgers[n % 2])
            else:
                assert isinstance(error, OverBudget)
        for user in USERS:  # bills may have been higher than estimates, but nothing is added then
            after = self.spent(user)
            assert all(after[n] <= max(cap, before[user][n]) for n, cap in self.caps.items())
        # And nobody was refused for nothing: who was, would be still.
        refused = [user for name, user in named if name not in self.calls]
        assert not any(self.fits(user, cents) for user in refused)

    @precondition(lambda self: self.open_calls())
    @rule(data=st.data(), which=st.integers(0, 1), cents=some_cents, guess=st.booleans())
    def settle(self, data: st.DataObject, which: int, cents: int, guess: bool) -> None:
        """By the ledger that reserved it or, after a restart, by another one."""
        name = data.draw(st.sampled_from(self.open_calls()))
        call, ledger = self.calls[name], self.ledgers[which]
        if ledger is not call.ledger and cents == 0:
            return  # a ledger that knows nothing of a call takes no word that it was free
        self.runner.run(ledger.settle(name, cents / 100, is_estimate=guess))
        self.calls[name] = replace(call, cents=cents, is_open=False)
        self.last = ledger

    @rule(
        step=st.sampled_from(
            [timedelta(seconds=1), timedelta(hours=7), timedelta(days=1), timedelta(days=8)]
        )
    )
    def time_goes_on(self, step: timedelta) -> None:
        self.clock.now_s += step.total_seconds()

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        self.ledgers[which].close()
        self.last = self.ledgers[which] = self.open()

    @rule(name=st.sampled_from(["day", "month", "user"]), cents=st.integers(50, 900))
    def other_caps(self, name: str, cents: int) -> None:
        self.caps[name] = cents
        for ledger in self.ledgers:
            ledger.configure(self.limits())

    @rule(cents=st.integers(1, 20))
    def locked(self, cents: int) -> None:
        """Nothing gets out, and what is settled meanwhile is written later."""
        self.last = None
        ledger = self.open(busy_timeout_s=0.02)
        try:
            self.runner.run(ledger.standing(None, 0.0))  # the file is there
            with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(OverBudget, match="cannot be checked"):
                    self.runner.run(ledger.reserve(expense("locked", cents / 100)))
                late = f"late-{len(self.calls)}"
                self.runner.run(ledger.settle(late, cents / 100, is_estimate=False))
                other.execute("ROLLBACK")
        finally:
            ledger.close()
        self.calls[late] = Call(None, self.now(), cents, ledger, is_open=False)

    @invariant()
    def the_last_one_knows(self) -> None:
        """From memory, also after midnight; a ledger that has just been opened knows, too."""
        if self.last is None:
            return
        for user in USERS:
            for cents in (0, 1, 20, 60):
                standing = self.runner.run(self.last.standing(user, cents / 100))
                assert standing.level is self.level(user, cents), standing
                if standing.level is Level.HARD and cents == 0:  # soft comes before hard
                    spent = self.spent(user)
                    assert any(spent[name] >= SOFT * cap for name, cap in self.caps.items())

    @invariant()
    def the_file_agrees(self) -> None:
        if not self.ledgers:
            return
        now_s = self.clock()
        found = spending(self.path, now_s).sums
        spent = [self.spent(user) for user in USERS]
        assert found.month_usd == pytest.approx(spent[0]["month"] / 100)
        assert sum(found.today_usd.values()) == pytest.approx(spent[0]["day"] / 100)
        by_user = [found.today_usd.get(user or "api", 0.0) for user in USERS]
        assert by_user == pytest.approx([each["user"] / 100 for each in spent])

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()
        self.runner.close()
        shutil.rmtree(self.folder)


@pytest.mark.timeout(300)  # thousands of transactions
def test_the_budget_holds_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hal.gateway.ledger, "FIRST_LOAD_S", 30.0)  # however busy the machine is
    monkeypatch.setattr(hal.gateway.ledger, "SETTLE_WAIT_S", 30.0)
    run_state_machine_as_test(
        BudgetMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=25,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
