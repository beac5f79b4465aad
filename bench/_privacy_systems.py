"""Our own detector as the benchmark calls it; those of others stand in `_privacy_peers`.

A system is a function from a text to what it finds there. Knows no score.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from _privacy_scoring import Label

sys.path.append(str(Path(__file__).resolve().parents[1] / "pipelines"))  # for a bare checkout

System = Callable[[str], list[Label]]


def hal_rules(*, cached: bool = False) -> System:
    """The rules alone. Without the cache, every text is read afresh."""
    # Peers may run in a Python that lacks what our own rules need.
    detect = import_module("hal.privacy.detect")
    names = import_module("hal.privacy.name_lists").NameLists.load()
    detector = detect.Detector(names) if cached else detect.Detector(names, cache_entries=0)

    def find(text: str) -> list[Label]:
        return [Label(span.start, span.end, span.kind.value) for span in detector.find(text)]

    return find


def hal_ner() -> System:
    """The rules and, as masking has them, the name model's people.

    Raises NerUnavailable without the model.
    """
    detect, ner = import_module("hal.privacy.detect"), import_module("hal.privacy.ner")
    names = import_module("hal.privacy.name_lists").NameLists.load()
    rules, people = detect.Detector(names, cache_entries=0), ner.load(names)

    def find(text: str) -> list[Label]:
        spans = ner.added(rules.find(text), people.find(text))
        return [Label(span.start, span.end, span.kind.value) for span in spans]

    return find
