"""A router's weights as a JSON file: written, read, checked.

The border between the file and `weights.py`; knows no arithmetic. No pickle: reading a file runs
nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from .draft import DRAFT
from .ngrams import BUCKETS
from .surface import SURFACE
from .weights import EMBEDDING, INPUTS, PROMPT, DraftHead, DraftHeads, Head, Stack, Weights
from .weights_schema import DraftFile, HeadFile, RouterFile, floats

FORMAT = "hal-router"
# Counts up when a file of before can no longer be read.
FILE_VERSION = 1
# Counts up when surface.py, ngrams.py, pieces.py or draft.py give other numbers for a text.
FEATURES_VERSION = 1
# A fitted router of three heads with a whole vocabulary is below 3 MB; more is another file.
LARGEST_FILE_BYTES = 16 * 2**20


class BadWeights(Exception):
    """A weights file that cannot be used; the message says why and what to do."""


def load_weights(path: Path) -> Weights:
    """Read a file. Raises BadWeights when it is missing, too large or not what it should be."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadWeights(f"{path.name} is larger than any router. Fit it anew: hal router fit")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadWeights(f"{path.name} cannot be read ({type(error).__name__}).") from error
    return parse_weights(text)


def parse_weights(text: str) -> Weights:
    """The same for the text of a file."""
    try:
        file = RouterFile.model_validate(json.loads(text))
        return _weights(file)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadWeights(_remedy(f"{place}: {first['msg']}")) from error
    except ValueError as error:
        raise BadWeights(_remedy(str(error))) from error


def dump_weights(weights: Weights) -> str:
    """The text of a file that `parse_weights` reads back, exactly."""
    heads = {"local_ok": weights.local_ok, "gain": weights.gain}
    if weights.needs_search is not None:
        heads["needs_search"] = weights.needs_search
    content = {
        "format": FORMAT,
        "version": FILE_VERSION,
        "features": FEATURES_VERSION,
        "made": dict(weights.made),
        "surface": {
            "names": SURFACE,
            "mean": weights.surface_mean,
            "scale": weights.surface_scale,
        },
        "embedding_model": weights.embedding_model,
        "vocabulary": list(weights.vocabulary),
        "heads": {name: _head_json(head) for name, head in heads.items()},
        "draft": None if weights.draft is None else {"names": DRAFT, **asdict(weights.draft)},
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


def _weights(file: RouterFile) -> Weights:
    surface = file.surface
    _standard("surface", surface.names, SURFACE, surface.mean, surface.scale)
    vocabulary = {piece: at for at, piece in enumerate(file.vocabulary)}
    if len(vocabulary) != len(file.vocabulary):
        raise ValueError("its vocabulary names a piece twice")
    heads, pieces = file.heads, len(vocabulary)
    search = heads.needs_search
    return Weights(
        vocabulary=vocabulary,
        surface_mean=surface.mean,
        surface_scale=surface.scale,
        embedding_model=file.embedding_model,
        local_ok=_head(heads.local_ok, pieces),
        gain=_head(heads.gain, pieces),
        needs_search=None if search is None else _head(search, pieces),
        draft=None if file.draft is None else _draft(file.draft),
        made=file.made,
    )


def _standard(
    what: str,
    names: tuple[str, ...],
    wanted: tuple[str, ...],
    mean: tuple[float, ...],
    scale: tuple[float, ...],
) -> None:
    if names != wanted:
        raise ValueError(f"its {what} features are not those of this version")
    if not len(mean) == len(scale) == len(wanted):
        raise ValueError(f"one mean and one scale are needed for each {what} feature")
    if not all(width > 0 for width in scale):
        raise ValueError(f"a scale of a {what} feature is not above zero")


def _draft(draft: DraftFile) -> DraftHeads:
    _standard("draft", draft.names, DRAFT, draft.mean, draft.scale)
    heads = [
        DraftHead(head.link, head.bias, head.features, head.local_ok, head.gain)
        for head in (draft.ok, draft.gain)
    ]
    if any(len(head.features) != len(DRAFT) for head in heads):
        raise ValueError("one weight is needed for each draft feature")
    return DraftHeads(draft.mean, draft.scale, *heads)


def _head(head: HeadFile, pieces: int) -> Head:
    sizes = (
        ("surface", len(head.surface), len(SURFACE)),
        ("words", len(head.words), BUCKETS),
        ("pairs", len(head.pairs), BUCKETS),
        ("parts", len(head.parts), BUCKETS),
        ("pieces", len(head.pieces), pieces),
    )
    for name, has, wanted in sizes:
        if has not in (0, wanted):
            raise ValueError(f"{name} has {has} weights, {wanted} are needed")
    return Head(
        link=head.link,
        surface=head.surface,
        words=head.words,
        pairs=head.pairs,
        parts=head.parts,
        pieces=head.pieces,
        embedding=head.embedding,
        stacks=_stacks(head),
    )


def _stacks(head: HeadFile) -> tuple[Stack, ...]:
    for stack in head.stacks:
        if len(stack.inputs) != len(stack.weights) or not set(stack.inputs) <= set(INPUTS):
            raise ValueError("a stack does not say what its weights are for")
        if EMBEDDING in stack.inputs and not head.embedding:
            raise ValueError("a stack reads an embedding that the head has no weights for")
    if (PROMPT,) not in {stack.inputs for stack in head.stacks}:
        raise ValueError("a head has no stack for a prompt alone")
    return tuple(Stack(stack.inputs, stack.bias, stack.weights) for stack in head.stacks)


def _head_json(head: Head) -> dict[str, object]:
    return {
        "link": head.link,
        "surface": head.surface,
        "words": floats(head.words),
        "pairs": floats(head.pairs),
        "parts": floats(head.parts),
        "pieces": floats(head.pieces),
        "embedding": head.embedding,
        "stacks": [
            {"inputs": stack.inputs, "bias": stack.bias, "weights": stack.weights}
            for stack in head.stacks
        ],
    }


def _remedy(problem: str) -> str:
    return f"The router's weights cannot be used: {problem}. Fit them anew: hal router fit"
