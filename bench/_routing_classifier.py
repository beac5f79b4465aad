"""Makes the --classifier file of bench/routing.py: what `hal route` says of the five-way set.

A sample by class and source, in an order in which any beginning is a smaller sample. One line for
each prompt, appended as it comes, so that it can be stopped and goes on where it was: about a
second a prompt with the 1.5B model on one quiet core, up to half a minute for a long one.

Run: nice python bench/_routing_classifier.py said.jsonl [--model qwen2.5-coder:1.5b]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from _routing_data import Labelled, five_way

# Two sources of SIMPLE share what the one of ENRICH has, so that classes are about as large; what
# COMPLEX has is long and slow.
MOST_OF_SOURCE = {
    "arena-hard-v0.1": 75,
    "arena-hard-v2.0:hard_prompt": 75,
    "clinc150:quick_utility": 90,
    "clinc150:small_talk": 90,
}
MOST = 170
DEADLINE_S = 120


def sample(data: Labelled) -> list[tuple[str, str]]:
    """(id, prompt), the sources mixed evenly from the first to the last."""
    found: list[tuple[float, str, str]] = []
    for source in sorted(set(data.sources)):
        rows = [at for at, one in enumerate(data.sources) if one == source]
        random.Random(0).shuffle(rows)
        rows = rows[: MOST_OF_SOURCE.get(source, MOST)]
        found += [
            ((place + 0.5) / len(rows), data.ids[at], data.prompts[at])
            for place, at in enumerate(rows)
        ]
    return [(name, prompt) for _, name, prompt in sorted(found)]


def ask(rows: list[tuple[str, str]], model: str, engine: str) -> Iterator[dict[str, object]]:
    """One `hal route` process for all of them."""
    command = [
        sys.executable,
        "-m",
        "hal.cli",
        "route",
        "--jsonl",
        "--classifier",
        "--engine",
        engine,
    ]
    command += ["--model", model, "--deadline", str(DEADLINE_S)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for name, prompt in rows:
            process.stdin.write(json.dumps({"id": name, "text": prompt}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                sys.exit("bench/_routing_classifier.py: hal route has ended; run it again to go on")
            yield json.loads(line)


def two_questions(p: dict[str, float]) -> dict[str, float]:
    """`hal route` says one distribution over the routes; here are the two answers that made it."""
    stay = p["SIMPLE"] + p["MODERATE"] + p["COMPLEX"]
    parts = {name: p[name] / stay if stay else 1 / 3 for name in ("SIMPLE", "COMPLEX")}
    return {**parts, "ENRICH": p["ENRICH"]}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Exit codes: 0 done, 1 some were not decided, 2 usage. Run it again to go on.",
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder:1.5b", help="default: %(default)s")
    parser.add_argument("--engine", default="embedded", choices=("auto", "ollama", "embedded"))
    args = parser.parse_args()
    lines = args.file.read_text(encoding="utf-8").splitlines() if args.file.exists() else []
    known = {json.loads(line)["id"] for line in lines}
    rows = [row for row in sample(five_way()) if row[0] not in known]
    failed = 0
    with args.file.open("a", encoding="utf-8") as file:
        for count, answer in enumerate(ask(rows, args.model, args.engine), 1):
            if not answer.get("p"):
                failed += 1
                continue
            said = {"id": answer["id"], "p": two_questions(answer["p"])}  # type: ignore[arg-type]
            file.write(json.dumps({**said, "ms": answer["latency_ms"]}) + "\n")
            file.flush()
            if count % 20 == 0:
                print(f"{count} of {len(rows)}", file=sys.stderr)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
