"""The parts of a report that are not sums of turns: trouble, searches, and what left the machine.

Knows what the questions give, no SQL.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ...sessions.record import LookupRow
from .estimates import Share, Spread
from .figures import Cause, Destination, Egress, Searches
from .queries import Queries

# Amounts and numbers in a note are of one turn; the note is about many.
_NUMBER = re.compile(r"\$?\d[\d.,]{0,30}")
# The pages that a search reads are many sites; the rest of a list is no list any more.
_PAGE, _DESTINATIONS = "page", 12
_NOTES = 12


def causes(queries: Queries) -> Iterator[Cause]:
    """What failed and was got around, and what the user was told about a plan; the most first."""
    degraded: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    for degradations_json, notes_json, turns in queries.trouble():
        for name in set(_names(degradations_json)):
            degraded[name] += turns
        for note in {_NUMBER.sub("…", note) for note in _names(notes_json)}:
            notes[note] += turns
    for kind, found, most in (("degradation", degraded, len(degraded)), ("note", notes, _NOTES)):
        for name, turns in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]:
            yield Cause(kind, name, turns)


def searches(queries: Queries) -> Searches:
    """Over all lookups of the time; percentiles by the same steps as those of turns."""
    if not queries.has(LookupRow.table):
        return Searches()
    n, worked, pages, pages_read, sources, citing, invalid, rewritten = queries.lookups()
    if not n:
        return Searches()
    cited = sum(count * len(_names(text)) for text, count in queries.lookup_counts("cited"))
    search, read, total = (
        Spread.of(queries.lookup_times(column)) for column in ("search_ms", "read_ms", "total_ms")
    )
    return Searches(
        n=n,
        failed=n - worked,
        pages=pages,
        pages_read=pages_read,
        sources=sources,
        citing=Share(citing, worked),
        cited=cited,
        invalid=invalid,
        rewritten=rewritten,
        problems={text: count for text, count in queries.lookup_counts("problem") if text},
        search=search,
        read=read,
        total=total,
    )


def egress(queries: Queries, cloud_keys: Iterable[str]) -> Egress:
    """By target; all sites whose pages were read are one. `cloud_keys`: the kinds of turns that the
    cloud answered."""
    masked: dict[tuple[str, str, str], list[Counter[str]]] = {}
    sites: set[str] = set()
    sums: dict[tuple[str, str, str], list[int]] = {}
    for host, purpose, model, calls, size in queries.egress():
        if purpose == _PAGE:
            sites.add(host)
        counts = sums.setdefault(_target(host, purpose, model), [0, 0])
        counts[0] += calls
        counts[1] += size
    for host, purpose, model, masked_json, passed_json, calls in queries.masked():
        kinds = masked.setdefault(_target(host, purpose, model), [Counter(), Counter()])
        for counter, text in zip(kinds, (masked_json, passed_json), strict=True):
            for name, count in _counts(text).items():
                counter[name] += count * calls
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    nothing: list[Counter[str]] = [Counter(), Counter()]
    private, left = queries.private()
    outside = [queries.answered_outside(key) for key in cloud_keys]
    return Egress(
        calls=sum(calls for calls, _ in sums.values()),
        bytes=sum(size for _, size in sums.values()),
        destinations=tuple(
            Destination(
                host or f"{len(sites):,} site{'' if len(sites) == 1 else 's'}",
                model,
                purpose,
                calls,
                size,
                *(
                    dict(sorted(each.items()))
                    for each in masked.get((host, purpose, model), nothing)
                ),
            )
            for (host, purpose, model), (calls, size) in ordered[:_DESTINATIONS]
        ),
        others=max(0, len(ordered) - _DESTINATIONS),
        private_turns=private,
        private_left=left,
        answered=sum(turns for turns, _ in outside),
        unlogged=sum(unlogged for _, unlogged in outside),
    )


def _target(host: str, purpose: str, model: str) -> tuple[str, str, str]:
    return ("", purpose, "") if purpose == _PAGE else (host, purpose, model)


def _names(text: object) -> list[str]:
    """A JSON list as texts; what is none is empty."""
    found = _parsed(text)
    return [str(name) for name in found] if isinstance(found, list) else []


def _counts(text: object) -> dict[str, int]:
    found = _parsed(text)
    if not isinstance(found, dict):
        return {}
    return {str(name): count for name, count in found.items() if isinstance(count, int)}


def _parsed(text: object) -> object:
    try:
        return json.loads(str(text))
    except ValueError:
        return None
