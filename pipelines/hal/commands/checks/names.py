"""The name model, where the settings ask for it: installed, unchanged, loadable. Sends nothing.

Loads it, which takes a second or two. Knows this Python alone, which need not be the server's.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...privacy.name_lists import NameLists
from ...privacy.ner import MODEL, NerUnavailable, load
from .result import Check, Context, ok, warn


def checks(context: Context) -> Iterator[Check]:
    rules = context.settings.privacy
    if not rules.ner:
        return
    if not rules.asks_for_names:
        remedy = "Set PRIVACY_MODE to scrub, or PRIVACY_NER=false in ADVANCED."
        yield warn("name model", f"not asked: PRIVACY_MODE is {rules.mode}", remedy)
        return
    try:
        load(NameLists.load())
    except NerUnavailable as error:
        detail = f"names are masked by the rules alone. {error}"
        yield warn("name model", detail, error.remedy)
    else:
        yield ok("name model", f"{MODEL.folder}, its files are those that were checked")
