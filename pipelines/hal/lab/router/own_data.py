"""Outcomes from a file of one's own: a JSON object per line, with a text and two outcomes.

The border between such a file and `Examples`. Knows no log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .examples import Examples, pairs

_Outcome = Annotated[float, Field(ge=0, le=1)]


class BadLine(Exception):
    """A line that is no such object; the message has its number and what is wrong."""


class Row(BaseModel):
    """`group`: rows of one conversation or source, which are never split; each its own without."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str
    local_ok: _Outcome
    cloud_ok: _Outcome
    group: str | int | None = None


def read_examples(lines: Iterable[str]) -> Examples:
    """Raises BadLine."""
    rows = list(_rows(lines))
    names = [f"row {at}" if row.group is None else f"g {row.group}" for at, row in enumerate(rows)]
    numbers = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return pairs(
        [row.text for row in rows],
        np.array([row.local_ok for row in rows], dtype=np.float64),
        np.array([row.cloud_ok for row in rows], dtype=np.float64),
        groups=np.array([numbers[name] for name in names], dtype=np.int64),
    )


def _rows(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Row.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BadLine(f"line {number}: {where + ': ' if where else ''}{first['msg']}") from None
