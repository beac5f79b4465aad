"""Does comparing passages by meaning as well (SEARCH_EMBEDDINGS) find the better ones?

RGB (chen700564/RGB, CC BY-NC-SA 4.0: for evaluation only, none of its text is printed): for each
question the excerpts that hold the answer among those that do not, in the order of `worth`: by
words alone, and with a real embedding model's nearness fused in; and by nearness alone. Neither the
search engine's order nor titles help here, as the set has none. Prints hit@1 and hit@3 (the answer
is in the first, in one of the first three), the mean reciprocal rank, and how long a call took;
progress goes to stderr. The model runs in the embedded engine with one thread, or in Ollama.

Run: python bench/enrichment_meaning.py [--rows 50] [--model all-minilm] [--url http://ollama:11434]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ollama
from cache_hits import client
from enrichment_quality import SEED, Row, rows

from hal.enrichment.meaning import USED, PassageMeaning
from hal.enrichment.passages import terms
from hal.enrichment.readable import Readable
from hal.enrichment.types import Freshness, Hit
from hal.enrichment.worth import by_worth

# As the engine's first call may load the model, no deadline of ours decides what is measured.
PATIENT_S = 600.0


def excerpts(row: Row) -> list[tuple[str, bool]]:
    """All excerpts of a question, each once, in an order of chance; and whether it answers."""
    texts = {text: True for text in row["positive"]}
    texts |= {text: False for text in row["negative"] if text not in texts}
    mixed = list(texts.items())
    random.Random(f"{SEED}-{row['id']}").shuffle(mixed)
    return mixed


def ranked(question: str, texts: Sequence[str], near: Mapping[str, float] | None) -> list[str]:
    """The texts as the turn would rank them, were each the whole of a page."""
    hit = Hit("https://a.example/", "", "", 1)
    sources = [Readable(hit, hit.url, "", (text,), "page", None, None) for text in texts]
    found = by_worth(sources, frozenset(terms(question)), Freshness.ANY, near)
    return [passage.text for passage in found]


def first_right(order: Sequence[str], is_right: Mapping[str, bool]) -> int:
    return next(place for place, text in enumerate(order, start=1) if is_right[text])


async def nearness(
    asked: ollama.Client, model: str, question: str, texts: Sequence[str]
) -> Mapping[str, float]:
    async def embed(wanted: Sequence[str]) -> Sequence[Sequence[float]]:
        return (await asyncio.to_thread(asked.embed, model, [*wanted])).embeddings

    meaning = PassageMeaning(embed, deadline_s=PATIENT_S)
    near, word = await meaning.nearness(question, texts, PATIENT_S)
    if word != USED:
        raise SystemExit(f"{model} gave no vectors: {word}")
    return near


def show(name: str, places: Sequence[int]) -> None:
    share: Callable[[int], float] = lambda n: mean(place <= n for place in places)  # noqa: E731
    reciprocal = mean(1 / place for place in places)
    print(f"{name:22} hit@1 {share(1):.2f}  hit@3 {share(3):.2f}  MRR {reciprocal:.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50, help="how many questions, of 100")
    parser.add_argument("--model", default="all-minilm", help="the embedding model")
    parser.add_argument("--url", help="an Ollama; without one the embedded engine is started")
    args = parser.parse_args()
    by_words, by_both, by_meaning, took_s = [], [], [], []
    with client(args.url, args.model) as asked:
        for number, row in enumerate(rows(args.rows), start=1):
            is_right = dict(excerpts(row))
            texts, question = list(is_right), row["query"]
            began = time.perf_counter()
            near = asyncio.run(nearness(asked, args.model, question, texts))
            took_s.append(time.perf_counter() - began)
            by_words.append(first_right(ranked(question, texts, None), is_right))
            by_both.append(first_right(ranked(question, texts, near), is_right))
            nearest = sorted(texts, key=near.__getitem__, reverse=True)
            by_meaning.append(first_right(nearest, is_right))
            print(f"{number}/{args.rows} {took_s[-1]:.2f} s, {len(texts)} texts", file=sys.stderr)
    print(f"{len(by_words)} questions, {args.model}; one call, median {median(took_s):.2f} s")
    show("words", by_words)
    show("words and meaning", by_both)
    show("meaning", by_meaning)
    return 0


if __name__ == "__main__":
    sys.exit(main())
