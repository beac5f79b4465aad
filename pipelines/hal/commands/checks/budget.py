"""The budget: what was spent against the caps, by whom, what is set aside, and the prices.

Sends nothing and changes nothing. Knows no provider.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

from ...errors import HalError
from ...gateway.budget import API_USER, judge, refusal, usd
from ...gateway.ledger_file import Spending, read_spending
from ...gateway.ports import Level
from ...gateway.providers.cloud_models import PRICES_NAME, CloudModels
from ...settings import BudgetSettings
from .result import Check, Context, fail, ok, warn

_USERS_SHOWN = 5


def checks(context: Context) -> Iterator[Check]:
    log, caps = context.settings.log, context.settings.budget
    try:
        spending = read_spending(log.budget_database, time.time())
    except HalError as error:
        yield _unreadable(error, caps)
    else:
        yield _sums(spending, caps)
        yield from _users(spending, caps)
        yield from _unsettled(spending)
    yield from _prices(context)


def _unreadable(error: HalError, caps: BudgetSettings) -> Check:
    remedy = f"{error.remedy} Moving it away begins a new one, and the budget anew."
    if caps.has_caps:
        return fail("budget", f"{error} While a cap is set, no turn goes to the cloud.", remedy)
    return warn("budget", f"{error} Spending is counted in memory.", remedy)


def _sums(spending: Spending, caps: BudgetSettings) -> Check:
    known = spending.sums
    spent = known.spent("", known.period)
    began = datetime.fromtimestamp(known.period.day_s).astimezone()
    detail = (
        f"today (from {began:%H:%M %Z}) {_of(spent.today_usd, caps.daily_usd)}, "
        f"this month {_of(spent.month_usd, caps.monthly_usd)}"
    )
    standing = judge(caps, spent, 0.0)
    if standing.level is Level.FREE:
        return ok("budget", detail)
    no = refusal(caps, spent, 0.0)
    remedy = no.remedy if no else "Turns stay local unless `/cloud` asks, or raise the budget."
    return warn("budget", f"{detail}: {standing.note}", remedy)


def _of(amount_usd: float, cap_usd: float | None) -> str:
    return (
        f"{usd(amount_usd)}, no cap" if cap_usd is None else f"{usd(amount_usd)} of {usd(cap_usd)}"
    )


def _users(spending: Spending, caps: BudgetSettings) -> Iterator[Check]:
    """Who spent what today, when there are several; by the ids that Open WebUI has for them."""
    users = sorted(spending.sums.today_usd.items(), key=lambda user: -user[1])
    if len(users) < 2:
        return
    shown = [f"{_name(user)} {usd(amount)}" for user, amount in users[:_USERS_SHOWN]]
    more = f" and {len(users) - _USERS_SHOWN} more" if len(users) > _USERS_SHOWN else ""
    cap = caps.user_daily_usd
    detail = f"today {', '.join(shown)}{more}" + (f"; {usd(cap)} each" if cap is not None else "")
    over = [_name(user) for user, amount in users if cap is not None and amount >= cap]
    if over:
        remedy = "Raise USER_DAILY_BUDGET_USD, or wait for tomorrow."
        yield warn("budget by user", f"{detail}: used up by {', '.join(over)}", remedy)
    else:
        yield ok("budget by user", detail)


def _name(user_id: str) -> str:
    return "direct API calls" if user_id == API_USER else user_id


def _unsettled(spending: Spending) -> Iterator[Check]:
    if spending.open_calls:
        detail = f"{usd(spending.open_usd)} for calls that are being made ({spending.open_calls})"
        yield ok("budget, set aside", detail)
    if spending.abandoned_calls:
        detail = (
            f"{usd(spending.abandoned_usd)} this month for calls whose process was killed "
            f"({spending.abandoned_calls})"
        )
        yield ok("budget, estimated", detail)


def _prices(context: Context) -> Iterator[Check]:
    settings = context.settings
    path = settings.log.data_dir / PRICES_NAME
    try:
        models = CloudModels.load(prices=path)
    except HalError as error:
        yield fail("prices", str(error), error.remedy)
        return
    for warning in models.warnings:
        yield warn("prices", warning, f"Correct {path}.")
    name = settings.cloud.model
    if settings.cloud.usable and models.find(name).price is None:
        remedy = f'Add it to {path}: {{"{name}": {{"input": USD, "output": USD}}}}'
        detail = f"the price of {name} is not known; it counts as the dearest that is"
        yield warn("prices", detail, remedy)
