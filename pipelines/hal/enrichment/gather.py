"""The enrichment step of a turn.

There is no search yet: the step says so to the user and tells the model that it cannot look things
up, so that neither takes an old answer for a new one.
"""

from __future__ import annotations

from datetime import date

from ..prompts import Prompt
from ..types import Evidence, Plan

NO_SEARCH = "web search is not built in yet: answered from what the model knows"


def gather(plan: Plan, without_search: Prompt, today: date) -> Evidence:
    """What the plan wants looked up."""
    if not plan.enrich:
        return Evidence()
    return Evidence(without_search.render(date=today.isoformat()), NO_SEARCH)
