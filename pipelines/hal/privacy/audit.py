"""Whether something private left this machine: what was sent, against all that the log knows.

Pure. Looks for the values of the whole log in every form that `traces` knows, and lets the detector
read each text that was sent. Shows no value. It cannot see a value that no rule recognises, and
nothing where the log keeps no text.

What a call held is "by the user's word" when the turn began with /public, when it was sent while
PRIVACY_MODE was off, or when the last look let something pass, which it does for these two alone.
The log has the second one as the turn's privacy word "off"; a turn without any word was not free to
send what is private, whatever was found in it at that time.

Names are looked for only in calls that were masked, and only those of the same chat that were known
by then: elsewhere a lone name may leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..types import PrivacyWord
from .audit_values import KnownValues, Value, values_in
from .json_text import literals, may_be_json
from .kinds import TIERS, Kind, Tier
from .policy import Find
from .traces import Traces

# The privacy word of a turn that was sent while nobody looked.
MODE_OFF = "off"
_WORDS = frozenset({PrivacyWord.PUBLIC.value, MODE_OFF})
# Beside the ways of `traces.How`: a value that the log did not know, and that the detector sees.
RECOGNISED = "recognised"

# A conversation is sent again with each of its turns: its messages are read once. The last some
# hundred turns have about as many different messages, of some kilobytes each.
_PIECES = 4096
# Chats that go on at the same time; the names of one take some hundred kilobytes in all forms.
_CHATS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One call that left the machine. `at` is unix seconds; `word` is the turn's privacy word.

    `masked` and `passed` count by kind. `body` is what was sent, None where it is not kept.
    """

    id: str
    turn_id: str
    chat_id: str | None
    at: float
    host: str
    model: str
    bytes: int
    masked: Mapping[str, int]
    passed: Mapping[str, int]
    word: str
    body: str | None = field(repr=False)

    @property
    def is_by_word(self) -> bool:
        return self.word in _WORDS or bool(self.passed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`count` different values of one kind that stand in what one call sent, in one way."""

    turn_id: str
    at: float
    host: str
    model: str
    kind: Kind
    how: str
    count: int
    is_by_word: bool


class Audit:
    """Looks at one call after the other, in the order in which they were made."""

    def __init__(self, known: KnownValues, find: Find) -> None:
        self._known = known
        self._search = _Search(known.values(), find)
        self._names_of = lru_cache(_CHATS)(self._search_for_names)

    def findings(self, sent: Sent) -> tuple[Finding, ...]:
        """What is private in this call; nothing where its body is not kept."""
        counts = Counter((value[0], how) for value, how in self._private_in(sent).items())
        return tuple(
            Finding(
                turn_id=sent.turn_id,
                at=sent.at,
                host=sent.host,
                model=sent.model,
                kind=kind,
                how=how,
                count=count,
                is_by_word=sent.is_by_word,
            )
            for (kind, how), count in sorted(counts.items())
        )

    def _private_in(self, sent: Sent) -> dict[Value, str]:
        private: dict[Value, str] = {}
        for piece in _pieces(sent.body or ""):
            for value, how in self._search.of(piece).items():
                if not self._known.is_from_outside(value, sent.at):
                    private.setdefault(value, how)
            for name, how in self._names_in(piece, sent).items():
                private.setdefault(name, how)
        for value in private:
            self._known.sent(value, sent.at)
        return private

    def _names_in(self, piece: str, sent: Sent) -> Mapping[Value, str]:
        if not sent.masked or sent.chat_id is None:
            return {}
        chat_id = sent.chat_id
        return {
            name: how
            for name, how in self._names_of(chat_id).of(piece).items()
            if self._known.is_name_to_mask(name, chat_id, sent.at)
        }

    def _search_for_names(self, chat_id: str) -> _Search:
        return _Search(self._known.names(chat_id), None)


class _Search:
    """What of these values stands in a text and how; with `find`, also what else is private."""

    def __init__(self, values: Mapping[Value, str], find: Find | None) -> None:
        self._values = tuple(values)
        self._traces = Traces((kind, spelling) for (kind, _), spelling in values.items())
        self._find = find
        self.of = lru_cache(_PIECES)(self._of)

    def _of(self, piece: str) -> Mapping[Value, str]:
        hits = self._traces.find(piece)
        found = {self._values[hit.number]: hit.how.value for hit in hits}
        if self._find is not None:
            for value in values_in(piece, self._find):
                if TIERS[value[0]] > Tier.SOFT:
                    found.setdefault(value, RECOGNISED)
        return found


def _pieces(body: str) -> Iterator[str]:
    """What the strings of a JSON text say, each once, and what stands between them."""
    if not may_be_json(body):
        yield body
        return
    strings: dict[str, None] = {}
    between: list[str] = []
    end = 0
    for string in literals(body):
        strings[string.value] = None
        between.append(body[end : string.start])
        end = string.end
    between.append(body[end:])
    yield from strings
    yield "".join(between)
