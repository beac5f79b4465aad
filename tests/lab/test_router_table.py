"""Vectors of word pieces on the disk, and files that are not the right ones."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.examples import PieceTable
from hal.lab.router.table import (
    MODEL_SHA256,
    SentenceModel,
    WrongFile,
    distil,
    load_table,
    save_table,
)


def test_what_is_saved_is_loaded_to_a_signed_byte(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 8))
    table = PieceTable({"cat": 0, "##s": 1, "ü": 2}, vectors)
    save_table(table, tmp_path / "pieces.npz")
    found = load_table(tmp_path / "pieces.npz")
    assert found.vocabulary == table.vocabulary
    assert np.abs(found.vectors - vectors).max() <= np.abs(vectors).max() / 127


def test_a_table_that_does_not_add_up(tmp_path: Path) -> None:
    save_table(PieceTable({"cat": 0}, np.ones((2, 4))), tmp_path / "pieces.npz")
    with pytest.raises(ValueError, match="names 1 pieces and has 2 vectors"):
        load_table(tmp_path / "pieces.npz")


def test_another_model_is_not_run(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the table extra is not installed")
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(WrongFile, match=MODEL_SHA256):
        SentenceModel(tmp_path / "model.onnx", tmp_path / "tokenizer.json")


def test_frequent_pieces_count_less_and_all_fit_a_byte() -> None:
    pieces = [
        ("one", np.array([1.0, 0.0, 0.0])),
        ("two", np.array([0.0, 1.0, 0.0])),
        ("three", np.array([1.0, 1.0, 0.0])),
    ]
    table = distil(pieces, dimensions=2)
    assert list(table.vocabulary) == ["one", "two", "three"]
    assert table.vectors.shape == (3, 2)
    assert np.abs(table.vectors).max() == pytest.approx(1.0)
    # Both stand as far from the middle; the second is the rarer one.
    lengths = np.linalg.norm(table.vectors, axis=1)
    assert lengths[0] < lengths[1]
