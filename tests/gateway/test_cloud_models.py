"""The table of xAI's models, and what an answer costs by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hal.errors import ConfigError
from hal.gateway.providers.cloud_models import TABLE, CloudModels, cost_usd
from hal.types import Usage

MODELS = CloudModels.load()


def test_the_table_names_its_source_and_its_date() -> None:
    table = json.loads(TABLE.read_text())
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
        ("grok-4.5", Usage(1_000, 0, cached_tokens=1_000), 0.002),
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
