"""Writes what is wrong with a valve where the admin panel shows it: into the valve's own words.

The panel has no place for an answer to a save: a refused one says "Pipeline not found", an accepted
one says that all is well. But it reads the words under each row anew after every save. Knows
neither the server nor what the values mean. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import create_model

from .advanced import Advanced
from .valve_values import valve
from .valves import Valves

MARK = "⚠"
# The row of whatever has none of its own: names of other versions, advanced settings, key files.
_CATCH_ALL = "ADVANCED"


def with_notes(valves: Valves, warnings: Sequence[str], cls: type[Valves]) -> Valves:
    """The same valves, of a class like `cls` whose descriptions begin with their warnings."""
    notes: dict[str, list[str]] = {}
    for warning in warnings:
        notes.setdefault(_row_of(warning), []).append(warning)
    fields: dict[str, Any] = {
        name: _field(cls, name, f"{MARK} {' · '.join(said)} {MARK} ")
        for name, said in notes.items()
    }
    made: type[Valves] = create_model("Valves", __base__=cls, **fields)
    # What was not usable is in the warnings already, and the values are by now the ones in force.
    return made(**valves.model_dump())


def notes_in(spec: Mapping[str, Any]) -> Iterator[str]:
    """The warnings in the schema that a running server shows its panel."""
    for row in dict(spec.get("properties") or {}).values():
        _, mark, rest = str(row.get("description", "")).partition(f"{MARK} ")
        said, end, _ = rest.partition(f" {MARK} ")
        if mark and end:
            yield from said.split(" · ")


def _row_of(warning: str) -> str:
    name = warning.partition(":")[0].removeprefix("HAL_")
    return name if name in Valves.model_fields and name not in Advanced.model_fields else _CATCH_ALL


def _field(cls: type[Valves], name: str, note: str) -> tuple[Any, Any]:
    info = cls.model_fields[name]
    words = (info.title or name, note + (info.description or ""))
    return info.annotation, valve(info.default, *words)
