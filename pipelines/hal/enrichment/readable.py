"""Which of the results can be quoted, and with which words: the page's, or the search engine's.

Pure. Knows nothing of the question: whether a text is worth quoting is for `rank` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .cleaning import clean_text, clean_title
from .passages import is_same_text, passages, shingles
from .types import Hit, Outcome, Page
from .urls import canonical_url, page_key, site

# Less is a cookie notice or a login, seldom an answer (facts sheet, 6.4).
PAGE_TEXT_CHARS = 200
# What an engine shows of a page at most; a longer "snippet" is somebody's trick.
SNIPPET_CHARS = 1000
# How the reasons begin for which a page was not asked for at all (`targets`).
FORBIDDEN = "forbidden_"
# A page of tomorrow is one from the other side of the date line.
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Readable:
    """A result with the passages that may be quoted. `at` is its day, None when unknown."""

    hit: Hit
    url: str
    title: str
    passages: tuple[str, ...]
    kind: str
    at: date | None
    page: Page | None


def showable(
    hits: Sequence[Hit], pages: Sequence[Page]
) -> tuple[tuple[Hit, ...], tuple[Outcome, ...]]:
    """Without what leads to where nobody may go: as a source it would be a link for the user, and
    its excerpt says what a stranger wants it to say. `pages`: one for each hit."""
    pairs = list(zip(hits, pages, strict=True))
    refused = [(hit, page) for hit, page in pairs if page.reason.startswith(FORBIDDEN)]
    dropped = tuple(outcome(hit, page, "dropped", page.reason) for hit, page in refused)
    return tuple(hit for hit, page in pairs if (hit, page) not in refused), dropped


def readable(
    hits: Sequence[Hit], pages: Sequence[Page], today: date
) -> tuple[list[Readable], list[Outcome]]:
    """What can be quoted, best rank first, each page and each text once; and what cannot."""
    by_asked = {page_key(page.asked_url): page for page in pages}
    found: list[Readable] = []
    dropped: list[Outcome] = []
    for hit in sorted(hits, key=lambda hit: hit.rank):
        page = by_asked.get(page_key(hit.url))
        source = _read(hit, page, today)
        if source is None:
            dropped.append(outcome(hit, page, "dropped", _reason(page)))
        else:
            found.append(source)
    # Pages before snippets: of two with one address, what was read is worth more.
    found.sort(key=lambda source: source.kind != "page")
    return _without_repeats(found, dropped), dropped


def outcome(hit: Hit, page: Page | None, fate: str, reason: str = "", kept: int = 0) -> Outcome:
    if page is None:
        return Outcome(hit.url, hit.rank, fate, reason, passages=kept)
    return Outcome(
        hit.url, hit.rank, fate, reason, page.status, page.wire_bytes, page.took_ms, kept
    )


def _read(hit: Hit, page: Page | None, today: date) -> Readable | None:
    text = clean_text(page.text) if page is not None else ""
    title = clean_title((page.title if page is not None else "") or hit.title)
    at = _day((page.date if page is not None else "") or hit.date, today)
    if page is not None and len(text) >= PAGE_TEXT_CHARS and canonical_url(page.url):
        return Readable(hit, page.url, title or site(page.url), passages(text), "page", at, page)
    snippet = clean_text(hit.snippet[:SNIPPET_CHARS])
    if not snippet or not canonical_url(hit.url):
        return None
    return Readable(hit, hit.url, title or site(hit.url), passages(snippet), "snippet", at, page)


def _reason(page: Page | None) -> str:
    if page is None:
        return "not read, no snippet"
    return page.reason or "no text, no snippet"


def _day(text: str, today: date) -> date | None:
    """The day that a source claims; none when it cannot be, or has not come yet."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if day <= today + AHEAD else None


def _without_repeats(found: Iterable[Readable], dropped: list[Outcome]) -> list[Readable]:
    kept: list[Readable] = []
    keys: set[str] = set()
    texts: list[frozenset[tuple[str, ...]]] = []
    for source in found:
        text = shingles("\n".join(source.passages))
        reason = "same page as another" if page_key(source.url) in keys else ""
        if not reason and any(is_same_text(text, other) for other in texts):
            reason = "same text as another"
        if reason:
            dropped.append(outcome(source.hit, source.page, "dropped", reason))
            continue
        keys.add(page_key(source.url))
        texts.append(text)
        kept.append(source)
    return kept
