"""The catalogue's numbers agree with each other."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from hal.embedded.catalogue import DEFAULT_MODEL, FALLBACK_MODEL, MODELS, Model, find
from hal.embedded.errors import ModelNotFound

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
each_in_parts = pytest.mark.parametrize(
    "model", [model for model in MODELS if model.parts], ids=lambda model: model.name
)


@each_in_parts
def test_pieces_cover_the_file_without_a_gap(model: Model) -> None:
    pieces = list(model.pieces())
    assert pieces[0].start == 0
    assert pieces[-1].end == model.size_bytes
    assert all(left.end == right.start for left, right in pairwise(pieces))
    assert all(piece.end > piece.start for piece in pieces)


@each_model
def test_what_is_fetched_is_pinned(model: Model) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
    assert all(re.fullmatch(r"[a-z0-9-]+==[\d.]+", p.requirement) for p in model.pieces())
    assert model.original is None or re.fullmatch(r"[a-z0-9-]+==[\d.]+", model.original.requirement)
    assert model.url is None or model.url.endswith(model.file_name)


@each_model
def test_every_model_can_be_had_from_a_package_registry(model: Model) -> None:
    assert (model.parts is None) != (model.original is None)


def test_the_defaults_exist_and_names_are_unique() -> None:
    assert find(DEFAULT_MODEL).name == DEFAULT_MODEL
    assert find(FALLBACK_MODEL).name == FALLBACK_MODEL
    assert not find(DEFAULT_MODEL).only_embeds
    assert not find(FALLBACK_MODEL).only_embeds
    names = [name for model in MODELS for name in (model.name, *model.also)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["Qwen2.5-Coder:0.5B", "qwen2.5-coder:0.5b-instruct"])
def test_other_spellings(name: str) -> None:
    assert find(name).name == "qwen2.5-coder:0.5b"


@pytest.mark.parametrize("name", ["all-minilm", "all-minilm:latest", "All-MiniLM:22m"])
def test_the_embedding_model_has_ollama_s_names(name: str) -> None:
    assert find(name).name == "all-minilm:latest"


@pytest.mark.parametrize("name", ["", "qwen2.5-coder", "smollm2", "nope"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ModelNotFound, match=f"model '{name}' not found"):
        find(name)
