"""How well private things are found: recall, precision, F2 and leak, per data set and type.

Holds the labels of the privacy data against `hal.privacy` and, where installed, against Presidio,
datafog and scrubadub; for rows that the rules were written with, for held-out rows, and for both.
Also prints how many harmless prompts would stay local by mistake, how much of real requests is
left in clear, and the CPU time. `--misses` shows what went wrong, for development rows alone. The
scoring is described in `_privacy_scoring`. The data lie outside the repository: HAL_BENCH_DATA.

Run: python bench/privacy.py [--sets chat,plbench] [--half held] [--types] [--systems hal,datafog]
     python bench/privacy.py --misses 20 chat [--type PERSON]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import _privacy_measures as measures
import _privacy_peers as peers
from _privacy_data import SETS, folder, rows
from _privacy_measures import HALVES
from _privacy_scoring import OPEN_TYPES, SCORED_TYPES, Label, Score, Tally, interval, judge
from _privacy_systems import System, hal_ner, hal_rules

LABELLED = ("chat", "presidio", "plbench", "gitleaks")
GROUPS = {
    "all types": SCORED_TYPES,
    "structured and secrets": SCORED_TYPES - OPEN_TYPES,
}
# So much of the text beside a miss is shown.
AROUND_CHARS = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report."""

    system: str
    set: str
    half: str
    types: str
    score: Score


def labels_of(row: dict[str, Any]) -> list[Label]:
    return [Label(s["start"], s["end"], s["type"]) for s in row["spans"]]


def tallies(system: System, name: str) -> dict[str, Tally]:
    """One tally per half; every row is read once."""
    made = {half: Tally() for half in HALVES}
    for half, held_out in (("development", False), ("held-out", True)):
        for row in rows(name, held_out=held_out):
            verdict = judge(labels_of(row), system(row["text"]))
            made[half].add(verdict)
            made["all"].add(verdict)
    return made


def lines(name: str, system: System, args: argparse.Namespace) -> Iterator[Line]:
    for set_name in (each for each in args.sets if each in LABELLED):
        made = tallies(system, set_name)
        for half in args.halves:
            for words, types in GROUPS.items():
                yield Line(name, set_name, half, words, made[half].score(types))
            for type_name in sorted(SCORED_TYPES) if args.types else ():
                score = made[half].score((type_name,))
                if score.gold or score.wrong:
                    yield Line(name, set_name, half, type_name, score)


def show(line: Line) -> None:
    score = line.score
    recall = interval(score.found, score.gold)
    precision = interval(score.right, score.right + score.wrong)
    print(
        f"{line.system:10}{line.set:10}{line.half:13}{line.types:23}{score.gold:6}"
        f"{_share(score.recall)} {_range(recall)}{_share(score.precision)} {_range(precision)}"
        f"{_share(score.f2)}{_share(score.leak)}{score.gold - score.found:6}{score.wrong:6}",
        flush=True,
    )


def _share(value: float | None) -> str:
    return "      -" if value is None else f"{value:7.3f}"


def _range(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f}-{bounds[1]:.2f}"


HEADER = (
    f"{'system':10}{'set':10}{'rows':13}{'types':23}{'gold':>6}{'recall':>7} {'95 %':9}"
    f"{'precis.':>7} {'95 %':9}{'F2':>7}{'leak':>7}{'missed':>6}{'wrong':>6}"
)


def as_json(line: Line) -> dict[str, Any]:
    score = line.score
    return {
        "system": line.system, "set": line.set, "rows": line.half, "types": line.types,
        "gold": score.gold, "found": score.found, "right": score.right, "wrong": score.wrong,
        "recall": score.recall, "recall_95": interval(score.found, score.gold),
        "precision": score.precision,
        "precision_95": interval(score.right, score.right + score.wrong),
        "f2": score.f2, "leak": score.leak,
    }  # fmt: skip


