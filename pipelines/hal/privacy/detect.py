"""Finds what is private in a text, with all finders, and keeps what it found per text.

Knows no pattern and no policy: the finders know the patterns, `policy` what follows from them. The
cache holds offsets under a digest of the text, never the text. Threads may share a Detector: long
texts are read beside the loop.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b

from ..errors import HalError
from . import (
    accounts,
    birth,
    contact,
    documents,
    financial,
    identity,
    logins,
    named_secrets,
    network,
    people,
    phones,
    plates,
    postal,
    records,
    secrets,
    wallets,
)
from .found import Found
from .kinds import Kind, Span
from .name_lists import NameLists

Allow = Callable[[Kind, str], bool]
Finder = Callable[[str], Iterable[Found]]

# A chat of hundreds of messages, of dozens of users at a time; an entry without a finding takes
# about 200 bytes.
CACHE_ENTRIES = 8192

# In no order: the priorities decide. `people` joins when there are names.
FINDERS: tuple[Finder, ...] = (
    secrets.find,
    named_secrets.find,
    logins.find,
    contact.find,
    network.find,
    phones.find,
    financial.find,
    accounts.find,
    wallets.find,
    identity.find,
    documents.find,
    postal.find,
    birth.find,
    plates.find,
    records.find,
)


class DetectionFailed(HalError):
    """A finder broke, so nobody knows what the text holds: it must not leave the machine."""

    code = "detection_failed"


class Detector:
    """All finders over one text.

    Without `names`, no person is found. `allow(kind, value)` says that the user does not count this
    value as private; it is asked on every call, so that a change has effect at once.
    """

    def __init__(
        self,
        names: NameLists | None = None,
        *,
        allow: Allow | None = None,
        cache_entries: int = CACHE_ENTRIES,
        finders: Sequence[Finder] = FINDERS,
    ) -> None:
        self._finders: list[Finder] = (
            [*finders] if names is None else [*finders, partial(people.find, names=names)]
        )
        self._allow = allow
        self._cache_entries = cache_entries
        self._cache: OrderedDict[bytes, tuple[Span, ...]] = OrderedDict()

    def find(self, text: str) -> tuple[Span, ...]:
        """Spans sorted by start, none overlapping another. Raises DetectionFailed."""
        spans = self._cached(text)
        allow = self._allow
        if allow is None or not spans:
            return spans
        return tuple(span for span in spans if not allow(span.kind, text[span.start : span.end]))

    def _cached(self, text: str) -> tuple[Span, ...]:
        # 16 bytes: two texts of a lifetime of chats do not share a digest.
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        spans = self._cache.get(key)
        if spans is None:
            spans = merged(self._all(text))
            self._cache[key] = spans
            if len(self._cache) > self._cache_entries:
                self._cache.popitem(last=False)
            return spans
        with suppress(KeyError):  # another thread has just made room
            self._cache.move_to_end(key)
        return spans

    def _all(self, text: str) -> list[Found]:
        found: list[Found] = []
        try:
            for finder in self._finders:
                found.extend(finder(text))
        except Exception as error:  # noqa: BLE001 - whatever breaks, the text must stay
            # Its message may quote the text, so only its type is told.
            raise DetectionFailed(
                f"The check for private things failed ({type(error).__name__}).",
                "The turn stays on this machine.",
            ) from None
        return found


def merged(found: Sequence[Found]) -> tuple[Span, ...]:
    """The winners among overlapping findings: higher priority, then longer, then earlier."""
    ranked = sorted(found, key=lambda one: (-one.priority, one.start - one.end, one.start))
    starts: list[int] = []
    kept: list[Found] = []
    for one in ranked:
        at = bisect_left(starts, one.start)
        if at and kept[at - 1].end > one.start:
            continue
        if at < len(kept) and kept[at].start < one.end:
            continue
        starts.insert(at, one.start)
        kept.insert(at, one)
    return tuple(Span(one.start, one.end, one.kind) for one in kept)
