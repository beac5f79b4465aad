"""How often the semantic cache is right: hits on paraphrases, false hits on near misses.

Feeds bench/cache/pairs.jsonl (questions worded twice, and questions that only look alike) to an
embedding model and prints, for each threshold, the share of each kind that is a hit, with the
cosine alone and with the guard. Words and threshold were chosen on the development half; the
held-out half is for the result. --missed lists what is wrong, of the development half alone.
--speed measures a search among as many questions as one search ever looks at, without a model.

Run: python bench/cache_hits.py [--half held-out] [--model all-minilm] [--url http://ollama:11434]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import ollama

from hal.embedded.launch import start
from hal.gateway.cache_file import Limits
from hal.gateway.cache_guard import difference
from hal.gateway.cache_store import StoredAnswers
from hal.gateway.cache_vectors import cosine, packed
from hal.gateway.ports import CachedAnswer
from hal.settings import CacheSettings
from hal.types import Message, Plan, Route, Target, Turn

HERE = Path(__file__).resolve().parent
THRESHOLDS = (0.80, 0.85, 0.88, 0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
DIMENSIONS = 384  # all-minilm's
HALVES = ("development", "held-out")
SAME, DIFFERENT = "same", "different"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, how alike their vectors are, and what the guard says (None: the same)."""

    kind: str
    about: str
    a: str
    b: str
    similarity: float
    verdict: str | None


@contextmanager
def client(url: str | None, model: str) -> Iterator[ollama.Client]:
    """Ollama at this address, or the embedded engine, started for it with one thread."""
    process = None if url else start([model], extra=["--threads", "1"])
    made = ollama.Client(url or (process.url if process else ""), timeout=120)
    try:
        yield made
    finally:
        made._client.close()
        if process:
            process.stop()


def measured(rows: Sequence[dict[str, str]], url: str | None, model: str) -> list[Pair]:
    """All pairs, with the time that one embedding takes on the way."""
    with client(url, model) as asked:
        took_ms, vectors = [], {}
        for text in dict.fromkeys(row[side] for row in rows for side in ("a", "b")):
            began = perf_counter()
            vectors[text] = packed(asked.embed(model, text).embeddings[0])
            took_ms.append((perf_counter() - began) * 1000)
    print(f"one embedding, median {statistics.median(took_ms):.0f} ms, over HTTP")
    began = perf_counter()
    verdicts = [difference(row["a"], row["b"]) for row in rows]
    print(f"the guard, mean {(perf_counter() - began) * 1000 / len(rows):.2f} ms a pair\n")
    return [
        Pair(r["kind"], r["about"], r["a"], r["b"], cosine(vectors[r["a"]], vectors[r["b"]]), said)
        for r, said in zip(rows, verdicts, strict=True)
    ]


def is_hit(pair: Pair, threshold: float, *, guarded: bool) -> bool:
    return pair.similarity >= threshold and not (guarded and pair.verdict)


def report(pairs: Sequence[Pair]) -> None:
    """A Markdown table."""
    of = {kind: [p for p in pairs if p.kind == kind] for kind in (SAME, DIFFERENT)}
    print("| similarity | paraphrases, cosine alone | false hits, cosine alone", end="")
    print(" | paraphrases, with the guard | false hits, with the guard |")
    print("|---|---|---|---|---|")
    for threshold in THRESHOLDS:
        cells = [
            share(sum(is_hit(p, threshold, guarded=guarded) for p in of[kind]), len(of[kind]))
            for guarded in (False, True)
            for kind in (SAME, DIFFERENT)
        ]
        print(f"| {threshold:.2f} | {' | '.join(cells)} |")


def share(hits: int, total: int) -> str:
    return f"{hits}/{total} ({hits / total:.0%})"


def missed(pairs: Sequence[Pair], threshold: float) -> None:
    """What is wrong at a threshold, most similar first."""
    for pair in sorted(pairs, key=lambda p: -p.similarity):
        if is_hit(pair, threshold, guarded=True) != (pair.kind == SAME):
            why = pair.verdict or ("below" if pair.kind == SAME else "NOT SEEN")
            print(f"{pair.similarity:.3f} {pair.kind:9} {why:13} {pair.a} | {pair.b}")


async def searched(folder: Path) -> list[float]:
    """Milliseconds of each search in a full scope, from the gateway's call to the miss."""
    chance = random.Random(1)

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        return [[chance.gauss(0, 1) for _ in range(DIMENSIONS)] for _ in texts]

    settings = CacheSettings("semantic", 0.88, 24.0, "random")
    cache = StoredAnswers(folder / "cache.sqlite", settings, embed)
    target = Target("ollama", "bench", False, 8192)
    plan = Plan((target,), Route.MODERATE)
    answer = CachedAnswer("exact", "x" * 2000, "", target.provider, target.model, "stop", 1.0, 0.0)

    def asked(number: int) -> Turn:
        text = f"What is the number {number}?"
        return Turn(str(number), (Message("user", text),), text, user_id="bench")

    for number in range(Limits().scope_rows):
        await cache.keep(asked(number), plan, answer)
    took_ms = []
    for number in range(100):
        turn = asked(-1 - number)
        began = perf_counter()
        assert await cache.find(turn, plan) is None
        took_ms.append((perf_counter() - began) * 1000)
    await cache.close()
    return took_ms


def speed() -> int:
    with tempfile.TemporaryDirectory() as folder:
        took_ms = sorted(asyncio.run(searched(Path(folder))))
    print(f"a search among {Limits().scope_rows:,} questions of {DIMENSIONS} dimensions: ", end="")
    print(f"median {statistics.median(took_ms):.1f} ms, p95 {took_ms[94]:.1f} ms")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", default="held-out", choices=HALVES)
    parser.add_argument("--model", default="all-minilm", help="default: %(default)s")
    parser.add_argument("--url", help="an Ollama; default: the embedded engine")
    parser.add_argument("--missed", type=float, metavar="SIMILARITY", help="list what is wrong")
    parser.add_argument("--speed", action="store_true", help="measure the search instead")
    args = parser.parse_args()
    if args.speed:
        return speed()
    if args.missed is not None and args.half != "development":
        parser.error("only the development half may be looked at")
    text = (HERE / "cache" / "pairs.jsonl").read_text(encoding="utf-8")
    rows = [row for row in map(json.loads, text.splitlines()) if row["half"] == args.half]
    kinds = Counter(row["kind"] for row in rows)
    print(f"{args.half} half, {kinds[SAME]} paraphrases, {kinds[DIFFERENT]} near misses, ", end="")
    print(args.model)
    pairs = measured(rows, args.url, args.model)
    report(pairs)
    if args.missed is not None:
        missed(pairs, args.missed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
