"""Whether one more cloud turn fits into the budget, and in which words that is told.

Pure: knows no clock, no file and no provider; what was spent and what time it is come in.

**Money.** A cap is hard: a turn whose estimate does not fit into what is left of it is not made.
From `soft` of a cap on, turns stay local unless somebody asks for the cloud. A turn of unknown
price cannot be held to a cap on money, so while there is one, it is not made: counted as nothing
it would let any sum pass, and any other figure would be invented. The remedy is cheap (name the
price in prices.json, or lift the caps), the bill is not.

**Share of turns.** Of the last 100 answered turns, this one included, at most `cloud_share` may go
to the cloud, rounded up to a whole turn: one more is allowed while

    cloud turns < share x min(turns + 1, 100)

The first cloud turn is allowed at once, under any share above zero. After n turns at most
ceil(share x n) of them went to the cloud, so a new log is no free pass. A full window lets a burst
through that no other cloud turn came before, as a share of the last 100 means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import floor, isfinite

from ..errors import OverBudget
from ..settings import BudgetSettings
from .ports import Level, Standing

# A month of conversations for one person, some days for a family: long enough for a share to mean
# something, short enough to follow a change of the setting.
SHARE_TURNS = 100
# Sums of decimal fractions are off by about 1e-16 each: a cap of $0.30 must hold $0.10 three times.
NOISE = 1e-9
# Direct API calls carry no user's id; together they count as one user.
API_USER = "api"


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been spent, reservations included, in USD; and how many turns went where.

    `turn_usd` is what earlier calls of the same turn came to. `recent_turns` are the last answered
    chat turns (at most 100) and those that are on their way to the cloud.
    """

    today_usd: float = 0.0
    month_usd: float = 0.0
    user_today_usd: float = 0.0
    turn_usd: float = 0.0
    recent_turns: int = 0
    recent_cloud_turns: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """The day and the month that a moment belongs to, by their first seconds since the epoch."""

    day_s: float
    month_s: float

    @classmethod
    def at(cls, now_s: float, tz: tzinfo | None = None) -> Period:
        return cls(day_begins(now_s, tz), month_begins(now_s, tz))


def day_begins(now_s: float, tz: tzinfo | None = None) -> float:
    """The first second of the day, in seconds since the epoch; `tz` None: this machine's zone.

    A day of 23 or 25 hours begins at its own midnight. Where the clock skips midnight, the day
    begins with the skip; where midnight comes twice, with the first one.
    """
    # Of whole seconds: what is nearer to midnight than a microsecond would be rounded up to it.
    now = datetime.fromtimestamp(floor(now_s), tz)
    return now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()


def month_begins(now_s: float, tz: tzinfo | None = None) -> float:
    """The first second of the month, as for a day."""
    now = datetime.fromtimestamp(floor(now_s), tz)
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()


def judge(caps: BudgetSettings, spent: Spent, estimate_usd: float | None) -> Standing:
    """What a turn that would cost so much may do; `estimate_usd` None: the price is not known."""
    if (no := next(_refusals(caps, spent, estimate_usd), None)) is not None:
        return Standing(Level.HARD, no.note)
    if (note := next(_cautions(caps, spent), None)) is not None:
        return Standing(Level.SOFT, note)
    return Standing()


def refusal(caps: BudgetSettings, spent: Spent, estimate_usd: float | None) -> OverBudget | None:
    """The error for a call that must not be made; None when it may."""
    no = next(_refusals(caps, spent, estimate_usd), None)
    return None if no is None else OverBudget(no.sentence, no.remedy)


def usd(amount: float) -> str:
    """Cents, and four digits for what would otherwise look like nothing."""
    return f"${amount:.4f}" if 0 < abs(amount) < 0.01 else f"${amount:.2f}"


@dataclass(frozen=True, slots=True)
class _No:
    note: str
    remedy: str

    @property
    def sentence(self) -> str:
        if self.note.startswith("would "):
            return f"This turn {self.note}."
        return f"{self.note[:1].upper()}{self.note[1:]}."


@dataclass(frozen=True, slots=True)
class _Cap:
    """One cap on a sum. `whose` makes "today's budget", `name` is the setting."""

    whose: str
    name: str
    cap_usd: float
    spent_usd: float
    renewal: str

    @property
    def left_usd(self) -> float:
        return max(0.0, self.cap_usd - self.spent_usd)

    @property
    def remedy(self) -> str:
        return f"Raise {self.name}, or wait for {self.renewal}; local models answer until then."


