"""Sources as Open WebUI draws them, and as plain text for a caller that draws nothing.

For the faces alone. Knows the event of Open WebUI 0.12: the n-th source that arrives is what `[n]`
opens, so each page is one event, in the order of the numbers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .enrichment.cite import AnswerFilter
from .types import Cited

# What Markdown would read in a title or an address.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$])")


def source_events(sources: Sequence[Cited]) -> list[dict[str, Any]]:
    """One event for each source; all of them go out before the first word of the answer."""
    titles = _unique_titles(sources)
    return [_event(source, title) for source, title in zip(sources, titles, strict=True)]


def source_list(sources: Sequence[Cited]) -> str:
    """The sources under an answer that no events go with; "" for none."""
    titles = _unique_titles(sources)
    lines = [_line(source, title) for source, title in zip(sources, titles, strict=True)]
    return "\n".join(["Sources:", *lines]) if lines else ""


def _event(source: Cited, title: str) -> dict[str, Any]:
    # `external` and `source_url` make the card show the title, where 0.12 would show the address;
    # with the second it loads no icon from a third party. No `distances`: it would draw them as
    # per cent of relevance.
    about = {
        "source": source.url,
        "name": title,
        "source_url": source.url,
        "external": True,
    }
    data = {
        "source": {"id": source.url, "name": title, "url": source.url},
        "document": [_inert(passage) for passage in source.passages],
        "metadata": [dict(about) for _ in source.passages],
    }
    return {"event": {"type": "source", "data": data}}


def _inert(text: str) -> str:
    """The card draws a passage as Markdown (CitationModal.svelte), and so is the list: a page
    could have a picture in it load, and a foreign link look like one of ours."""
    no_links = AnswerFilter(0, [])
    return no_links.feed(text) + no_links.flush()


def _line(source: Cited, title: str) -> str:
    notes = [source.date] if source.date else []
    notes += ["summary of the search engine"] if source.kind == "snippet" else []
    note = f" ({', '.join(notes)})" if notes else ""
    # The brackets keep the end of the address apart from what follows.
    shown = _MARKDOWN.sub(r"\\\1", title)
    return f"[{source.number}] {shown}{note}: <{source.url}>"


def _unique_titles(sources: Sequence[Cited]) -> list[str]:
    """Front ends before 0.12 take two sources of one name for one."""
    names = [_inert(one.title).strip() or one.site or one.url for one in sources]
    shared = {name for name, count in Counter(names).items() if count > 1}
    named = [
        f"{name} ({source.site})" if name in shared and source.site else name
        for name, source in zip(names, sources, strict=True)
    ]
    taken: Counter[str] = Counter()
    unique: list[str] = []
    for name in named:
        taken[name] += 1
        candidate = name if taken[name] == 1 else f"{name} ({taken[name]})"
        while candidate in unique:
            taken[name] += 1
            candidate = f"{name} ({taken[name]})"
        unique.append(candidate)
    return unique
