"""What must not get past guards and gate, for `bench/improve.py`: sabotaged texts, and prompts that
always say one label. Knows neither how a better prompt is found nor what is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench._improve_run import LABELS, Bench
from tests.lab.sabotage import PARENT, SABOTAGE, SAID

from hal.lab.improve.cases import Case
from hal.lab.improve.gate import judge
from hal.lab.improve.guards import Gatekeeper
from hal.lab.improve.parts import Parts
from hal.lab.improve.replay import PromptPair, pairs
from hal.lab.improve.trial import Trial
from hal.privacy.detect import Detector
from hal.prompts import Prompt, load_prompt

# Words that hardly a message goes without.
_COMMON = (
    *("please", "write", "make", "give", "tell", "need", "want", "who", "which", "when", "where"),
    *("why", "name", "play", "first", "one", "use", "using", "we", "they", "there", "any", "all"),
    *("am", "get", "out", "up", "know", "like", "new", "time", "day", "year", "did", "was", "he"),
)


def sabotage_through() -> list[str]:
    """The kinds of sabotaged texts that no guard has refused."""
    keeper = Gatekeeper.of(SAID, Detector().find)
    return [kind for kind, make in SABOTAGE.items() if not keeper.refusal(PARENT, make())]


def constants(bench: Bench, found: Sequence[Case]) -> list[str]:
    """The verdicts on prompts that always say one label, against the shipped ones."""
    replay = bench.replay
    good = PromptPair(load_prompt("classify"), load_prompt("search_need"))
    before, verdicts = replay.routes(good, found), []
    for name, labels in LABELS.items():
        for label in labels:
            changed = good.with_prompt(_always(good.named(name), label))
            first = pairs(found, before, replay.routes(changed, found))
            verdicts.append(f"always {label}: {judge([Trial(label, first, first)])[0].sentence}")
    return verdicts


def _always(prompt: Prompt, label: str) -> Prompt:
    """Its words are in order, and no guard can know what they do."""
    words = " ".join(f"{one}: never." for one in LABELS[prompt.name] if one != label)
    common = ", ".join(_COMMON)
    return replace(Parts.of(prompt), system=f"{words}\n{label}: {common}.", examples=()).prompt
