"""Drawings of a router: what is drawn is what was measured, and nothing of a name is obeyed."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

import numpy as np

from hal.lab.router.calibration import confusion, reliability
from hal.lab.router.curve import Outcomes, apgr_of, length_scores
from hal.lab.router.plots import (
    LENGTH,
    ORACLE,
    RANDOM,
    confusion_figure,
    confusion_svg,
    cost_quality_figure,
    cost_quality_lines,
    cost_quality_svg,
    reliability_figure,
    reliability_svg,
    save_png,
)

LABELS = ("LOCAL", "COMPLEX", "ENRICH")
COUNTS = confusion(["LOCAL", "LOCAL", "COMPLEX"], ["LOCAL", "COMPLEX", "COMPLEX"], LABELS)
PNG = b"\x89PNG\r\n\x1a\n"


def _lines(name: str = "learned"):
    random = np.random.default_rng(3)
    weak, strong = (
        (random.random(200) < 0.6).astype(float),
        (random.random(200) < 0.8).astype(float),
    )
    scores = strong - weak + random.normal(0, 1, 200)
    lengths = length_scores(["x" * int(size) for size in random.integers(1, 90, 200)])
    outcomes = Outcomes(weak, strong)
    return cost_quality_lines({name: scores}, lengths, outcomes), scores, outcomes


def test_every_router_stands_beside_the_baselines() -> None:
    lines, scores, outcomes = _lines()
    assert [one.name for one in lines] == ["learned", ORACLE, LENGTH, RANDOM]
    by_name = {one.name: one for one in lines}
    assert by_name["learned"].apgr == apgr_of(scores, outcomes.weak, outcomes.strong)
    assert by_name[RANDOM].apgr == pytest.approx(0.5)
    assert all(by_name[ORACLE].apgr >= one.apgr for one in lines)


def test_the_curve_in_the_svg_goes_through_both_models() -> None:
    lines, _, outcomes = _lines()
    svg = cost_quality_svg(lines, "cost")
    curves = [one for one in re.findall(r'points="([^"]*)"', svg) if one.count(" ") > 2]
    assert len(curves) == len(lines)
    starts, ends = zip(*((one.split()[0], one.split()[-1]) for one in curves), strict=True)
    assert len(set(starts)) == 1
    assert len(set(ends)) == 1
    assert f"always local {outcomes.weak.mean():.3f}" in svg
    assert f"always cloud {outcomes.strong.mean():.3f}" in svg


@pytest.mark.parametrize("constant", [0.0, 1.0, 8.5])
def test_models_of_the_same_quality_can_be_drawn(constant: float) -> None:
    same = np.full(5, constant)
    lines = cost_quality_lines({"one": np.arange(5.0)}, np.arange(5.0), Outcomes(same, same))
    ElementTree.fromstring(cost_quality_svg(lines, "cost"))  # noqa: S314 - our own


def test_every_bin_has_its_dot_and_its_interval() -> None:
    bins = reliability(np.linspace(0, 1, 60), (np.linspace(0, 1, 60) > 0.4).astype(float), 6)
    svg = reliability_svg(bins, "said")
    assert svg.count("<circle") == svg.count('class="range"') == len(bins) == 6
    assert all(f"n = {each.count}" in svg for each in bins)


def test_no_bins_are_an_empty_drawing() -> None:
    ElementTree.fromstring(reliability_svg((), "said"))  # noqa: S314 - our own


def test_the_matrix_shows_counts_and_shares_of_the_row() -> None:
    svg = confusion_svg(COUNTS, "confused")
    assert svg.count("1 (50%)") == 4  # twice as a text, twice as its tip
    assert "1 (100%)" in svg
    assert "0 (0%)" in svg


def test_names_are_escaped() -> None:
    lines, _, _ = _lines("<script>&\"'")
    parsed = ElementTree.fromstring(cost_quality_svg(lines, "cost"))  # noqa: S314 - our own
    assert not parsed.findall(".//script")


def test_figures_become_png_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the bench extra is not installed")
    lines, _, _ = _lines()
    bins = reliability(np.linspace(0, 1, 60), (np.linspace(0, 1, 60) > 0.4).astype(float))
    figures = {
        "cost": cost_quality_figure(lines, "MMLU"),
        "said": reliability_figure(bins),
        "confused": confusion_figure(COUNTS),
    }
    for name, figure in figures.items():
        save_png(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)
    labels = [text.get_text() for text in figures["cost"].axes[0].get_legend().get_texts()]
    assert labels[0].startswith("learned (APGR ")
    texts = [text.get_text() for text in figures["confused"].axes[0].texts]
    assert texts[:5] == ["1 (50%)", "1 (50%)", "0 (0%)", "0 (0%)", "1 (100%)"]
