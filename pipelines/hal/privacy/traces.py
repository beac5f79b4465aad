"""Searches recorded bytes for private values, in all their forms: the audit, and the last look.

Pure. A Traces is made of the values that must not be there; `find` says which are. The time is
linear in the payload and in the number of values. What it looks for stands in `trace_forms`. A hit
names the value by its number, never by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .kinds import Kind
from .trace_forms import NUMBERS, SHORT_CHARS, as_bytes, decoded, escaped, forms, spellings
from .values import normalise

__all__ = ["Hit", "How", "Traces", "forms"]

# Without its separators, a shorter number comes about by chance where numbers stand in a row.
GLUED_CHARS = 8
# The same for anything else when the spaces and line ends between are left out.
UNSPACED_CHARS = 12
_GLUE: Mapping[int, None] = dict.fromkeys(map(ord, " \t\r\n\u00a0\u2007\u2009\u202f-‐‑–.,;:/()_+"))


class How(StrEnum):
    """In which way a value was found."""

    PLAIN = "plain"  # it, another spelling of it, or an escaped one
    ENCODED = "encoded"  # in base64 or hex
    DECODED = "decoded"  # once escapes were undone
    RESPACED = "respaced"  # once separators or line ends were left out


@dataclass(frozen=True, slots=True)
class Hit:
    """One value that stands in a payload; `number` is its place among the values given."""

    number: int
    kind: Kind
    how: How


@dataclass(frozen=True, slots=True)
class _Trace:
    """What is looked for on account of one value, and in which view of the payload."""

    kind: Kind
    as_word: bool
    written: frozenset[str] = field(repr=False)  # as it is, and with escapes undone
    encoded: frozenset[str] = field(repr=False)  # anywhere: what is around it is no text
    unspaced: frozenset[str] = field(repr=False)
    glued: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Views:
    plain: str = field(repr=False)
    decoded: str = field(repr=False)
    unspaced: str = field(repr=False)
    glued: str = field(repr=False)


class Traces:
    """The values that must not be in a payload. Blank ones have no trace, and keep their number."""

    def __init__(self, values: Iterable[tuple[Kind, str]]) -> None:
        self._traces = tuple(_trace(kind, value) for kind, value in values)

    def __repr__(self) -> str:
        return f"Traces({len(self._traces)} values)"

    def find(self, payload: str | bytes) -> tuple[Hit, ...]:
        """At most one hit for each value, in the order of the values."""
        if not self._traces or not payload:
            return ()
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else payload
        return tuple(self._hits(_views(text)))

    def _hits(self, views: _Views) -> Iterator[Hit]:
        for number, trace in enumerate(self._traces):
            how = _how(trace, views)
            if how is not None:
                yield Hit(number, trace.kind, how)


def _trace(kind: Kind, value: str) -> _Trace:
    known = normalise(kind, value)
    glued = _glued(known) if kind in NUMBERS else ""
    plain = spellings(kind, value)
    written = plain | escaped(kind, value) | {decoded(text) for text in plain}
    written |= {text.replace(" ", "+") for text in plain}
    encoded = _folded(as_bytes(kind, value))
    wrapped = encoded if glued else encoded | _folded(written)
    unspaced = frozenset("".join(text.split()) for text in wrapped)
    return _Trace(
        kind,
        # A name is a word or some: "Ann Lee" does not stand in "Joann Leeds".
        as_word=len(known) < SHORT_CHARS or kind is Kind.PERSON,
        written=_folded(_kept(written, value, glued)),
        encoded=encoded,
        unspaced=frozenset(text for text in unspaced if len(text) >= UNSPACED_CHARS),
        glued=glued,
    )


def _kept(written: Iterable[str], value: str, glued: str) -> Iterator[str]:
    """Without the spellings that the glued number finds anyway: each one costs a search."""
    for text in written:
        if not glued or text == value.strip() or glued not in text.casefold().translate(_GLUE):
            yield text


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text.casefold() for text in texts if text)


def _glued(number: str) -> str:
    glued = number.casefold().translate(_GLUE)
    return glued if len(glued) >= GLUED_CHARS else ""


def _views(text: str) -> _Views:
    plain = text.casefold()
    undone = decoded(text).casefold()
    return _Views(plain, undone, "".join(undone.split()), undone.translate(_GLUE))


def _how(trace: _Trace, views: _Views) -> How | None:
    holds = _holds_word if trace.as_word else _holds
    if any(holds(views.plain, text) for text in trace.written):
        return How.PLAIN
    # Letter case is dropped for base64 too: seven characters and more still do not come by chance.
    if any(text in views.plain for text in trace.encoded):
        return How.ENCODED
    if any(holds(views.decoded, text) for text in trace.written):
        return How.DECODED
    if any(text in views.decoded for text in trace.encoded):
        return How.DECODED
    glued = trace.glued and trace.glued in views.glued
    if glued or any(text in views.unspaced for text in trace.unspaced):
        return How.RESPACED
    return None


def _holds(payload: str, text: str) -> bool:
    return text in payload


def _holds_word(payload: str, text: str) -> bool:
    at = payload.find(text)
    while at >= 0:
        end = at + len(text)
        if not (_is_word(payload[at - 1 : at]) or _is_word(payload[end : end + 1])):
            return True
        at = payload.find(text, at + 1)
    return False


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
