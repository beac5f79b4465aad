"""What the cloud has cost and may cost: reserves before a call, settles after it.

The `Budget` of ports.py. Knows neither providers nor prices; the rules are in `budget.py`, the
rows in `ledger_rows.py`. What touches the disk runs in one thread of its own, one transaction at
a time; `standing` answers from memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import tzinfo
from pathlib import Path
from typing import ParamSpec, TypeVar

from ..errors import OverBudget
from ..sessions.columns import clean_text
from ..settings import BudgetSettings
from .budget import API_USER, Spent, judge, refusal
from .ledger_rows import Entry, Sums
from .ledger_writer import LedgerWriter, unchecked
from .ports import Expense, Level, Standing

P = ParamSpec("P")
T = TypeVar("T")

# How long a call waits for the file: another process holds it for a millisecond, and the person
# who waits is better served by a local model.
BUSY_TIMEOUT_S = 2.0
# A disk that answers nothing at all: neither a turn nor a shutdown hangs on it.
STUCK_S = 1.0
# The end of an answer is not held up by a slow disk; the amount is written all the same.
SETTLE_WAIT_S = 0.25
# A second process is rare, and `reserve` sees what it spent at once.
STALE_S = 5.0
RETRY_S = 1.0  # after trouble
# Reading a month takes milliseconds; only the very first turn may have to wait for it.
FIRST_LOAD_S = 0.25


class Ledger:
    """One per runtime; it outlives a change of settings. Cheap to make: `start`, or the first turn,
    opens the file. `clock` gives seconds since the epoch; `tz` None: this machine's time zone, in
    which days and months begin. All coroutines belong to one loop.
    """

    def __init__(
        self,
        path: Path,
        caps: BudgetSettings,
        *,
        clock: Callable[[], float] = time.time,
        tz: tzinfo | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self._caps, self._clock = caps, clock
        self._busy_timeout_s = busy_timeout_s
        self._writer = LedgerWriter(path, clock, tz)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hal-budget")
        self._refreshing: Future[None] | None = None
        self._reserved: dict[str, Entry] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong with the file, in sentences."""
        return self._writer.warnings

    def start(self) -> None:
        """Open the file and read the sums, beside whatever the caller does next."""
        self._refresh_if_stale()

    def configure(self, caps: BudgetSettings) -> None:
        """From the next question on."""
        self._caps = caps

    def close(self) -> None:
        """Write what waits, close the file, end the thread. Blocks for some seconds at most; a
        second call does nothing."""
        job = self._submit(self._writer.close, self._deadline())
        if job is not None:
            wait([job], self._busy_timeout_s + STUCK_S)
            self._thread.shutdown(wait=False)

    async def standing(self, user_id: str | None, estimate_usd: float | None) -> Standing:
        """What a turn of this user that would cost so much may do now. Never raises; answers from
        memory, which may be some seconds old. `reserve` decides."""
        caps = self._caps
        self._refresh_if_stale()
        if not caps.has_caps:
            return judge(caps, Spent(), estimate_usd)
        if not self._writer.read_at and self._refreshing is not None:
            await asyncio.wait([asyncio.wrap_future(self._refreshing)], timeout=FIRST_LOAD_S)
        if trouble := self._writer.trouble:
            return Standing(Level.HARD, f"the budget cannot be checked ({trouble})")
        return judge(caps, self._spent(user_id), estimate_usd)

    async def reserve(self, expense: Expense) -> None:
        """Set the money aside; raises OverBudget, also when a cap is set and cannot be checked.

        A call that stays on this machine costs nothing and is not counted.
        """
        if not expense.target.leaves_machine:
            return
        caps = self._caps
        entry = Entry.reserved(expense, self._clock())
        job = self._submit(self._writer.reserve, entry, caps, self._deadline())
        if not caps.has_caps and (job is None or self._writer.trouble):
            no = refusal(caps, Spent(), entry.estimate_usd)  # nobody waits for a broken disk
        elif job is None:
            no = unchecked("it is closed")
        else:
            no = await self._verdict(job, entry, caps)
        if no is not None:
            raise no
        self._reserved[entry.call_id] = entry

    async def settle(self, call_id: str, cost_usd: float, *, is_estimate: bool) -> None:
        """What it came to in the end; 0.0 for a call that the provider did not bill. Never raises.

        What a call really cost is not replaced by a later estimate.
        """
        entry = self._reserved.pop(call_id, None)
        if entry is None and not cost_usd > 0:
            return  # a call on this machine, or one that was never made
        now_s = self._clock()
        entry = (entry or Entry.unknown(call_id, now_s)).settled(cost_usd, is_estimate, now_s)
        job = self._submit(self._writer.save, entry, self._deadline())
        if job is None:
            self._writer.warn("A call ended after the budget was closed; its estimate counts.")
        else:
            await asyncio.wait([asyncio.wrap_future(job)], timeout=SETTLE_WAIT_S)

    def turn_ended(self, user_id: str | None, *, leaves_machine: bool) -> None:  # noqa: ARG002
        """A chat turn was answered, here or there: counts for the share of turns. Background
        tasks are none. Costs an entry in memory; the share is of all users together."""
        self._writer.ended.append(leaves_machine)

    def _spent(self, user_id: str | None) -> Spent:
        period = self._writer.period
        known = self._writer.sums or Sums(period)
        user = API_USER if user_id is None else clean_text(user_id)
        return known.spent(user, period, tuple(self._writer.ended))

    async def _verdict(
        self, job: Future[OverBudget | None], entry: Entry, caps: BudgetSettings
    ) -> OverBudget | None:
        """Wait for the file. Who gives up leaves no reservation behind."""
        waiting = asyncio.wrap_future(job)
        try:
            await asyncio.wait([waiting], timeout=self._busy_timeout_s + STUCK_S)
        except asyncio.CancelledError:
            self._release(job, entry)
            raise
        if waiting.done():
            return waiting.result()
        if not caps.has_caps:
            return None
        self._release(job, entry)
        return unchecked("the disk does not answer")

    def _release(self, job: Future[OverBudget | None], entry: Entry) -> None:
        """Nothing was sent, so nothing was spent: behind the reservation, if that still comes."""
        if not job.cancel():
            unspent = entry.settled(0.0, is_estimate=False, now_s=self._clock())
            self._submit(self._writer.save, unspent, self._deadline())

    def _refresh_if_stale(self) -> None:
        is_idle = self._refreshing is None or self._refreshing.done()
        writer = self._writer
        limit_s = RETRY_S if writer.trouble else STALE_S
        if is_idle and (not writer.read_at or time.monotonic() - writer.read_at > limit_s):
            self._refreshing = self._submit(writer.refresh)

    def _deadline(self) -> float:
        """From the moment of asking: on a locked file, a queue does not wait one by one."""
        return time.monotonic() + self._busy_timeout_s

    def _submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T] | None:
        try:
            return self._thread.submit(work, *args, **kwargs)
        except RuntimeError:  # closed
            return None