def show_misses(system: System, set_name: str, limit: int, only: str | None) -> None:
    """What was missed and what was wrong, in development rows: nobody reads the held-out ones.

    Spread over the set, since rows of one template stand together.
    """
    if set_name not in (*LABELLED, "arena_neg"):
        sys.exit(f"bench/privacy.py: {set_name} is never shown")
    every = [miss for miss in _misses(system, set_name) if only is None or miss[1].type == only]
    counts = Counter(f"{word} {label.type}" for word, label, _ in every)
    print(", ".join(f"{n} {words}" for words, n in counts.most_common()) or "nothing went wrong")
    for word, label, text in every[:: max(1, -(-len(every) // max(1, limit)))]:
        print(f"{word:7}{label.type:12}{text}")


def _misses(system: System, set_name: str) -> Iterator[tuple[str, Label, str]]:
    for row in rows(set_name, held_out=False):
        verdict = judge(labels_of(row), system(row["text"]))
        for word, labels in (("missed", verdict.missed), ("wrong", verdict.wrong)):
            for label in labels:
                yield word, label, f"{row['id']}  {_around(row['text'], label)}"


def _around(text: str, label: Label) -> str:
    before = text[max(0, label.start - AROUND_CHARS) : label.start]
    after = text[label.end : label.end + AROUND_CHARS]
    return f"{before}⟪{text[label.start : label.end]}⟫{after}".replace("\n", "⏎")


def main() -> int:
    args = arguments()
    if folder() is None:
        sys.exit(
            "bench/privacy.py: no privacy data; set HAL_BENCH_DATA to the folder that holds it"
        )
    if args.misses:
        show_misses(hal_rules(), args.misses[1], int(args.misses[0]), args.type)
        return 0
    collected: list[dict[str, Any]] = []
    if not args.json:
        print(HEADER)
    for name in args.systems:
        system = system_named(name)
        if system is not None:
            report(name, system, args, collected)
    if args.json:
        print(json.dumps(collected, indent=1))
    return 0


def report(
    name: str, system: System, args: argparse.Namespace, collected: list[dict[str, Any]]
) -> None:
    for line in lines(name, system, args):
        collected.append(as_json(line))
        if not args.json:
            show(line)
    for measured in measured_of(name, system, args):
        collected.append(measured.as_json())
        if not args.json:
            print(measured.sentence, flush=True)


def measured_of(name: str, system: System, args: argparse.Namespace) -> Iterator[measures.Measured]:
    yield from measures.of(name, system, args.sets, args.halves)
    if not args.no_time:
        yield measures.cpu_time(name, "CPU for 1,000 characters", system)
        if name == "hal":
            again = hal_rules(cached=True)
            yield measures.cpu_time(name, "the same, when seen before", again, warmed=True)


def system_named(name: str) -> System | None:
    """None, after a line on stderr, when a peer is not installed."""
    ours = {"hal": hal_rules, "hal+ner": hal_ner}
    try:
        return ours[name]() if name in ours else peers.load(name)
    except ModuleNotFoundError as error:
        print(f"{name} is skipped: {error.name} is not installed", file=sys.stderr)
    except Exception as error:
        # The class of the name model's own refusal is known only where our package is.
        if type(error).__name__ != "NerUnavailable":
            raise
        print(f"{name} is skipped: {error}", file=sys.stderr)
    return None


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default=",".join(SETS), help="default: %(default)s")
    parser.add_argument("--half", choices=tuple(HALVES), help="default: each of them")
    parser.add_argument("--types", action="store_true", help="a line per type as well")
    parser.add_argument(
        "--systems", default=",".join(("hal", *peers.NAMES)), help="default: %(default)s"
    )
    parser.add_argument("--ner", action="store_true", help="also the rules with the name model")
    parser.add_argument("--no-time", action="store_true", help="do not measure CPU time")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of the table")
    parser.add_argument(
        "--misses", nargs=2, metavar=("N", "SET"), help="what went wrong in development rows"
    )
    parser.add_argument("--type", choices=sorted(SCORED_TYPES), help="only this type, of --misses")
    args = parser.parse_args()
    args.sets = args.sets.split(",")
    args.halves = (args.half,) if args.half else tuple(HALVES)
    args.systems = args.systems.split(",") + (["hal+ner"] if args.ner else [])
    unknown = set(args.sets) - set(SETS) or set(args.systems) - {"hal", "hal+ner", *peers.NAMES}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return args


if __name__ == "__main__":
    sys.exit(main())
