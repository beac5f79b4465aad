"""What waits to be written: a change, and the future of the caller who may wait for it.

Knows no database and no thread; the writer claims an operation once, and settles it once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..errors import EgressRefused, HalError

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
    """`is_egress`: somebody waits to send; written at once, or refused, never later."""

    apply: Callable[[sqlite3.Connection], None]
    is_egress: bool = False
    future: Future[None] = field(default_factory=Future)

    def claim(self) -> bool:
        """From here on the caller cannot cancel. False when the row must not be written.

        A cancelled turn is logged all the same; what nobody will send any more is not.
        """
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
