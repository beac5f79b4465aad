"""Prompts: flat front matter, placeholders that must be filled, ids that follow the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.errors import ConfigError
from hal.prompts import load_prompt, parse_prompt, prompt_folders

REPO = Path(__file__).resolve().parents[2]
TEXT = "---\nname: greet\nversion: 3\n\nmodel: a:1b\n---\n\nHello $who, it costs $$5.\n{json: 1}\n"


def test_front_matter_and_body_are_told_apart() -> None:
    prompt = parse_prompt("greet", TEXT)
    assert prompt.meta == {"name": "greet", "version": "3", "model": "a:1b"}
    assert prompt.render(who="you") == "Hello you, it costs $5.\n{json: 1}"
    assert prompt.text == TEXT


def test_a_rule_in_the_body_does_not_end_it() -> None:
    prompt = parse_prompt("x", "---\nversion: 1\n---\nabove\n---\nbelow")
    assert prompt.body == "above\n---\nbelow"


def test_the_id_changes_with_a_byte() -> None:
    ids = {parse_prompt("greet", text).id for text in (TEXT, TEXT + " ", TEXT.replace("H", "h"))}
    assert len(ids) == 3
    assert all(prompt_id.startswith("greet@3+") for prompt_id in ids)


@pytest.mark.parametrize(
    "text", ["", "no front matter", "---\nversion: 1\n", "---\nversion 1\n---\nbody", " ---\n---\n"]
)
def test_a_file_that_is_no_prompt_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_prompt("broken", text)


@pytest.mark.parametrize(("body", "values"), [("$who $why", {"who": "a"}), ("100 $", {})])
def test_a_placeholder_that_cannot_be_filled_is_a_config_error(
    body: str, values: dict[str, str]
) -> None:
    prompt = parse_prompt("x", f"---\nversion: 1\n---\n{body}")
    with pytest.raises(ConfigError, match="Prompt x"):
        prompt.render(**values)


def test_the_first_folder_that_has_it_wins(tmp_path: Path) -> None:
    for name, version in (("own", "9"), ("shipped", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.md").write_text(f"---\nversion: {version}\n---\nx", encoding="utf-8")
    folders = (tmp_path / "none", tmp_path / "own", tmp_path / "shipped")
    assert load_prompt("p", folders).version == "9"


def test_a_missing_prompt_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_prompt("absent", (tmp_path / "a", tmp_path / "b"))
    assert "absent.md" in str(caught.value)
    assert str(tmp_path / "a") in caught.value.remedy
    assert str(tmp_path / "b") in caught.value.remedy


def test_a_folder_of_ones_own_comes_first(tmp_path: Path) -> None:
    assert prompt_folders({"HAL_PROMPTS_DIR": str(tmp_path)})[0] == tmp_path
    assert REPO / "prompts" in prompt_folders({})


@pytest.mark.parametrize("path", sorted((REPO / "prompts").glob("*.md")), ids=lambda p: p.stem)
def test_every_prompt_in_the_repository_loads(path: Path) -> None:
    prompt = load_prompt(path.stem, (path.parent,))
    assert prompt.body
    assert prompt.meta.get("name") == path.stem
    assert prompt.version != "0"
