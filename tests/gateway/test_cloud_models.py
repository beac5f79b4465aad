"""The table of xAI's models, and what an answer costs by it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from hal.errors import ConfigError
from hal.gateway.providers.cloud_models import TABLE, CloudModels, cost_usd
from hal.types import Usage

MODELS = CloudModels.load()


def test_the_table_names_its_source_and_its_date() -> None:
    table = json.loads((files("hal.gateway.providers") / TABLE).read_text(encoding="utf-8"))
    assert table["source"].startswith("https://")
    assert table["retrieved"] >= "2026"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("grok-4.3", "grok-4.3"),
        ("grok-4.3-latest", "grok-4.3"),
        ("grok-4.20", "grok-4.20"),
        ("grok-4.20-0309-reasoning", "grok-4.20"),
        ("grok-4.20-non-reasoning", "grok-4.20-non-reasoning"),
        ("grok-4.20-non-reasoning-fast", "grok-4.20-non-reasoning"),
        ("grok-4.30", "grok-4.30"),
        ("llama", "llama"),
    ],
)
def test_the_closest_entry_wins(name: str, match: str) -> None:
    assert MODELS.find(name).match == match


def test_an_unknown_model_is_treated_with_care() -> None:
    model = MODELS.find("grok-9")
    assert model.drops == {"stop", "presence_penalty", "frequency_penalty"}
    assert model.price is None
    assert cost_usd(model, Usage(10, 10)) is None


@pytest.mark.parametrize(
    ("model", "usage", "want"),
    [
        ("grok-4.3", Usage(1_000, 1_000), 0.00125 + 0.0025),
        ("grok-4.3", Usage(1_000, 0, cached_tokens=400), 600 * 1.25e-6 + 400 * 0.2e-6),
        ("grok-4.3", Usage(0, 100, reasoning_tokens=300), 400 * 2.5e-6),
        ("grok-4.3", Usage(199_999, 0), 199_999 * 1.25e-6),
        ("grok-4.3", Usage(200_000, 100), 2 * (0.25 + 100 * 2.5e-6)),
        ("grok-4.3", Usage(5, 0, cached_tokens=9), 5 * 0.2e-6),
        ("grok-4.5", Usage(1_000, 0, cached_tokens=1_000), 0.0005),
        ("grok-4.7", Usage(200_000, 1_000, cached_tokens=100_000), 2 * (0.2 + 0.05 + 0.006)),
        ("grok-4.20-non-reasoning", Usage(1_000, 1_000), 0.00125 + 0.0025),
        ("grok-4.3", Usage(), 0.0),
    ],
)
def test_cost(model: str, usage: Usage, want: float) -> None:
    assert cost_usd(MODELS.find(model), usage) == pytest.approx(want)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"models": [{}]}', '{"models": 3}'])
def test_a_broken_table_is_a_config_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "models.json"
    path.write_text(text)
    with pytest.raises(ConfigError):
        CloudModels.load(path)


def test_no_table_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        CloudModels.load(tmp_path / "models.json")


def own_prices(folder: Path, text: str) -> CloudModels:
    path = folder / "prices.json"
    path.write_text(text)
    return CloudModels.load(prices=path)


def test_without_a_file_of_ones_own_the_table_holds(tmp_path: Path) -> None:
    assert CloudModels.load(prices=tmp_path / "prices.json") == MODELS


def test_ones_own_prices_go_before_the_table(tmp_path: Path) -> None:
    text = """{"grok-4.3": {"input": 3, "output": 15, "cached": 1.0},
               "grok-9": {"input": 1, "output": 2, "tier": {"from_tokens": 1000, "factor": 3}}}"""
    models = own_prices(tmp_path, text)
    assert models.warnings == ()
    ours, new = models.find("grok-4.3-latest"), models.find("grok-9")
    assert cost_usd(ours, Usage(1_000_000, 0, cached_tokens=500_000)) == pytest.approx(2.0)
    assert cost_usd(new, Usage(1_000, 0)) == pytest.approx(0.003)
    assert (ours.efforts, ours.can_see) == (MODELS.find("grok-4.3").efforts, True)
    assert new.drops == {"stop", "presence_penalty", "frequency_penalty"}
    assert models.find("grok-4.7") == MODELS.find("grok-4.7")


def test_a_cached_token_without_a_price_of_its_own_costs_in_full(tmp_path: Path) -> None:
    model = own_prices(tmp_path, '{"grok-9": {"input": 2, "output": 6}}').find("grok-9")
    assert cost_usd(model, Usage(1_000, 0, cached_tokens=1_000)) == pytest.approx(0.002)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("3", "is not an object"),
        ('{"input": 1}', "output is not a number"),
        ('{"input": "1", "output": 2}', "input is not a number"),
        ('{"input": true, "output": 2}', "input is not a number"),
        ('{"input": -1, "output": 2}', "input is not a number"),
        ('{"input": NaN, "output": 2}', "input is not a number"),
        ('{"input": 1, "output": Infinity}', "output is not a number"),
        ('{"input": 1, "output": 2, "cached": null}', "cached is not a number"),
        ('{"input": 1, "output": 2, "cacehd": 1}', "cacehd is not known"),
        ('{"input": 1, "output": 2, "tier": 4}', "tier is not an object"),
        ('{"input": 1, "output": 2, "tier": {"from_tokens": 9}}', "factor is not a number"),
        ('{"input": 1, "output": 2, "tier": {"from": 9, "factor": 2}}', "from is not known"),
    ],
)
def test_a_price_that_is_none_is_left_out_and_said(tmp_path: Path, entry: str, why: str) -> None:
    models = own_prices(tmp_path, f'{{"grok-4.3": {entry}, "grok-9": {{"input": 1, "output": 2}}}}')
    (warning,) = models.warnings
    assert warning.startswith("prices.json: grok-4.3: ")
    assert why in warning
    assert models.find("grok-4.3") == MODELS.find("grok-4.3")
    assert models.find("grok-9").price is not None


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"[" * 100_000, b'{"\xff": 1}'])
def test_a_file_that_is_none_is_a_warning_and_no_failure(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "prices.json"
    path.write_bytes(data)
    models = CloudModels.load(prices=path)
    assert models.models == MODELS.models
    assert "the known prices hold" in models.warnings[0]


def test_a_file_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "prices.json").mkdir()
    assert "cannot be read" in CloudModels.load(prices=tmp_path / "prices.json").warnings[0]
