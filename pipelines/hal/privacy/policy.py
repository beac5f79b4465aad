"""What may leave the machine.

Pure. So far the signals are structural: whatever hangs on a conversation (a file, an image, what a
tool returned) counts as private unless the settings allow it. It does not read the text itself.
"""

from __future__ import annotations

from ..types import Findings, Turn


def inspect(turn: Turn, *, attachments_may_leave: bool) -> Findings:
    """What is private in all that would travel: this turn and its whole history."""
    if attachments_may_leave or not turn.attachments:
        return Findings()
    reasons = tuple(f"{kind} in this chat" for kind in turn.attachments)
    return Findings(must_stay_local=True, reasons=reasons)
