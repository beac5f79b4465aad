"""What `hal improve` gains on unseen cases, for how many calls; and what it must not let through.

Begins with a weak prompt for each of the classifier's two questions and cases of a public set
(HAL_BENCH_DATA/routing/fiveway.parquet, labels by source: the numbers compare prompts, they are no
accuracy of a router). Prints for each optimiser the held-out accuracy before and after, calls and
reflections, the median over seeds; then how many runs on shuffled labels pass the gate; then how
many sabotaged prompts and prompts that always say one label get past guards and gate.

The reflector is scripted. The classifier is a stand-in that sorts by words, or with
`--engine embedded` a real model of 1.5B parameters on the CPU, which takes long.

Run: python bench/improve.py [--seeds 5] [--null 100] [--engine embedded --seeds 1 --null 0]
Needs: pip install pyarrow, and gepa for that optimiser. Exit code 1 below the targets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._improve_standin import ScriptedReflector, WordModel
from tests.lab.sabotage import PARENT, SABOTAGE, SAID

from hal.lab.improve import mine
from hal.lab.improve.cases import Case
from hal.lab.improve.gate import judge
from hal.lab.improve.guards import Gatekeeper
from hal.lab.improve.parts import Parts
from hal.lab.improve.proposers.choice import PROPOSERS, usual
from hal.lab.improve.proposers.problem import Problem, Tree
from hal.lab.improve.proposers.reflector import Latch
from hal.lab.improve.replay import PromptPair, Replay, pairs
from hal.lab.improve.replies import BudgetSpent, RememberingModel, Replies
from hal.lab.improve.trial import Pair, Trial, accuracy
from hal.privacy.detect import Detector
from hal.prompts import Prompt, load_prompt
from hal.routing.classify import ClassifierModel, Windows
from hal.settings_reader import read_environment

GAIN_TARGET, NULL_TARGET = 15.0, 0.05
ROUTES = ("SIMPLE", "MODERATE", "COMPLEX", "ENRICH")
TRAIN, VALIDATION = 120, 60
WEAK_RULES = {
    "classify": (
        "Reply with easy, normal or hard.\neasy: little work.\nnormal: some work.\nhard: much work."
    ),
    "search_need": "Reply with yes or no.\nyes: a search.\nno: the rest.",
}
# Up to which share of the calls each question is worked at. The first one also pays for what the
# weak prompts decide: two calls for each case that may be seen.
SHARES = {"search_need": 0.6, "classify": 1.0}
Wait = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """A classifier, the settings that it is used with, and how many cases of each kind it gets.

    `runs`: how often the unseen cases are decided; a real model is slow, and says the same again.
    """

    model: Callable[[], ClassifierModel]
    windows: Windows
    wait: Wait
    train: int
    validation: int
    runs: int = 2


@dataclass(frozen=True, slots=True)
class Run:
    """`first` are the unseen cases with the weak prompts and with the ones that were found."""

    first: tuple[Pair, ...]
    passed: bool
    sentence: str
    calls: int
    reflections: int
    chosen: float

    @property
    def points(self) -> float:
        before, after = accuracy(self.first)
        return 100 * (after - before)


class NotHere(Exception):
    """The public data cannot be read on this machine."""


def rows() -> list[tuple[str, str]]:
    """(prompt, route) of the public set, background tasks aside."""
    try:
        from bench._privacy_data import _DEFAULT
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise SystemExit(
            f"bench/improve.py: {error.name} is missing: pip install pyarrow"
        ) from None
    path = Path(os.environ.get("HAL_BENCH_DATA") or _DEFAULT) / "routing" / "fiveway.parquet"
    if not path.is_file():
        raise NotHere("set HAL_BENCH_DATA to the folder that holds the data")
    table = read_table(path).to_pylist()
    return [(row["prompt"], row["label"]) for row in table if row["label"] in ROUTES]


def cases(found: Sequence[tuple[str, str]], seed: int, n: int) -> list[Case]:
    """`n` of all routes alike, in an order that stands for time."""
    random = Random(seed)
    by_route = {r: [text for text, label in found if label == r] for r in ROUTES}
    drawn = [
        (text, route)
        for route in ROUTES
        for text in random.sample(by_route[route], n // len(ROUTES))
    ]
    random.shuffle(drawn)
    return [Case(f"c{at}", f"chat{at}", at, text, route) for at, (text, route) in enumerate(drawn)]


def weak_prompts() -> PromptPair:
    found = {}
    for name, rules in WEAK_RULES.items():
        parts = replace(Parts.of(load_prompt(name)), system=rules, examples=())
        even = {
            label: 1 / n for n in [2 if name == "search_need" else 3] for label in _labels(name)
        }
        found[name] = parts.with_base_rates(even).prompt
    return PromptPair(**found)


def _labels(name: str) -> tuple[str, ...]:
    return ("yes", "no") if name == "search_need" else ("easy", "normal", "hard")


def improve(  # noqa: PLR0913 - what one run is made of
    bench: Bench,
    found: Sequence[Case],
    names: Sequence[str],
    calls: int,
    reflections: int,
    seed: int,
) -> Run:
    """One run from the weak prompts, over both questions, and the verdict on unseen cases."""
    seen = bench.train + bench.validation
    train, validation, test = (
        tuple(found[start:end])
        for start, end in ((0, bench.train), (bench.train, seen), (seen, len(found)))
    )
    model = RememberingModel(bench.model(), Replies(None))
    replay = Replay(model, bench.windows, read_environment({"HOME": "/"}).routing, bench.wait)
    keeper = Gatekeeper.of((case.question for case in found), Detector().find)
    weak = prompts = weak_prompts()
    latch, chosen = Latch(ScriptedReflector(seed), reflections), 0.0
    for name, share in SHARES.items():
        model.limit = int(calls * share)
        latch.left = int(reflections * share) - latch.asked
        routes = replay.routes(prompts, train)
        problem = Problem(
            name, prompts, train, validation, tuple(mine.failures(train, routes)), replay, keeper,
            Tree(), latch, seed,
        )  # fmt: skip
        for proposer in names:
            try:
                PROPOSERS[proposer]().propose(problem)
            except BudgetSpent:
                continue
        best = max(problem.tree.attempts, key=lambda one: one.score or 0.0)
        chosen = 100 * ((best.score or 0.0) - (problem.tree.attempts[0].score or 0.0)) + chosen
        prompts = prompts.with_prompt(problem.prompt(best.text))
    spent, model.limit = model.calls, None
    twice = [
        pairs(test, replay.routes(weak, test, at), replay.routes(prompts, test, at))
        for at in range(bench.runs)
    ]
    first = twice[0]
    (verdict,) = judge([Trial("both", first, twice[-1])])
    return Run(first, verdict.passed, verdict.sentence, spent, latch.asked, chosen)


def shuffled(found: Sequence[Case], seed: int) -> list[Case]:
    labels = [case.expected for case in found]
    Random(seed).shuffle(labels)
    return [replace(case, expected=label) for case, label in zip(found, labels, strict=True)]


def constants(bench: Bench, found: Sequence[Case]) -> list[str]:
    """The verdicts on prompts that always say one label, against the shipped ones."""
    replay = Replay(
        RememberingModel(bench.model(), Replies(None)), bench.windows,
        read_environment({"HOME": "/"}).routing, bench.wait,
    )  # fmt: skip
    good = PromptPair(load_prompt("classify"), load_prompt("search_need"))
    before = replay.routes(good, found)
    verdicts = []
    for name in WEAK_RULES:
        for label in _labels(name):
            first = pairs(
                found,
                before,
                replay.routes(good.with_prompt(_always(good.named(name), label)), found),
            )
            verdicts.append(f"always {label}: {judge([Trial(label, first, first)])[0].sentence}")
    return verdicts


def _always(prompt: Prompt, label: str) -> Prompt:
    """Its words are in order, and no guard can know what they do."""
    parts = Parts.of(prompt)
    words = " ".join(f"{one}: never." for one in _labels(prompt.name) if one != label)
    common = ", ".join(_COMMON)
    return replace(parts, system=f"{words}\n{label}: {common}.", examples=()).prompt


# Words that hardly a message goes without.
_COMMON = (
    *("please", "write", "make", "give", "tell", "need", "want", "who", "which", "when", "where"),
    *("why", "name", "play", "first", "one", "use", "using", "we", "they", "there", "any", "all"),
    *("am", "get", "out", "up", "know", "like", "new", "time", "day", "year", "did", "was", "he"),
)


def report(runs: Sequence[Run], names: Sequence[str], seconds: float) -> float:
    gains = [run.points for run in runs]
    before, after = (statistics.median(accuracy(run.first)[at] for run in runs) for at in (0, 1))
    print(f"{'+'.join(names)}: held-out {before:.3f} to {after:.3f} (median of {len(runs)} seeds)")
    print(
        f"  gain {statistics.median(gains):+.1f} points,"
        f" each: {' '.join(f'{gain:+.1f}' for gain in gains)}"
    )
    print(
        f"  gain where it was chosen {statistics.median(r.chosen for r in runs):+.1f}: do not quote"
    )
    calls, asked = max(run.calls for run in runs), max(run.reflections for run in runs)
    print(f"  at most {calls} calls and {asked} reflections; {seconds / len(runs):.1f} s a run")
    print(f"  gate: {sum(run.passed for run in runs)}/{len(runs)} pass; first: {runs[0].sentence}")
    return statistics.median(gains)


@contextmanager
def stand_in(train: int, validation: int) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        yield Bench(WordModel, Windows("words", 8192, 8192), runner.run, train, validation)


@contextmanager
def classifier(engine: str, train: int, validation: int) -> Iterator[Bench]:
    """The stand-in, or the embedded engine's model."""
    if engine == "none":
        with stand_in(train, validation) as bench:
            yield bench
        return
    from hal.commands.core import running_core
    from hal.services import ClassifierCalls

    with running_core(engine=engine) as runtime:
        services = runtime.submit(runtime.services()).result()
        settings = services.settings
        name = settings.routing.classifier_model
        window = settings.window_tokens(name)
        calls = ClassifierCalls(services.models, settings.local.keep_alive)
        reads = min(window, settings.routing.classifier_context_tokens)

        def wait(work: Coroutine[Any, Any, Any]) -> Any:
            return runtime.submit(work).result()

        windows = Windows(name, window, reads)
        yield Bench(lambda: calls, windows, wait, train, validation, runs=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--null", type=int, default=100, help="runs on shuffled labels")
    parser.add_argument("--calls", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--reflections", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--cases", type=int, default=520, help="default: %(default)s")
    parser.add_argument("--train", type=int, default=TRAIN, help="default: %(default)s")
    parser.add_argument("--validation", type=int, default=VALIDATION, help="default: %(default)s")
    parser.add_argument(
        "--proposers", default="", help="one set, with commas; default: rewriting, then gepa"
    )
    parser.add_argument("--engine", default="none", choices=("none", "auto", "ollama", "embedded"))
    args = parser.parse_args()
    usual_sets = [("rewriting",), ("gepa",)] if "gepa" in usual() else [("rewriting",)]
    sets = [tuple(args.proposers.split(","))] if args.proposers else usual_sets
    try:
        found = rows()
    except NotHere as error:
        print(f"bench/improve.py: skipped: {error}", file=sys.stderr)
        return 0
    gains: list[float] = []
    with classifier(args.engine, args.train, args.validation) as bench:
        for names in sets:
            began = time.perf_counter()
            runs = [
                improve(
                    bench, cases(found, seed, args.cases), names, args.calls, args.reflections, seed
                )
                for seed in range(args.seeds)
            ]
            gains.append(report(runs, names, time.perf_counter() - began))
        passed = 0
        for seed in range(args.null):
            null = shuffled(cases(found, seed, args.cases), seed)
            run = improve(bench, null, sets[0], args.calls, args.reflections, seed)
            passed += run.passed
        if args.null:
            print(f"shuffled labels: {passed}/{args.null} pass the gate")
    with stand_in(args.train, args.validation) as bench:
        always = constants(bench, cases(found, 0, 300))
    keeper = Gatekeeper.of(SAID, Detector().find)
    through = [kind for kind, make in SABOTAGE.items() if not keeper.refusal(PARENT, make())]
    print(f"sabotage: {len(SABOTAGE) - len(through)}/{len(SABOTAGE)} kinds blocked by the guards")
    for line in always:
        print(f"  {line}")
    let_by = through + [line for line in always if "PASS" in line]
    print(json.dumps({"gains": gains, "null": passed, "let_by": let_by}))
    return int(min(gains) < GAIN_TARGET or passed > NULL_TARGET * args.null or bool(let_by))


if __name__ == "__main__":
    sys.exit(main())
