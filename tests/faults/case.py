"""One run of one fault: where it stands in the plan, and what came of it.

Plain values, so that they can travel between processes. Knows neither servers nor expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Row = dict[str, Any]


class Place(StrEnum):
    """Which target of the plan has the fault, and who else may answer."""

    LOCAL_FIRST = "local, then cloud"
    CLOUD_FIRST = "cloud, then local"
    LOCAL_ALONE = "local alone"

    @property
    def is_cloud(self) -> bool:
        """Whether it is the cloud that fails."""
        return self is Place.CLOUD_FIRST

    @property
    def may_leave(self) -> bool:
        """Whether the cloud is in the plan at all."""
        return self is not Place.LOCAL_ALONE

    @property
    def provider(self) -> str:
        return "xai" if self.is_cloud else "ollama"


@dataclass(frozen=True, slots=True)
class Case:
    """`heals`: only the first request fails. `bare`: without optional parameters and history."""

    fault: str
    place: Place
    stream: bool = True
    heals: bool = False
    bare: bool = False

    def __str__(self) -> str:
        words = (self.fault, str(self.place), "stream" if self.stream else "whole")
        return "-".join(
            (*words, *(["heals"] if self.heals else []), *(["bare"] if self.bare else []))
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """What one server saw: the bodies of its chat requests, and how many connections came."""

    bodies: tuple[Row, ...] = ()
    sha256: tuple[str, ...] = ()
    requests: int = 0
    connections: int = 0

    @property
    def asked(self) -> int:
        return len(self.bodies)


@dataclass(frozen=True, slots=True)
class Result:
    """What the user got, what each server saw, and what the session log says.

    `raw` is all that was sent to the user. `failing` and `other`: the server with the fault, and
    the one without. `elsewhere`: a third host, which is in no plan. `problems`: what was logged as
    an error meanwhile, by any case of this fault.
    """

    case: Case
    raw: str
    text: str
    reasoning: str
    error: Any
    statuses: tuple[str, ...]
    finishes: tuple[str, ...]
    tool_calls: tuple[Row, ...]
    seconds: float
    failing: Seen
    other: Seen
    elsewhere: Seen
    turn: Row
    calls: tuple[Row, ...] = ()
    egress: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def cloud(self) -> Seen:
        return self.failing if self.case.place.is_cloud else self.other

    @property
    def message(self) -> str:
        """The sentence of the error, "" where there is none."""
        return self.error["message"] if self.error else ""

    @property
    def note(self) -> str:
        """What was said about a failure: as an error, or in brackets under what there is."""
        return self.message or self.text.rpartition("\n\n[")[2]

    @property
    def answer(self) -> str:
        """The text without such a note."""
        return self.text if self.message else self.text.partition("\n\n[")[0]

    @property
    def read(self) -> str:
        """Everything that the user can read of this turn."""
        return "\n".join((*self.statuses, self.text, self.message))

    @property
    def degradations(self) -> list[str]:
        """What went wrong on the way, the classifier aside: it is not installed in these runs."""
        return [d for d in self.turn["degradations"] if not d.startswith("classifier_")]

    def calls_of(self, provider: str) -> list[Row]:
        return [row for row in self.calls if row["provider"] == provider]
