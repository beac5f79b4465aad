"""The private values that a log knows of, and from whom each of them came first.

Pure. Values come from questions and answers alone, because a log keeps nothing else of a turn; what
only a system prompt, a file or a tool held is not known here. Nothing of it is ever shown: a value
is a key to look up with.

A value that the cloud wrote before anybody here did is not the user's: whoever gets it back has it
already. It is the user's all the same when it was masked or sent before that answer came: then the
answer only repeats it. An answer that was given on this machine counts as the user's words, because
it may repeat a file or a system prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from ..errors import HalError
from .kinds import TIERS, Kind, Span, Tier
from .policy import Find
from .trace_forms import decoded
from .values import normalise

# A kind, and the form under which two spellings are one.
Value: TypeAlias = tuple[Kind, str]
HashOf: TypeAlias = Callable[[Kind, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptText:
    """What a log keeps of one turn. Times are unix seconds; `is_from_cloud` is of the answer."""

    chat_id: str | None
    asked_at: float
    answered_at: float
    question: str = field(repr=False)
    answer: str = field(repr=False)
    is_from_cloud: bool


class CountingFind:
    """A `find` that finds nothing where it breaks, and counts these texts."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.failed = 0

    def __call__(self, text: str) -> tuple[Span, ...]:
        try:
            return tuple(self._find(text))
        except HalError:
            self.failed += 1
            return ()


def values_in(text: str, find: Find) -> dict[Value, str]:
    """Each value with its first spelling; escapes are read as they stand and as they are meant."""
    found: dict[Value, str] = {}
    for reading in dict.fromkeys((text, decoded(text))):
        for span in find(reading):
            spelling = reading[span.start : span.end]
            found.setdefault((span.kind, normalise(span.kind, spelling)), spelling)
    return found


class _Origins:
    """When each value was first here, and when it first came from outside."""

    def __init__(self) -> None:
        self.spellings: dict[Value, str] = {}
        self.ours_at: dict[Value, float] = {}
        self.outside_at: dict[Value, float] = {}

    def add(self, value: Value, spelling: str, at: float, *, is_outside: bool) -> None:
        self.spellings.setdefault(value, spelling)
        first = self.outside_at if is_outside else self.ours_at
        first[value] = min(at, first.get(value, inf))


class KnownValues:
    """HARD and CONTACT values of the whole log, and names chat by chat.

    `hash_of` is how the log names the values that were masked; None where that is not known.
    """

    def __init__(self, find: Find, hash_of: HashOf | None = None) -> None:
        self._find = find
        self._hash_of = hash_of
        self._values = _Origins()
        self._names: dict[str, _Origins] = {}
        self._masked_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._values.spellings)

    def masked(self, hashes: Iterable[str], at: float) -> None:
        """What was masked was here before."""
        for each in hashes:
            self._masked_at[each] = min(at, self._masked_at.get(each, inf))

    def learn(self, kept: KeptText) -> None:
        """Take over what a turn held."""
        texts = (
            (kept.question, kept.asked_at, False),
            (kept.answer, kept.answered_at, kept.is_from_cloud),
        )
        for text, at, is_outside in texts:
            for value, spelling in values_in(text, self._find).items():
                origins = self._origins_of(value, kept.chat_id)
                if origins is not None:
                    origins.add(value, spelling, at, is_outside=is_outside)

    def _origins_of(self, value: Value, chat_id: str | None) -> _Origins | None:
        if TIERS[value[0]] > Tier.SOFT:
            return self._values
        return None if chat_id is None else self._names.setdefault(chat_id, _Origins())

    def sent(self, value: Value, at: float) -> None:
        """It was in what was sent: an answer that has it later only repeats it."""
        if TIERS[value[0]] > Tier.SOFT:
            self._values.ours_at[value] = min(at, self._values.ours_at.get(value, inf))

    def values(self) -> Mapping[Value, str]:
        """HARD and CONTACT ones, each with a spelling."""
        return self._values.spellings

    def names(self, chat_id: str) -> Mapping[Value, str]:
        """Names in this chat, each with a spelling."""
        origins = self._names.get(chat_id)
        return {} if origins is None else origins.spellings

    def is_from_outside(self, value: Value, at: float) -> bool:
        """Whether who got it `at` that time had written it before anybody here did."""
        return self._is_outside(self._values, value, at)

    def is_name_to_mask(self, value: Value, chat_id: str, at: float) -> bool:
        """Whether this name was known by then. A name that was recognised only later could not be
        masked, and is no secret by itself."""
        origins = self._names[chat_id]
        known_at = origins.ours_at.get(value, inf)
        return known_at <= at and not self._is_outside(origins, value, at)

    def _is_outside(self, origins: _Origins, value: Value, at: float) -> bool:
        outside_at = origins.outside_at.get(value, inf)
        if outside_at > at or origins.ours_at.get(value, inf) <= outside_at:
            return False
        return not self._was_masked(value, origins.spellings[value], outside_at)

    def _was_masked(self, value: Value, spelling: str, before: float) -> bool:
        if self._hash_of is None or not self._masked_at:
            return False
        return self._masked_at.get(self._hash_of(value[0], spelling), inf) <= before
