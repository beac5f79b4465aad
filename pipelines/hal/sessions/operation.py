"""What waits to be written: a change, and the future of the caller who may wait for it.

Knows no database and no thread; the writer claims an operation once, and settles it once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic

from ..errors import EgressRefused, HalError
from .columns import AnyRow

# The key under which the policy stands in the state table, for readers that explain a gap.
POLICY_KEY = "content_policy"
_REMEDY = "Nothing was sent. `hal doctor` shows what is wrong with the log."


class LogUnavailable(HalError):
    """The session log could not take this row, at least not now."""

    code = "session_log"


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """Whether questions and answers are kept, and for how many days; 0 days is not at all."""

    log_content: bool
    content_days: int

    @property
    def keeps(self) -> bool:
        return self.log_content and self.content_days > 0


@dataclass(frozen=True, slots=True)
class Operation:
    """`row` is what may wait in a file; a change without one can wait in memory only.

    `is_egress`: somebody waits to send; written soon, or refused, never later. `born` is the
    monotonic time of its making.
    """

    apply: Callable[[sqlite3.Connection], None]
    row: AnyRow | None = None
    is_egress: bool = False
    born: float = field(default_factory=monotonic)
    future: Future[None] = field(default_factory=Future)

    def claim(self) -> bool:
        """From here on the caller cannot cancel. False when the row must not be written.

        A cancelled turn is logged all the same; what nobody will send any more is not.
        """
        if self.future.running():
            return True
        return self.future.set_running_or_notify_cancel() or not self.is_egress

    def succeed(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def fail(self, why: str) -> None:
        if self.future.done():
            return
        error: HalError = LogUnavailable(why)
        if self.is_egress:
            error = EgressRefused(why, _REMEDY)
        self.future.set_exception(error)
