"""Makes the two optional inputs of bench/routing.py: word vectors and vectors of whole prompts.

Needs the `table` extra. Ten minutes on one core, nearly all of it for the prompts.

Run: python bench/_routing_vectors.py FOLDER   (writes pieces.npz and sentences.npz there)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from _routing_data import benchmark

from hal.lab.router.table import SentenceModel, distil, installed_files, save_table

BENCHMARKS = ("mmlu", "gsm8k")
# Prompts between two lines of progress.
STEP = 1000


def sentences(model: SentenceModel, name: str) -> np.ndarray:
    prompts = benchmark(name).prompts
    found = []
    for at, prompt in enumerate(prompts):
        if at % STEP == 0:
            print(f"{name}: {at} of {len(prompts)}", file=sys.stderr)
        found.append(model.sentence(prompt).astype(np.float32))
    return np.array(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    model = SentenceModel(*installed_files())
    save_table(distil(model.pieces()), folder / "pieces.npz")
    vectors = {name: sentences(model, name) for name in BENCHMARKS}
    np.savez_compressed(folder / "sentences.npz", **vectors)
    return 0


if __name__ == "__main__":
    sys.exit(main())
