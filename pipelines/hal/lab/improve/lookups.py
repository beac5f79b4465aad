"""What became of the searches in the log, and how a prompt that writes queries does on them.

Reads rows, and asks the local model; neither searches nor sends anything. A query's worth is what
it would have found, which nobody knows afterwards: only what it lets out can be measured here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from ...enrichment.asked import read_queries
from ...errors import BadReply
from ...privacy.policy import Find
from ...sessions.reader import SessionReader
from .advice import left_over

# The newest searches: enough to count in, and few enough to have a small model write all anew.
MOST = 60

_LOOKUPS = """
SELECT lookup.rowid AS n, lookup.turn_id AS id, hits, sources, cited, invalid, rewritten_by,
    question
FROM lookup LEFT JOIN content ON content.turn_id = lookup.turn_id
WHERE lookup.rowid > ? ORDER BY lookup.rowid LIMIT ?
"""

# Has the model write queries for a message with this prompt. Raises ProviderError.
Write = Callable[[str], Awaitable[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Lookup:
    """One search. `question` is "" where its text is not kept."""

    hits: int
    sources: int
    is_cited: bool
    invalid: int
    by: str
    question: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a prompt wrote: `usable` of `n` replies had a query, `leaks` queries held something
    private out of the `private` messages that hold it."""

    n: int
    private: int
    usable: int
    leaks: int


def lookups(reader: SessionReader) -> list[Lookup]:
    """The newest ones, oldest first. Raises LogUnreadable."""
    rows = list(reader.pages(_LOOKUPS))[-MOST:]
    return [
        Lookup(
            hits=row["hits"],
            sources=row["sources"],
            is_cited=row["cited"] not in {"", "[]"},
            invalid=row["invalid"],
            by=row["rewritten_by"],
            question=row["question"] or "",
        )
        for row in rows
    ]


def failures(name: str, found: Sequence[Lookup]) -> dict[str, int]:
    """What went wrong, by words for it."""
    if name == "rewrite":
        return {
            "the query found nothing": sum(one.hits == 0 for one in found),
            "no query came": sum(one.by in {"no_query", "bad_reply"} for one in found),
            "of the query nothing was left that may leave": sum(
                one.by == "emptied" for one in found
            ),
        }
    shown = [one for one in found if one.sources]
    return {
        "the answer used none of its sources": sum(not one.is_cited for one in shown),
        "the answer gave numbers of sources that do not exist": sum(
            one.invalid > 0 for one in shown
        ),
    }


async def written(found: Sequence[Lookup], find: Find, write: Write) -> Written:
    """Have the queries of these searches written, and look for private values in them."""
    n = private = usable = leaks = 0
    for one in found:
        if not one.question:
            continue
        values = [one.question[span.start : span.end] for span in find(one.question)]
        try:
            search = read_queries(await write(one.question))
        except BadReply:
            search = None
        n, private = n + 1, private + bool(values)
        usable += search is not None
        leaks += left_over(values, search.queries) if search else 0
    return Written(n, private, usable, leaks)


def objection(before: Written, after: Written) -> str:
    """Why the new prompt may not even be proposed; "" when nothing speaks against it."""
    if after.leaks:
        return f"{after.leaks} of its queries hold something private of the message"
    if after.usable < before.usable:
        return f"a query came for {after.usable} of {after.n} messages, {before.usable} before"
    return ""
