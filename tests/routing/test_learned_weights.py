"""The weights file: what is written is read back, and what is wrong is refused with a remedy."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hal.routing.learned.draft import DRAFT
from hal.routing.learned.ngrams import BUCKETS
from hal.routing.learned.surface import SURFACE
from hal.routing.learned.weights import DraftHead, DraftHeads, Head, Link, Stack, Weights
from hal.routing.learned.weights_file import BadWeights, dump_weights, load_weights, parse_weights

PRIOR = Path(__file__).parents[2] / "pipelines" / "hal" / "routing" / "learned" / "prior.json"


def head(**changes: Any) -> Head:
    plain = Head(
        link=Link.LOGISTIC,
        surface=tuple(at / 10 for at in range(len(SURFACE))),
        words=array("f", (at / 7 for at in range(BUCKETS))),
        pairs=array("f"),
        parts=array("f"),
        pieces=array("f", [0.25, -1.5]),
        embedding=(0.1, -0.2, 0.3),
        stacks=(
            Stack(("prompt",), 0.5, (2.0,)),
            Stack(("prompt", "embedding"), 0.5, (2.0, 1.0)),
        ),
    )
    return replace(plain, **changes)


def whole(**changes: Any) -> Weights:
    draft = DraftHead(Link.LOGISTIC, 0.1, (0.5,) * len(DRAFT), 0.3, -0.4)
    plain = Weights(
        vocabulary={"cat": 0, "##s": 1},
        surface_mean=(0.5,) * len(SURFACE),
        surface_scale=(2.0,) * len(SURFACE),
        embedding_model="all-minilm",
        local_ok=head(),
        gain=head(link=Link.IDENTITY),
        needs_search=None,
        draft=DraftHeads((0.0,) * len(DRAFT), (1.0,) * len(DRAFT), draft, draft),
        made={"labels": "ratings", "turns": "120"},
    )
    return replace(plain, **changes)


@pytest.mark.parametrize(
    "weights",
    [whole(), whole(needs_search=head()), whole(draft=None)],
    ids=["draft", "search", "no draft"],
)
def test_what_is_written_is_read_back(weights: Weights) -> None:
    assert parse_weights(dump_weights(weights)) == weights


def test_a_file_is_read_from_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "router.json"
    path.write_text(dump_weights(whole()), encoding="utf-8")
    assert load_weights(path) == whole()


def spoil(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(file: dict[str, Any]) -> None:
        *way, last = path.split(".")
        for step in way:
            file = file[int(step) if step.isdigit() else step]
        file[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (spoil("format", "other"), "format"),
        (spoil("version", 2), "version"),
        (spoil("features", 9), "features"),
        (spoil("more", 1), "more"),
        (spoil("surface.names", ["a"]), "not those of this version"),
        (spoil("surface.mean", [1.0]), "one mean"),
        (spoil("surface.scale", [0.0] * len(SURFACE)), "not above zero"),
        (spoil("vocabulary", ["cat", "cat"]), "twice"),
        (spoil("vocabulary", ["cat"]), "pieces has 2 weights, 1 are needed"),
        (spoil("heads.gain.words", "AAAA"), "whole number"),
        (spoil("heads.gain.words", "AAAAAA=="), "words has 1 weights"),
        (spoil("heads.gain.words", "not base64!"), "not base64"),
        (spoil("heads.gain.words", 7), "base64"),
        (spoil("heads.gain.words", "AADAfw=="), "not finite"),
        (spoil("heads.gain.surface", [1.0]), "surface has 1 weights"),
        (spoil("heads.gain.stacks", []), "prompt alone"),
        (spoil("heads.gain.link", "cubic"), "link"),
        (spoil("draft.names", []), "draft features"),
        (spoil("draft.ok", None), "draft.ok"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused(change: Callable[[dict[str, Any]], None], says: str) -> None:
    file = json.loads(dump_weights(whole()))
    change(file)
    with pytest.raises(BadWeights, match="hal router fit") as refused:
        parse_weights(json.dumps(file))
    assert says in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": NaN}'])
def test_what_is_no_file_of_ours(text: str) -> None:
    with pytest.raises(BadWeights):
        parse_weights(text)


def test_a_missing_file_says_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"gone\.json"):
        load_weights(tmp_path / "gone.json")


def test_the_shipped_prior_is_small_and_fits_this_version() -> None:
    assert PRIOR.stat().st_size < 20_000
    weights = load_weights(PRIOR)
    assert (weights.needs_search, weights.draft, weights.vocabulary) == (None, None, {})
    assert "licence" in weights.made