def _refusals(caps: BudgetSettings, spent: Spent, estimate_usd: float | None) -> Iterator[_No]:
    """Why not, the most particular reason first."""
    sums = _sums(caps, spent)
    if estimate_usd is None or not isfinite(estimate_usd):
        if sums or caps.turn_usd is not None:
            yield _No(
                "the price of the cloud model is not known, so no budget can be kept",
                "Name the price in prices.json in HAL_DATA_DIR, or set the budgets to -1.",
            )
    else:
        yield from _too_dear(caps, spent, estimate_usd)
        yield from (no for cap in sums if (no := _passed(cap, estimate_usd)) is not None)
    yield from _too_many(caps, spent)


def _sums(caps: BudgetSettings, spent: Spent) -> list[_Cap]:
    rows = (
        ("today's budget", "DAILY_BUDGET_USD", caps.daily_usd, spent.today_usd, "tomorrow"),
        (
            "this month's budget",
            "MONTHLY_BUDGET_USD",
            caps.monthly_usd,
            spent.month_usd,
            "the next month",
        ),
        (
            "your budget of today",
            "USER_DAILY_BUDGET_USD",
            caps.user_daily_usd,
            spent.user_today_usd,
            "tomorrow",
        ),
    )
    return [
        _Cap(whose, name, cap, amount, renewal)
        for whose, name, cap, amount, renewal in rows
        if cap is not None
    ]


def _too_dear(caps: BudgetSettings, spent: Spent, estimate_usd: float) -> Iterator[_No]:
    cap = caps.turn_usd
    if cap is None or spent.turn_usd + estimate_usd <= cap + NOISE:
        return
    before = f" after {usd(spent.turn_usd)} for it so far" if spent.turn_usd > 0 else ""
    yield _No(
        f"would cost about {usd(estimate_usd)}{before}, more than {usd(cap)} a turn "
        "(TURN_BUDGET_USD)",
        "Raise TURN_BUDGET_USD, or shorten the conversation.",
    )


def _passed(cap: _Cap, estimate_usd: float) -> _No | None:
    if cap.spent_usd + estimate_usd <= cap.cap_usd + NOISE and cap.left_usd > NOISE:
        return None
    if cap.cap_usd <= 0:
        return _No(f"nothing may be spent ({cap.name} is 0)", f"Raise {cap.name}, or set it to -1.")
    # Rounded down: never more than there is. Below a cent, nobody calls it a rest.
    left = floor(cap.left_usd * 100 + NOISE) / 100
    if left <= 0:
        note = f"{cap.whose} of {usd(cap.cap_usd)} is used up ({usd(cap.spent_usd)} spent)"
    else:
        note = (
            f"would cost about {usd(estimate_usd)}, and {usd(left)} is left of {cap.whose} "
            f"({usd(cap.cap_usd)})"
        )
    return _No(note, cap.remedy)


def _allowed_turns(share: float, turns: int) -> float:
    return share * min(turns + 1, SHARE_TURNS)


def _too_many(caps: BudgetSettings, spent: Spent) -> Iterator[_No]:
    share = caps.cloud_share
    if share is None:
        return
    if spent.recent_cloud_turns < _allowed_turns(share, spent.recent_turns) - NOISE:
        return
    if share <= 0:
        yield _No("no turn may go to the cloud (CLOUD_SHARE is 0)", "Raise CLOUD_SHARE.")
        return
    yield _No(
        f"{_mix(spent)}, CLOUD_SHARE allows {_per_window(share)}",
        "Raise CLOUD_SHARE; after some local turns the cloud is open again.",
    )


def _mix(spent: Spent) -> str:
    return f"{spent.recent_cloud_turns} of the last {spent.recent_turns} turns went to the cloud"


def _per_window(share: float) -> str:
    """The share, as turns out of the window."""
    return f"{share * SHARE_TURNS:g} of {SHARE_TURNS}"


def _cautions(caps: BudgetSettings, spent: Spent) -> Iterator[str]:
    """Which cap is nearly used up, by what was spent and not by what this turn would add."""
    if caps.soft <= 0 and caps.has_caps:
        yield "the cloud answers only when it is asked for (BUDGET_SOFT is 0)"
    for cap in _sums(caps, spent):
        if cap.spent_usd >= caps.soft * cap.cap_usd - NOISE:
            used = floor(100 * cap.spent_usd / cap.cap_usd + NOISE)
            yield f"{used} % of {cap.whose} is used ({usd(cap.spent_usd)} of {usd(cap.cap_usd)})"
    if (share := caps.cloud_share) is not None:
        allowed = _allowed_turns(share, spent.recent_turns)
        if spent.recent_cloud_turns >= caps.soft * allowed - NOISE:
            yield f"{_mix(spent)}, CLOUD_SHARE allows {_per_window(share)}"
