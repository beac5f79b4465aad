"""How often `hal route` agrees with people on prompts whose route is obvious.

Feeds bench/routing/obvious.jsonl (40 held-out prompts, ten for each route; prompts and thresholds
were chosen on development.jsonl alone) to `hal route --jsonl` and prints accuracy with a confidence
interval, recall for each route, the confusions and the latency. Exit code 1 below --least.

Run: python bench/route_accuracy.py [--model qwen2.5-coder:1.5b] [--engine embedded]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import Counter
from math import sqrt
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROUTES = ("SIMPLE", "MODERATE", "COMPLEX", "ENRICH")
Row = dict[str, str]


def route(rows: list[Row], model: str, engine: str) -> dict[str, dict[str, object]]:
    """The answers of one `hal route` process, by id."""
    command = [sys.executable, "-m", "hal.cli", "route", "--jsonl", "--engine", engine]
    command += ["--model", model] if model else []
    lines = "".join(json.dumps({"id": r["id"], "text": r["text"]}) + "\n" for r in rows)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=False)
    return {(answer := json.loads(line))["id"]: answer for line in done.stdout.splitlines()}


def interval(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval."""
    z = 1.96
    p, zz = right / n, 1.96**2 / n
    middle, half = p + zz / 2, z * sqrt(p * (1 - p) / n + zz / (4 * n))
    return (middle - half) / (1 + zz), (middle + half) / (1 + zz)


def report(rows: list[Row], answers: dict[str, dict[str, object]]) -> float:
    pairs = [(row["route"], str(answers[row["id"]]["route"])) for row in rows]
    right = sum(wanted == got for wanted, got in pairs)
    low, high = interval(right, len(pairs))
    print(f"accuracy {right / len(pairs):.3f} ({right}/{len(pairs)}, 95 % {low:.2f} to {high:.2f})")
    for name in ROUTES:
        mine = [got for wanted, got in pairs if wanted == name]
        others = Counter(got for got in mine if got != name)
        missed = ", ".join(f"{n} as {got}" for got, n in others.most_common())
        print(f"  {name:9}recall {mine.count(name)}/{len(mine)}  {missed}")
    times = [float(str(answer["latency_ms"])) for answer in answers.values()]
    print(f"latency of a decision, median {statistics.median(times):.0f} ms (both questions)")
    failed = sum("error" in answer for answer in answers.values())
    if failed:
        print(f"{failed} prompts were not decided and count as MODERATE")
    return right / len(pairs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder:1.5b", help="default: %(default)s")
    parser.add_argument("--engine", default="embedded", choices=("auto", "ollama", "embedded"))
    parser.add_argument("--prompts", type=Path, default=HERE / "routing" / "obvious.jsonl")
    parser.add_argument("--least", type=float, default=0.0, help="exit 1 below this accuracy")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.prompts.read_text(encoding="utf-8").splitlines()]
    print(f"{args.prompts.name}, {len(rows)} prompts, {args.model}, {args.engine}")
    return int(report(rows, route(rows, args.model, args.engine)) < args.least)


if __name__ == "__main__":
    sys.exit(main())
