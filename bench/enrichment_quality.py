"""How well a small model answers from sources, with our prompt and with a plain one.

RGB (chen700564/RGB, CC BY-NC-SA 4.0: for evaluation only, none of its text is printed): questions
with documents that hold the answer and documents that do not. Each question is asked with five
documents, of which a share is noise: how often is the answer right; and with noise alone: how often
does the model say that it is not there. Both prompts get the same documents in the same order.
A right answer holds the expected string, as in RGB's own script; a refusal is known by its words,
so both are lower bounds. Prints ratios with Wilson's 95 % interval; progress goes to stderr.

Run: python bench/enrichment_quality.py [--rows 20] [--model qwen2.5-coder:1.5b] [--noise 0,0.8]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any

import requests

from hal.embedded.launch import start
from hal.enrichment.cite import AnswerFilter
from hal.enrichment.cleaning import clean_text
from hal.enrichment.material import material
from hal.enrichment.types import Cited, Findings, Search
from hal.prompts import load_prompt

Row = dict[str, Any]
DOCUMENTS = 5  # as in RGB's paper
NOISE = (0.0, 0.4, 0.8, 1.0)  # 1.0: nothing but noise, the answer is to be refused
ANSWER_TOKENS = 80
SEED = 7
TODAY = date(2023, 10, 1)  # the questions are about 2021 to 2023
_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"
_REFUSAL = re.compile(
    r"insufficient|(?:do(?:es)?|did|is|are|was|were|can|could)(?: not|n't|not)\b"
    r"|no (?:\w+ )?(?:information|mention|answer|details?|data|source|evidence)"
    r"|missing|unable|unknown|unclear|unfortunately|i'm sorry",
    re.IGNORECASE,
)


@dataclass
class Score:
    asked: int = 0
    right: int = 0
    refused: int = 0
    cites: int = 0
    cites_right: int = 0
    invalid: int = 0
    times_s: list[float] = field(default_factory=list)


def rows(count: int) -> list[Row]:
    base = Path(os.environ.get("HAL_BENCH_DATA") or _DEFAULT) / "enrichment" / "rgb"
    with (base / "en_fact.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    random.Random(SEED).shuffle(found)
    return found[:count]


def documents(row: Row, noise: float) -> list[tuple[str, bool]]:
    """Five documents or as many as there are, and whether each holds the answer."""
    rng = random.Random(f"{SEED}-{row['id']}-{noise}")
    wanted = round(DOCUMENTS * (1 - noise))
    good = [(text, True) for text in row["positive"][:wanted]]
    bad = [(text, False) for text in row["negative"][: DOCUMENTS - len(good)]]
    mixed = [*good, *bad]
    rng.shuffle(mixed)
    return mixed


def grounded(question: str, texts: Sequence[str]) -> str:
    """Our own material and prompt."""
    sources = tuple(
        Cited(
            n, f"https://site{n}.example/", f"Result {n}", f"site{n}.example", (clean_text(text),)
        )
        for n, text in enumerate(texts, start=1)
    )
    findings = Findings(Search((question,)), sources=sources)
    return material(load_prompt("grounded"), question, findings, "7f3a91c2", TODAY)


def plain(question: str, texts: Sequence[str]) -> str:
    """What most tutorials do."""
    joined = "\n\n".join(texts)
    return f"Use the following context to answer the question.\n\n{joined}\n\nQuestion: {question}"


def is_right(answer: str, wanted: object) -> bool:
    answer = answer.lower()
    parts = wanted if isinstance(wanted, list) else [wanted]
    return all(
        any(str(one).lower() in answer for one in (part if isinstance(part, list) else [part]))
        for part in parts
    )


def ask(url: str, model: str, prompt: str) -> str:
    body = {
        "model": model,
        "stream": False,
        "messages": [{"role": "user", "content": prompt}],
        "options": {"temperature": 0, "num_predict": ANSWER_TOKENS, "num_ctx": 4096},
    }
    reply = requests.post(f"{url}/api/chat", json=body, timeout=300)
    reply.raise_for_status()
    return str(reply.json()["message"]["content"])


def measure(score: Score, row: Row, noise: float, prompt: Callable[..., str], say: Any) -> None:
    found = documents(row, noise)
    started = time.monotonic()
    answer = say(prompt(row["query"], [text for text, _ in found]))
    score.times_s.append(time.monotonic() - started)
    citing = AnswerFilter(len(found), ())
    answer = citing.feed(answer) + citing.flush()
    score.asked += 1
    score.right += is_right(answer, row["answer"])
    score.refused += bool(_REFUSAL.search(answer))
    score.cites += bool(citing.cited)
    score.cites_right += any(found[number - 1][1] for number in citing.cited)
    score.invalid += citing.invalid


def ratio(part: int, n: int) -> str:
    """With Wilson's 95 % interval."""
    if n == 0:
        return "-"
    p, zz, z = part / n, 1.96**2 / n, 1.96
    middle, half = p + zz / 2, z * sqrt(p * (1 - p) / n + zz / (4 * n))
    low, high = (middle - half) / (1 + zz), (middle + half) / (1 + zz)
    return f"{p:.2f} [{low:.2f}, {high:.2f}]"


def lines(scores: dict[tuple[str, float], Score]) -> Iterator[str]:
    yield f"{'prompt':10}{'noise':>6}{'n':>4}  {'right':20}{'says it is missing':20}{'cites':20}"
    for (name, noise), s in scores.items():
        cites = f"{s.cites}/{s.asked}, right {s.cites_right}, invalid {s.invalid}"
        counts = f"{ratio(s.right, s.asked):20}{ratio(s.refused, s.asked):20}{cites}"
        mean = sum(s.times_s) / max(1, len(s.times_s))
        yield f"{name:10}{noise:6.1f}{s.asked:4}  {counts}, {mean:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=20, help="questions; the set has 100")
    parser.add_argument("--model", default="qwen2.5-coder:1.5b")
    parser.add_argument("--noise", default=",".join(map(str, NOISE)))
    parser.add_argument("--limit-s", type=float, default=0, help="stop asking after so long")
    arguments = parser.parse_args()
    shares = [float(share) for share in arguments.noise.split(",")]
    prompts: dict[str, Callable[..., str]] = {"grounded": grounded, "plain": plain}
    scores = {(name, share): Score() for name in prompts for share in shares}
    server = start([arguments.model], extra=["--threads", "1"])
    started = time.monotonic()
    try:
        for n, row in enumerate(rows(arguments.rows), start=1):
            if arguments.limit_s and time.monotonic() - started > arguments.limit_s:
                break
            for (name, share), score in scores.items():
                measure(
                    score,
                    row,
                    share,
                    prompts[name],
                    lambda text: ask(server.url, arguments.model, text),
                )
            print(f"{n} of {arguments.rows}, {time.monotonic() - started:.0f} s", file=sys.stderr)
    finally:
        server.stop()
    print("\n".join(lines(scores)))


if __name__ == "__main__":
    main()
