"""What `hal improve` gains on unseen cases, for how many calls; and what it must not let through.

Begins with a weak prompt for each of the classifier's two questions and cases of a public set
(HAL_BENCH_DATA/routing/fiveway.parquet, labels by source: the numbers compare prompts, they are no
accuracy of a router). Prints for each set of proposers the held-out accuracy before and after,
calls and reflections, the median over seeds; then how many runs on shuffled labels pass the gate;
then how many sabotaged prompts and prompts that always say one label get past guards and gate.

The classifier is a stand-in that sorts by words, or with `--engine embedded` a real small model on
the CPU. The reflector is scripted: it adds words of the failures ("words"), or kinds of messages
that the shipped prompt names ("kinds"); "model" asks the real model itself. With `--replies FILE`
a run with a real model goes on where it was cut.

Run: python bench/improve.py [--seeds 5] [--null 100]
     python bench/improve.py --engine embedded --model qwen2.5-coder:1.5b --small
Needs: pip install pyarrow, and gepa for that optimiser. Exit code 1 below the targets.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench._improve_checks import constants, sabotage_through
from bench._improve_house import REFLECTORS, House, NotHere, classifier, rows, stand_in
from bench._improve_run import SHARES, Bench, Effort, Run, divided, draw, improve, shuffled
from tests.lab.sabotage import SABOTAGE

from hal.lab.improve.cases import Case
from hal.lab.improve.proposers.choice import usual
from hal.lab.improve.trial import accuracy

GAIN_TARGET, NULL_TARGET = 15.0, 0.05
# 60 of each route: 60 to learn from, 28 to choose by, 152 unseen, two more than the gate wants. A
# real model reads some 30 tokens a second on one core, and all seeds share what it says to these
# cases in the same words. So many calls are enough for three sets of examples for each question.
SMALL = {
    "cases": 240,
    "train": 60,
    "validation": 28,
    "longest": 80,
    "calls": 700,
    "reflections": 6,
    "null": 0,
    "reflector": "kinds",
    "proposers": "thresholds,demonstrations",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=5, help="default: %(default)s")
    add("--null", type=int, default=100, help="runs on shuffled labels")
    add("--calls", type=int, default=1000, help="default: %(default)s")
    add("--reflections", type=int, default=30, help="default: %(default)s")
    add("--cases", type=int, default=520, help="default: %(default)s")
    add("--train", type=int, default=120, help="default: %(default)s")
    add("--validation", type=int, default=60, help="default: %(default)s")
    add("--longest", type=int, default=10**6, help="characters of a case; default: all")
    add("--proposers", default="", help="one set, with commas; default: rewriting, then gepa")
    add("--questions", default=",".join(SHARES), help="default: %(default)s")
    add("--engine", default="none", choices=("none", "auto", "ollama", "embedded"))
    add("--model", help="for --engine; default: the one of the settings")
    add("--reflector", default="words", choices=REFLECTORS, help="default: %(default)s")
    add("--replies", type=Path, help="keep a real model's replies here, to go on later")
    add("--small", action="store_true", help="defaults for a real model on a CPU")
    known, _ = parser.parse_known_args()
    if known.small:
        parser.set_defaults(**SMALL)
    return parser.parse_args()


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


def efforts(args: argparse.Namespace) -> list[Effort]:
    """One for each set of proposers."""
    usual_sets = [("rewriting",), ("gepa",)] if "gepa" in usual() else [("rewriting",)]
    sets = [tuple(args.proposers.split(","))] if args.proposers else usual_sets
    questions = tuple(name for name in SHARES if name in args.questions.split(","))
    return [Effort(names, args.calls, args.reflections, questions) for names in sets]


def gained(bench: Bench, args: argparse.Namespace, effort: Effort) -> float:
    """The median gain over the seeds, in points."""
    found, began, runs = rows(args.longest), time.perf_counter(), []
    for seed in range(args.seeds):
        runs.append(improve(bench, _cases(args, found, seed), effort, seed))
        print(f"seed {seed}: {runs[-1].points:+.1f} points", file=sys.stderr, flush=True)
    return report(runs, effort.proposers, time.perf_counter() - began)


def _cases(args: argparse.Namespace, found: Sequence[tuple[str, str]], seed: int) -> list[Case]:
    """With --small the seeds share the cases, and divide them in other ways."""
    if not args.small:
        return draw(found, seed, args.cases)
    return divided(draw(found, 0, args.cases), seed)


def main() -> int:
    args = arguments()
    try:
        rows(args.longest)
    except NotHere as error:
        print(f"bench/improve.py: skipped: {error}", file=sys.stderr)
        return 0
    house = House(
        args.engine, args.model, args.reflector, args.train, args.validation, args.replies
    )
    tried = efforts(args)
    with classifier(house) as bench:
        gains = [gained(bench, args, effort) for effort in tried]
        found = rows(args.longest)
        nulls = (
            improve(bench, shuffled(draw(found, seed, args.cases), seed), tried[0], seed).passed
            for seed in range(args.null)
        )
        passed = sum(nulls)
        if args.null:
            print(f"shuffled labels: {passed}/{args.null} pass the gate")
    with stand_in(replace(house, reflector="words")) as bench:
        always = constants(bench, draw(rows(10**6), 0, 300))
    through = sabotage_through()
    print(f"sabotage: {len(SABOTAGE) - len(through)}/{len(SABOTAGE)} kinds blocked by the guards")
    for line in always:
        print(f"  {line}")
    let_by = through + [line for line in always if "PASS" in line]
    print(json.dumps({"gains": gains, "null": passed, "let_by": let_by}))
    return int(min(gains) < GAIN_TARGET or passed > NULL_TARGET * args.null or bool(let_by))


if __name__ == "__main__":
    sys.exit(main())
