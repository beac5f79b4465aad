"""How a row of the session log becomes SQL values, and comes back.

Knows rows as dataclasses with a `table`, and no row in particular; knows no database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from typing import Any, ClassVar, Protocol, TypeVar

SqlValue = str | int | float | None


class AnyRow(Protocol):
    """A frozen dataclass whose fields are the columns of its table; the first one is the key."""

    table: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=AnyRow)


def json_column(load: Callable[..., Any]) -> Any:
    """A column of JSON text; `load` makes the value out of the parsed text, or an empty one."""
    return field(default_factory=load, metadata={"json": load})


def encode(row: AnyRow) -> dict[str, SqlValue]:
    """Column by column, in the order of the fields."""
    return {f.name: _to_sql(getattr(row, f.name), "json" in f.metadata) for f in fields(row)}


def decode(kind: type[R], columns: Mapping[str, Any]) -> R:
    """Build a row of what is there; columns of another schema version are left out."""
    values: dict[str, Any] = {}
    for f in fields(kind):
        if f.name not in columns:
            continue
        value = columns[f.name]
        if load := f.metadata.get("json"):
            value = _from_json(value, load)
        elif isinstance(f.default, bool):
            value = bool(value)
        values[f.name] = value
    return kind(**values)


def as_dict(row: AnyRow) -> dict[str, Any]:
    """For a JSON document; mappings and tuples stay what they are."""
    return {f.name: getattr(row, f.name) for f in fields(row)}


def clean_text(text: str) -> str:
    """Valid UTF-8: a lone surrogate (half an emoji, cut in a stream) would fail the row."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _to_sql(value: Any, is_json: bool) -> SqlValue:
    if is_json:
        value = json.dumps(dict(value) if isinstance(value, Mapping) else list(value))
    if isinstance(value, str):
        return clean_text(value)
    return value  # type: ignore[no-any-return]


def _from_json(text: Any, load: Callable[..., Any]) -> Any:
    try:
        return load(json.loads(text))
    except (TypeError, ValueError):
        return load()
