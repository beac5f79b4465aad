"""A case: one logged turn whose right route is known, without anything private in its text.

Values only. Knows neither the log nor where cases are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ...types import Message, Route, Turn

# Routes by which bytes leave the machine: the cloud's answer, and a search.
OUTWARD = frozenset({str(Route.COMPLEX), str(Route.ENRICH)})


class Side(StrEnum):
    """Which part of the work a case belongs to; the words are those of `eval_case.split`."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    PIN = "pin"


@dataclass(frozen=True, slots=True)
class Case:
    """`at` is unix seconds; `weight` 0..1 how sure `expected` is; `earlier` what was said before,
    as (role, text). `is_private`: something private stood in the turn, which is masked here.
    """

    id: str
    chat: str
    at: float
    question: str
    expected: str
    chosen: str = ""
    weight: float = 1.0
    sources: tuple[str, ...] = ()
    earlier: tuple[tuple[str, str], ...] = ()
    is_private: bool = False
    side: str = ""

    @property
    def turn(self) -> Turn:
        """As the classifier gets it in service."""
        said = tuple(Message(role, text) for role, text in self.earlier)
        return Turn(self.id, (*said, Message("user", self.question)), self.question)


@dataclass(frozen=True, slots=True)
class Sides:
    """The cases by what they are for. Nothing learns from `test`, and nobody looks at it twice."""

    train: tuple[Case, ...] = ()
    validation: tuple[Case, ...] = ()
    test: tuple[Case, ...] = ()
    pins: tuple[Case, ...] = field(default=())

    @classmethod
    def of(cls, cases: Iterable[Case]) -> Sides:
        """By the side that each case says; one without a side belongs to none."""
        found: dict[str, list[Case]] = {side: [] for side in Side}
        for case in cases:
            if case.side in found:
                found[case.side].append(case)
        train, validation, test, pins = (tuple(found[side]) for side in Side)
        return cls(train, validation, test, pins)

    @property
    def seen(self) -> tuple[Case, ...]:
        """What proposers may read."""
        return (*self.train, *self.validation)

    @property
    def all(self) -> tuple[Case, ...]:
        return (*self.train, *self.validation, *self.test, *self.pins)


def as_json(case: Case) -> dict[str, Any]:
    return asdict(case)


def from_json(value: Mapping[str, Any]) -> Case:
    """Raises KeyError or TypeError for what is no case."""
    earlier = tuple((str(role), str(text)) for role, text in value["earlier"])
    return Case(**{**value, "sources": tuple(value["sources"]), "earlier": earlier})
