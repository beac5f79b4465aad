"""The outcomes that bench/routing.py measures on, and which half of them choices may look at.

The data lie outside the repository: HAL_BENCH_DATA/routing (its README says where they are from).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hal.lab.router.curve import Floats, Outcomes

_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One row per prompt. `answers` are the weak model's (gsm8k only, else "")."""

    name: str
    ids: tuple[str, ...]
    sources: tuple[str, ...]
    prompts: tuple[str, ...]
    weak: Floats
    strong: Floats
    weak_model: str
    strong_model: str
    answers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, at: NDArray[np.int64]) -> Benchmark:
        """Some of them, in the order of `at`."""
        texts = (tuple(column[row] for row in at) for column in self._texts())
        ids, sources, prompts, answers = texts
        return Benchmark(
            self.name,
            ids,
            sources,
            prompts,
            self.weak[at],
            self.strong[at],
            self.weak_model,
            self.strong_model,
            answers,
        )

    @property
    def outcomes(self) -> Outcomes:
        return Outcomes(self.weak, self.strong)

    @property
    def is_frozen(self) -> NDArray[np.bool_]:
        """The half that no choice looked at: by the id, so that it is the same everywhere."""
        return np.array([_digest(one) % 2 == 1 for one in self.ids])

    def _texts(self) -> tuple[tuple[str, ...], ...]:
        return self.ids, self.sources, self.prompts, self.answers


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows of the five-way set, those of META left out; `label` is by source, not by row."""

    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    labels: tuple[str, ...]
    sources: tuple[str, ...]


def folder() -> Path:
    """Where the data are. Raises FileNotFoundError with the remedy."""
    found = Path(os.environ.get("HAL_BENCH_DATA") or _DEFAULT) / "routing"
    if not (found / "routing.parquet").is_file():
        raise FileNotFoundError("no routing data: set HAL_BENCH_DATA to the folder that holds it")
    return found


def benchmark(name: str) -> Benchmark:
    """mmlu, gsm8k, mt-bench, llmrouter or routerarena."""
    rows = [row for row in _table("routing.parquet") if row["benchmark"] == name]
    answers = {}
    if name == "gsm8k":
        answers = {row["id"]: row["weak_answer"] for row in _table("gsm8k_weak_answers.parquet")}
    return Benchmark(
        name=name,
        ids=tuple(row["id"] for row in rows),
        sources=tuple(row["source"] for row in rows),
        prompts=tuple(row["prompt"] for row in rows),
        weak=np.array([row["weak_score"] for row in rows], dtype=np.float64),
        strong=np.array([row["strong_score"] for row in rows], dtype=np.float64),
        weak_model=rows[0]["weak_model"],
        strong_model=rows[0]["strong_model"],
        answers=tuple(answers.get(row["id"]) or "" for row in rows),
    )


def five_way() -> Labelled:
    """SIMPLE, MODERATE, COMPLEX and ENRICH; ids are fw-<row in the file>."""
    rows = [(f"fw-{at}", row) for at, row in enumerate(_table("fiveway.parquet")) if _is_asked(row)]
    return Labelled(
        ids=tuple(name for name, _ in rows),
        prompts=tuple(row["prompt"] for _, row in rows),
        labels=tuple(row["label"] for _, row in rows),
        sources=tuple(row["source"] for _, row in rows),
    )


def classifier_labels(path: Path) -> dict[str, dict[str, float]]:
    """What a classifier said of the five-way set: {"id","p":{"SIMPLE","COMPLEX","ENRICH"}} a line;
    P(SIMPLE) and P(COMPLEX) of the difficulty, P(ENRICH) that a search is needed.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    return {(row := json.loads(line))["id"]: row["p"] for line in lines if line.strip()}


def _is_asked(row: dict[str, str]) -> bool:
    return row["label"] != "META"


def _table(name: str) -> list[dict[str, object]]:
    from pyarrow.parquet import read_table

    return list(read_table(folder() / name).to_pylist())


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
