"""How well the learned router ranks prompts, on outcomes of other people's models.

Cost-quality curves by RouteLLM's definitions with bootstrap intervals, prompt length beside every
row: MMLU with 1,500 labels, GSM8K in five folds and without any of its labels, a cascade that looks
at the draft, LLMRouter's outcomes, RouterArena and MT-Bench (judged, never learned from). Then the
checks: quality targets over 200 splits, shuffled labels, calibration, the five-way set with its
source held out (with --classifier beside a language model), the time of a decision; and a table of
what was wanted. Choices were made on the half of MMLU whose ids hash to an even number; the other
half is opened by this command alone. Needs the `lab` extra; --table adds word vectors, --sentences
the vectors of a sentence model; bench/_routing_vectors.py makes both.

Run: python bench/routing.py [--classifier said.jsonl] [--only mmlu,gsm8k] [--plots FOLDER]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

try:
    import _routing_checks as checks
    import _routing_five_way as five
    import _routing_rows as tables
    import _routing_targets as wanted
    import numpy as np
    from _routing_data import benchmark, classifier_labels, five_way, folder
    from _routing_plots import write_plots
    from _routing_report import Fact, Finding, Row, as_json, markdown

    from hal.lab.router.examples import PieceTable
    from hal.lab.router.ridge import Recipe
    from hal.lab.router.table import load_table
    from hal.routing.learned.weights_file import dump_weights
except ModuleNotFoundError as error:
    sys.exit(f"bench/routing.py: {error.name} is missing; pip install -e '.[lab,bench]'")

Part = Callable[[tables.Setup, argparse.Namespace], Iterable[Finding]]


def mmlu(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    data = benchmark("mmlu")
    yield from tables.mmlu_rows(setup, data)
    yield from checks.frozen_facts(setup, data)


def gsm8k(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    data = benchmark("gsm8k")
    yield from tables.cross_rows(setup, data)
    yield from tables.cascade_rows(setup, data)


def transfer(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    others = [benchmark(name) for name in ("gsm8k", "routerarena", "mt-bench")]
    yield from tables.transfer_rows(setup, benchmark("mmlu"), others)


def llmrouter(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    yield from tables.cross_rows(setup, benchmark("llmrouter"), [tables.Kind.PLAIN])


def targets(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    yield from checks.target_facts(setup, benchmark("mmlu"))


def null(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    yield from checks.null_facts(setup, benchmark("mmlu"))


def fiveway(setup: tables.Setup, args: argparse.Namespace) -> Iterable[Finding]:
    said = classifier_labels(args.classifier) if args.classifier else {}
    yield from five.five_way_facts(setup, five_way(), said)


def timing(setup: tables.Setup, _args: argparse.Namespace) -> Iterable[Finding]:
    yield from five.time_facts(setup, five_way())


PARTS: dict[str, Part] = {
    "mmlu": mmlu,
    "gsm8k": gsm8k,
    "transfer": transfer,
    "llmrouter": llmrouter,
    "targets": targets,
    "null": null,
    "fiveway": fiveway,
    "timing": timing,
}


def main() -> int:
    args = _parser().parse_args()
    names = list(PARTS) if args.only is None else [one for one in args.only.split(",") if one]
    if unknown := set(names) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    try:
        folder()
    except FileNotFoundError as error:
        sys.exit(f"bench/routing.py: {error}")
    setup = tables.Setup(
        table=load_table(args.table) if args.table else PieceTable(),
        recipe=Recipe(),
        sentences=_sentences(args.sentences),
    )
    found: list[Finding] = []
    began = time.monotonic()
    for name in names:
        _say(began, f"{name} begins")
        for one in PARTS[name](setup, args):
            found.append(one)
            if isinstance(one, Row | Fact):
                _say(began, f"{name}: {_short(one)}")
    took_s = time.monotonic() - began
    rows = [one for one in found if isinstance(one, Row)]
    facts = [one for one in found if isinstance(one, Fact)]
    reached = list(wanted.targets(rows, facts))
    reached += [wanted.duration(took_s)] if set(names) == set(PARTS) else []
    print(markdown(rows, facts))
    print(wanted.markdown(reached))
    if args.plots:
        for note in write_plots(args.plots, found):
            print(note, file=sys.stderr)
    if args.prior:
        args.prior.write_text(dump_weights(tables.prior(benchmark("mmlu"), benchmark("gsm8k"))))
    if args.json:
        whole = as_json(rows, facts) | {
            "targets": [asdict(one) for one in reached],
            "seconds": took_s,
        }
        args.json.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    return 0


def _say(began: float, words: str) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {words}", file=sys.stderr, flush=True)


def _short(one: Row | Fact) -> str:
    if isinstance(one, Row):
        return f"{one.table}: {one.router} {one.apgr}"
    return f"{one.name} {one.value:.3f}, {one.note}"


def _sentences(path: Path | None) -> dict[str, np.ndarray]:
    if path is None:
        return {}
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float64) for name in file.files}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Exit codes: 0 done, 2 usage. Set HAL_BENCH_DATA to the folder of the data.",
    )
    parser.add_argument("--only", help=f"parts, by comma: {','.join(PARTS)}")
    parser.add_argument("--table", type=Path, help="vectors of word pieces (hal.lab.router.table)")
    parser.add_argument(
        "--sentences",
        type=Path,
        help="vectors of whole prompts: .npz with one array per benchmark, in its order",
    )
    parser.add_argument(
        "--classifier",
        type=Path,
        help='what a classifier says of the five-way set: {"id", "p": {"SIMPLE", "COMPLEX", '
        '"ENRICH"}} a line; bench/_routing_classifier.py makes it',
    )
    parser.add_argument(
        "--plots", type=Path, help="a folder: routing.html, and PNG files with matplotlib"
    )
    parser.add_argument("--prior", type=Path, help="fit the shipped prior anew and write it there")
    parser.add_argument("--json", type=Path, help="write rows and facts there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
