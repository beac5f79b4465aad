"""Which turns somebody means, and which rows of which tables hang on them.

Pure: gives SQL with its values, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from .columns import AnyRow, SqlValue
from .record import (
    CallRow,
    CaseRow,
    ContentRow,
    EgressContentRow,
    EgressRow,
    LookupRow,
    PolicyRow,
    PromptVersionRow,
    ScoreContentRow,
    ScoreRow,
    ShadowContentRow,
    ShadowRow,
    TurnRow,
)

# The column by which a row hangs on another one, and which one that is.
_HANGS_ON: Mapping[type[AnyRow], tuple[str, type[AnyRow]]] = MappingProxyType(
    {
        CallRow: ("turn_id", TurnRow),
        EgressRow: ("turn_id", TurnRow),
        EgressContentRow: ("egress_id", EgressRow),
        ContentRow: ("turn_id", TurnRow),
        LookupRow: ("turn_id", TurnRow),
        ScoreRow: ("turn_id", TurnRow),
        ScoreContentRow: ("score_id", ScoreRow),
        CaseRow: ("turn_id", TurnRow),
        ShadowRow: ("turn_id", TurnRow),
        ShadowContentRow: ("shadow_id", ShadowRow),
    }
)
# These belong to no turn and to nobody: the rules and the prompts as they were.
COMMON: tuple[type[AnyRow], ...] = (PolicyRow, PromptVersionRow)

Condition = tuple[str, tuple[SqlValue, ...]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Turns that meet all that is given: begun from `since_s` on and before `until_s` (unix
    seconds), of this chat, of this user. Nothing given: all of them."""

    since_s: float | None = None
    until_s: float | None = None
    chat_id: str | None = None
    user_id: str | None = None

    @property
    def is_all(self) -> bool:
        return self == Selection()

    def turns(self) -> Condition:
        """A condition on the columns of `turn`."""
        given: list[tuple[str, SqlValue]] = [
            ("started_at >= ?", self.since_s),
            ("started_at < ?", self.until_s),
            ("chat_id = ?", self.chat_id),
            ("user_id = ?", self.user_id),
        ]
        asked = [(sql, value) for sql, value in given if value is not None]
        return " AND ".join(sql for sql, _ in asked) or "true", tuple(value for _, value in asked)

    def rows(self, kind: type[AnyRow]) -> Condition:
        """A condition on the columns of this row's table; what belongs to no turn is always in it.

        Where all is meant, a row whose turn is gone is in it too.
        """
        if kind in COMMON or self.is_all:
            return "true", ()
        if kind is TurnRow:
            return self.turns()
        column, owner = _HANGS_ON[kind]
        where, values = self.rows(owner)
        inner = f"SELECT {key_of(owner)} FROM {owner.table} WHERE {where}"  # noqa: S608
        return f"{column} IN ({inner})", values


def key_of(kind: type[AnyRow]) -> str:
    """The name of the first column, which is the key."""
    return fields(kind)[0].name
