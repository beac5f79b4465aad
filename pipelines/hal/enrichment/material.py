"""What the model is told after a search that found something: the sources with the question.

Pure; the tag's random part is passed in. The sources stand between tags that nobody can have
guessed, escaped, and the instructions come after them. Whether a model obeys is not known here:
the answer is filtered all the same.
"""

from __future__ import annotations

from datetime import date

from ..prompts import Prompt
from .cleaning import clean_text, clean_title, escaped, escaped_attribute
from .types import Cited, Findings, Freshness, Search

_PERIODS = {
    Freshness.ANY: "",
    Freshness.DAY: " (past day)",
    Freshness.WEEK: " (past week)",
    Freshness.MONTH: " (past month)",
    Freshness.YEAR: " (past year)",
}


def material(prompt: Prompt, question: str, findings: Findings, nonce: str, today: date) -> str:
    """The user's message, whole, with the sources in front of it (`prompts/grounded.md`).

    `nonce`: at least 32 random bits in letters and digits. Raises ValueError without sources.
    """
    sources = findings.sources
    if not sources:
        raise ValueError("there is nothing to quote")
    return prompt.render(
        date=long_date(today),
        searched=searched(findings.search),
        count=f"{len(sources)} source{'s' if len(sources) > 1 else ''}",
        tag=f"sources-{nonce}",
        sources="\n".join(_block(source) for source in sources),
        notes="".join(f"{note}\n" for note in notes(findings)),
        question=question,
        numbers="1" if len(sources) == 1 else f"1-{len(sources)}",
    )


def notes(findings: Findings) -> list[str]:
    """What the model has to know about these sources, and to say where it matters."""
    found: list[str] = []
    snippets = [source.number for source in findings.sources if source.kind == "snippet"]
    if len(snippets) == len(findings.sources):
        found.append(
            "None of the pages could be read: all sources are only summaries of the search engine. "
            "Say so in the answer."
        )
    elif snippets:
        numbers = ", ".join(map(str, snippets))
        found.append(f"Only a summary of the search engine is known of source {numbers}.")
    if any(result.relaxed for result in findings.results):
        period = _PERIODS[findings.search.freshness].strip(" ()") or "period"
        found.append(
            f"Too little was found for the {period}: sources may be older. Check the dates."
        )
    if any(result.problem for result in findings.results):
        found.append("One of the searches failed, so something may be missing.")
    return found


def searched(search: Search) -> str:
    """The queries in quotes, with the period they were limited to."""
    queries = (" ".join(clean_text(query).replace('"', " ").split()) for query in search.queries)
    return " and ".join(f'"{query}"' for query in queries) + _PERIODS[search.freshness]


def _block(source: Cited) -> str:
    values = {
        "id": str(source.number),
        "title": source.title,
        "site": source.site,
        "date": source.date,
        "kind": source.kind,
    }
    attributes = " ".join(
        f'{k}="{escaped_attribute(clean_title(v))}"' for k, v in values.items() if v
    )
    # Not one after the other in the page: between two passages something was left out.
    text = "\n[...]\n".join(escaped(passage) for passage in source.passages)
    return f"<source {attributes}>\n{text}\n</source>"


def long_date(day: date) -> str:
    # Not strftime: its names follow the locale of the process.
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{day.isoformat()} ({names[day.weekday()]})"
