"""Calibrations: chosen by promise, stale by name, the same after a file; the router's folder."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.routing.learned.calibration import Calibration, Choice, DraftChoice, staleness
from hal.routing.learned.calibration_file import (
    LARGEST_FILE_BYTES,
    BadCalibration,
    dump_calibration,
    load_calibration,
    parse_calibration,
)
from hal.routing.learned.folder import PRIOR, RouterFolder, prior
from hal.routing.learned.weights_file import BadWeights

LOW = Choice(0.9, 0.3, 0.2, 0.93, 0.9)
HIGH = Choice(0.95, 0.1, 0.4, 0.97, 0.95, margin=0.2, sure_share=0.6)
MADE = Calibration(
    router_id="router+12345678",
    local_model="local:30b",
    local_digest="abc",
    cloud_model="cloud-1",
    choices=(LOW, HIGH),
    fixed=None,
    turns=400,
    since="2026-09-01",
    until="2026-10-01",
    labels={"ratings": 400},
    made_at="2026-10-02T00:00:00+00:00",
)

shares = st.floats(0, 1)
amounts = st.floats(allow_nan=False)
drafts = st.builds(
    DraftChoice,
    low=amounts,
    threshold=amounts,
    drafted=shares,
    escalated=shares,
    cloud_share=shares,
    quality=shares,
    worst_case=shares,
    high=st.none() | amounts,
)
choices = st.builds(
    Choice,
    target=st.none() | shares,
    threshold=amounts,
    cloud_share=shares,
    quality=shares,
    worst_case=shares,
    margin=amounts,
    sure_share=shares,
    draft=st.none() | drafts,
)


@given(st.lists(choices, max_size=3), st.none() | choices)
def test_a_file_gives_back_what_was_written(found: list[Choice], fixed: Choice | None) -> None:
    made = replace(MADE, choices=tuple(found), fixed=fixed)
    assert parse_calibration(dump_calibration(made)) == made


def test_infinity_is_a_word_in_the_file() -> None:
    made = replace(MADE, choices=(replace(LOW, threshold=inf), replace(LOW, threshold=-inf)))
    content = json.loads(dump_calibration(made))
    assert [one["threshold"] for one in content["choices"]] == ["never", "always"]
    assert content["choices"][0]["margin"] == "never"


def test_a_file_without_the_upper_end_of_the_band_is_read() -> None:
    draft = DraftChoice(0.1, 0.2, 0.3, 0.1, 0.2, 0.96, 0.95, high=0.5)
    content = json.loads(dump_calibration(replace(MADE, choices=(replace(LOW, draft=draft),))))
    del content["choices"][0]["draft"]["high"]
    read = parse_calibration(json.dumps(content)).choices[0].draft
    assert read == replace(draft, high=None)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [(0.5, LOW), (0.9, LOW), (0.93, HIGH), (0.95 + 1e-12, HIGH), (0.96, None)],
    ids=["lower", "the same", "between", "the same as typed", "higher than any"],
)
def test_the_cheapest_choice_that_keeps_a_promise(target: float, wanted: Choice | None) -> None:
    assert MADE.choice_for(target) == wanted


def test_a_share_of_turns_goes_before_every_promise() -> None:
    fixed = Choice(None, 0.7, 0.1, 0.8, 0.75)
    assert replace(MADE, fixed=fixed).choice_for(0.99) == fixed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"router_id": "router+87654321"}, "weights have changed"),
        ({"local_model": "other"}, "other answers now"),
        ({"cloud_model": "cloud-2"}, "cloud-2 answers now"),
        ({"local_digest": "def"}, "another version"),
        ({"local_digest": ""}, ""),
    ],
    ids=["the same", "weights", "local model", "cloud model", "digest", "digest not told"],
)
def test_what_makes_it_stale(changes: dict[str, str], words: str) -> None:
    now = {
        "router_id": MADE.router_id,
        "local_model": MADE.local_model,
        "local_digest": MADE.local_digest,
        "cloud_model": MADE.cloud_model,
    }
    said = staleness(MADE, **{**now, **changes})
    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "nonsense"),
        dump_calibration(MADE).replace('"version": 1', '"version": 2'),
        dump_calibration(MADE).replace("hal-router-calibration", "other"),
        dump_calibration(MADE).replace('"turns": 400', '"turns": 400, "more": 1'),
        dump_calibration(MADE).replace('"threshold": 0.3', '"threshold": "often"'),
    ],
    ids=["empty", "list", "object", "no JSON", "version", "format", "unknown field", "word"],
)
def test_what_is_no_calibration_says_so_with_the_remedy(text: str) -> None:
    with pytest.raises(BadCalibration, match="hal router calibrate"):
        parse_calibration(text)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b" " * (LARGEST_FILE_BYTES + 1)])
def test_a_file_that_cannot_be_one(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadCalibration):
        load_calibration(path)


def test_an_empty_folder_has_the_prior_and_nothing_else(tmp_path: Path) -> None:
    folder = RouterFolder(tmp_path / "router")
    assert folder.weights() == prior()
    assert folder.weights().id.startswith(f"{PRIOR}+")
    assert folder.candidate() is None
    assert folder.calibration() is None


def test_a_folder_gives_back_what_was_put(tmp_path: Path) -> None:
    folder = RouterFolder(tmp_path / "router")
    weights = replace(prior().weights, made={"n": "1"})
    assert folder.put_weights(weights) == folder.weights().id
    assert folder.weights().id.startswith("router+")
    assert folder.weights().weights == weights
    other = replace(weights, made={"n": "2"})
    assert folder.put_candidate(other) != folder.weights().id
    assert folder.candidate() is not None
    folder.put_calibration(MADE)
    assert folder.calibration() == MADE
    assert {path.name for path in folder.path.iterdir()} == {
        *("weights.json", "candidate.json", "calibration.json")
    }


@pytest.mark.parametrize("name", ["weights", "candidate"])
@pytest.mark.parametrize("content", [b"{}", b"\xff", b"nonsense"])
def test_broken_weights_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    folder = RouterFolder(tmp_path)
    (tmp_path / f"{name}.json").write_bytes(content)
    with pytest.raises(BadWeights):
        getattr(folder, name)()
