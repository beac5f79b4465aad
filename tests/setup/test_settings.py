"""Valves and settings: nothing that is stored or set can stop a turn, and all of it is reported."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from hal.advanced import Advanced
from hal.settings import Settings
from hal.settings_reader import data_dir, ollama_url, read_valves
from hal.valves import Valves, valves_class

SCALARS = (str, int, float, bool)
NAMES = list(Valves.model_fields)
ALL = [*NAMES, *Advanced.model_fields]

BAD = [
    ("OLLAMA_BASE_URL", ["a"]),
    ("CLASSIFIER_CONTEXT_TOKENS", "many"),
    ("CLASSIFIER_CONTEXT_TOKENS", 1.5),
    ("CLASSIFIER_DEADLINE_S", "soon"),
    ("CLASSIFIER_DEADLINE_S", float("nan")),
    ("CLOUD_CONFIDENCE", float("inf")),
    ("LOCAL_MODEL", 30),
    ("LOCAL_MODEL", {"name": "x"}),
    ("LOCAL_THINK", "loudly"),
    ("CLOUD_WHEN_UNSURE", "CLOUD"),
    ("CLOUD_ENABLED", "perhaps"),
    ("SIMPLE_MODEL", 4),
    ("XAI_API_KEY", ["key"]),
]
CLAMPED = [
    ("CLASSIFIER_CONTEXT_TOKENS", 1, "routing.classifier_context_tokens", 512),
    ("CLASSIFIER_CONTEXT_TOKENS", 10**9, "routing.classifier_context_tokens", 32768),
    ("CLASSIFIER_DEADLINE_S", -1, "routing.deadline_s", 0.1),
    ("SEARCH_CONFIDENCE", 2, "routing.search_confidence", 1.0),
    ("STICKY_CONFIDENCE", -2, "routing.sticky_confidence", 0.0),
    ("LOCAL_CONTEXT_TOKENS", 0, "local.context_tokens", 1024),
    ("LOCAL_FIRST_TOKEN_S", 10**6, "local.first_token_s", 1800.0),
    ("CLOUD_CONFIDENCE", 7, "cloud.confidence", 1.0),
    ("CLOUD_FIRST_TOKEN_S", 0, "cloud.first_token_s", 1.0),
    ("ANSWER_GAP_S", 0, "answer.gap_s", 1.0),
    ("ANSWER_TOTAL_S", 1, "answer.total_s", 10.0),
    ("LOG_CONTENT_DAYS", 0, "log.content_days", 1),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def settings(environ: dict[str, str] | None = None, **values: Any) -> Settings:
    environ = {"HOME": "/home/somebody", **(environ or {})}
    return read_valves(valves_class(environ)(**values), environ)


def info_of(name: str) -> FieldInfo:
    return {**Valves.model_fields, **Advanced.model_fields}[name]


def read(valves: Valves, name: str) -> Any:
    return getattr(valves if name in NAMES else valves.advanced, name)


def field(result: Settings, path: str) -> Any:
    group, _, name = path.partition(".")
    return getattr(getattr(result, group), name)


@pytest.mark.parametrize("name", ALL)
def test_a_valve_is_something_the_admin_panel_can_show(name: str) -> None:
    info = info_of(name)
    options = get_args(info.annotation) or (info.annotation,)
    allowed = [option in (*SCALARS, type(None)) or isinstance(option, str) for option in options]
    assert all(allowed), options
    assert get_origin(info.annotation) not in (list, dict)
    assert info.title
    assert info.description
    assert info.default != ""
    assert name == name.upper()


def test_there_are_not_more_valves_than_a_person_will_read() -> None:
    assert len(NAMES) <= 35


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_falls_back_and_is_reported(name: str, value: object) -> None:
    valves = Valves(**{name: value})
    assert read(valves, name) == info_of(name).default
    assert [problem for problem in valves.problems if problem.startswith(f"{name}:")]


@pytest.mark.parametrize("value", [None, "", "   "])
@pytest.mark.parametrize("name", ALL)
def test_an_empty_value_is_the_default_without_a_word(name: str, value: object) -> None:
    valves = Valves(**{name: value})
    assert read(valves, name) == info_of(name).default
    assert valves.problems == ()


def test_the_panel_posts_numbers_and_switches_as_text() -> None:
    valves = Valves(CLASSIFIER_CONTEXT_TOKENS="2048", CLOUD_CONFIDENCE="0.7", STICKY="false")
    assert (valves.advanced.CLASSIFIER_CONTEXT_TOKENS, valves.CLOUD_CONFIDENCE) == (2048, 0.7)
    assert valves.STICKY is False


def test_a_value_is_stripped_and_a_stranger_ignored() -> None:
    valves = Valves(LOCAL_MODEL="  a:1b ", GONE_SINCE_LAST_YEAR=1)
    assert valves.LOCAL_MODEL == "a:1b"
    assert "GONE_SINCE_LAST_YEAR" not in valves.model_dump()


@pytest.mark.parametrize(("name", "value", "path", "kept"), CLAMPED)
def test_a_number_out_of_bounds_is_clamped_and_reported(
    name: str, value: float, path: str, kept: float
) -> None:
    result = settings(**{name: value})
    assert field(result, path) == kept
    assert any(warning.startswith(f"{name}:") for warning in result.warnings)


def test_the_defaults_need_no_warning() -> None:
    assert settings().warnings == ()


@pytest.mark.parametrize(
    ("environ", "path", "expected"),
    [
        ({"HAL_LOCAL_MODEL": "a:1b"}, "local.model", "a:1b"),
        ({"OLLAMA_HOST": "10.0.0.5"}, "local.base_url", "http://10.0.0.5:11434"),
        ({"OLLAMA_BASE_URL": "http://o:1"}, "local.base_url", "http://o:1"),
        ({"OLLAMA_BASE_URL": "o:1", "HAL_OLLAMA_BASE_URL": "h:2"}, "local.base_url", "http://h:2"),
        ({"XAI_API_BASE_URL": "https://x/v1/"}, "cloud.base_url", "https://x/v1"),
        ({"HAL_CLOUD_ENABLED": "false"}, "cloud.enabled", False),
        ({"HAL_SPECULATE": "0"}, "routing.speculate", False),
        ({"HAL_CLOUD_CONFIDENCE": "0.9"}, "cloud.confidence", 0.9),
        ({"HAL_LOCAL_MODEL": "  "}, "local.model", Valves().LOCAL_MODEL),
    ],
)
def test_the_environment_gives_defaults(
    environ: dict[str, str], path: str, expected: object
) -> None:
    assert field(settings(environ), path) == expected


def test_the_panel_wins_over_the_environment() -> None:
    assert settings({"HAL_LOCAL_MODEL": "a"}, LOCAL_MODEL="b").local.model == "b"


def test_a_bad_value_in_the_environment_is_reported_by_its_own_name() -> None:
    result = settings({"HAL_ANSWER_GAP_S": "long"})
    assert result.answer.gap_s == Advanced().ANSWER_GAP_S
    assert any(warning.startswith("HAL_ANSWER_GAP_S:") for warning in result.warnings)


def test_searxng_has_its_usual_name() -> None:
    assert settings({"SEARXNG_URL": "search.lan:8888/"}).searxng_url == "http://search.lan:8888"


@pytest.mark.parametrize("name", ["OLLAMA_BASE_URL", "SEARXNG_URL", "XAI_API_BASE_URL"])
@pytest.mark.parametrize("value", ["ftp://x", "http://", "file:///etc/passwd"])
def test_what_is_no_web_address_is_not_used(name: str, value: str) -> None:
    result = settings(**{name: value})
    assert any(warning.startswith(f"{name}:") for warning in result.warnings)
    assert value not in (result.local.base_url, result.searxng_url, result.cloud.base_url)


@pytest.mark.parametrize("name", ["XAI_API_KEY", "HAL_XAI_API_KEY"])
def test_the_key_comes_from_the_environment_and_never_gets_into_a_valve(name: str) -> None:
    environ = {name: " secret "}
    assert settings(environ).cloud.api_key == "secret"
    assert "secret" not in json.dumps(valves_class(environ)().model_dump())


def test_the_key_can_come_from_a_file_or_a_valve(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n", encoding="utf-8")
    assert settings({"XAI_API_KEY_FILE": str(file)}).cloud.api_key == "from-file"
    assert settings({"XAI_API_KEY": "env"}, XAI_API_KEY="valve").cloud.api_key == "valve"


def test_a_key_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    result = settings({"XAI_API_KEY_FILE": str(tmp_path / "none")})
    assert result.cloud.api_key is None
    assert not result.cloud.usable
    assert any(warning.startswith("XAI_API_KEY_FILE:") for warning in result.warnings)


def test_the_key_is_not_in_what_gets_printed() -> None:
    assert "secret" not in repr(settings({"XAI_API_KEY": "secret"}))


@pytest.mark.parametrize(
    "name", ["LOCAL_MODEL", "SIMPLE_MODEL", "VISION_MODEL", "CLASSIFIER_MODEL"]
)
@pytest.mark.parametrize("model", ["nemotron-3-nano:30b-cloud", "glm-5:cloud", "X:1T-CLOUD"])
def test_a_model_in_ollamas_cloud_is_never_local(name: str, model: str) -> None:
    result = settings(**{name: model})
    assert model not in (*result.local.models, result.routing.classifier_model)
    assert any(warning.startswith(f"{name}:") for warning in result.warnings)


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("http://[::]:1234", "http://[::1]:1234"),
        ("https://ollama.lan", "https://ollama.lan:443"),
        ("http://ollama.lan/base", "http://ollama.lan:11434/base"),
    ],
)
def test_a_bind_address_becomes_one_to_call(said: str, called: str) -> None:
    assert ollama_url(said) == called


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/hal-auto"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/x"}, "/x/hal-auto"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/hal-auto"),
        ("win32", {"HOME": "/h", "LOCALAPPDATA": "/l"}, "/l/hal-auto"),
        ("linux", {"HOME": "/h", "HAL_DATA_DIR": "/d"}, "/d"),
        ("linux", {"HOME": "/h", "HAL_DATA_DIR": " "}, "/h/.local/share/hal-auto"),
    ],
)
def test_the_data_folder_is_the_platforms(
    platform: str, environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert data_dir(environ) == Path(expected)


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ({}, True),
        ({"OLLAMA_BASE_URL": "http://elsewhere:1"}, True),
        ({"XAI_API_KEY": "another"}, True),
        ({"OLLAMA_KEEP_ALIVE": "1h"}, True),
        ({"SHOW_STATUS": False}, True),
        ({"CLOUD_CONFIDENCE": 0.61}, False),
        ({"LOCAL_MODEL": "other"}, False),
        ({"CLASSIFIER_MODEL": "other"}, False),
        ({"STICKY": False}, False),
        ({"CLOUD_ENABLED": False}, False),
    ],
)
def test_the_policy_id_names_the_rules_and_nothing_else(values: dict[str, Any], same: bool) -> None:
    environ = {"XAI_API_KEY": "one"}
    assert (settings(environ, **values).policy_id == settings(environ).policy_id) is same


def test_the_policy_says_what_its_id_stands_for() -> None:
    rules = settings(
        {"XAI_API_KEY": "xai-0815"}, XAI_API_BASE_URL="https://u:p@x.example/v1"
    ).policy
    assert rules["cloud"]["confidence"] == 0.6
    assert rules["in_force"] == {"usable": True}
    text = json.dumps(rules)
    assert not any(part in text for part in ("0815", "://", "x.example", "11434"))
    names = [name for group in rules.values() for name in group]
    assert not {"api_key", "base_url", "hosts", "keep_alive"}.intersection(names)


def test_no_key_is_another_policy() -> None:
    assert settings({"XAI_API_KEY": "one"}).policy_id != settings().policy_id


@given(st.dictionaries(st.sampled_from(ALL) | st.text(max_size=8), JSON, max_size=8))
def test_whatever_is_stored_gives_settings_and_saves_the_same(stored: dict[str, Any]) -> None:
    valves = Valves(**stored) if all(isinstance(key, str) for key in stored) else Valves()
    read_valves(valves, {"HOME": "/h"})
    saved = json.loads(json.dumps(valves.model_dump(), allow_nan=False))
    again = Valves(**{**Valves().model_dump(), **saved})
    assert again.model_dump() == valves.model_dump()
    assert again.advanced == valves.advanced
    # A text keeps its slips, so that they can be seen and corrected; a row cannot.
    own = {problem for problem in again.problems if problem.partition(":")[0] in NAMES}
    assert {problem.partition(":")[0] for problem in own} <= {"ADVANCED"}


def test_an_advanced_setting_by_any_spelling() -> None:
    valves = Valves(ADVANCED="answer_gap_s=7, CACHE_HOURS=2\nNO_SUCH=1 LOCAL_CONCURRENT=many")
    assert valves.advanced.ANSWER_GAP_S == 7
    assert valves.advanced.CACHE_HOURS == 2
    assert valves.problems == (
        "ADVANCED: NO_SUCH is not the name of an advanced setting",
        "LOCAL_CONCURRENT: 'many' is not a whole number, 0 is in force",
    )


def test_a_row_that_has_left_the_panel_stays_in_force() -> None:
    valves = Valves(ANSWER_GAP_S=7, CACHE_HOURS=2, ADVANCED="CACHE_HOURS=3")
    assert valves.ADVANCED == "CACHE_HOURS=3 ANSWER_GAP_S=7"
    assert (valves.advanced.ANSWER_GAP_S, valves.advanced.CACHE_HOURS) == (7, 3)


def test_the_advanced_valve_wins_over_the_environment() -> None:
    environ = {"HAL_ANSWER_GAP_S": "5", "HAL_ANSWER_TOTAL_S": "50"}
    result = settings(environ, ADVANCED="ANSWER_GAP_S=7")
    assert (result.answer.gap_s, result.answer.total_s) == (7, 50)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        (None, [("http://127.0.0.1:11434", "ollama", "", "")]),
        (
            "gpu2 http://10.0.0.5:8000/v1#qwen3",
            [
                ("http://127.0.0.1:11434", "ollama", "", "127.0.0.1:11434"),
                ("http://gpu2:11434", "ollama", "", "gpu2:11434"),
                ("http://10.0.0.5:8000/v1", "openai", "qwen3", "10.0.0.5:8000"),
            ],
        ),
        (
            "http://me:secret@gpu2:1/, http://me:secret@gpu2:1",
            [
                ("http://127.0.0.1:11434", "ollama", "", "127.0.0.1:11434"),
                ("http://gpu2:1", "ollama", "", "gpu2:1"),
            ],
        ),
        ("ftp://x b#deepseek:671b-cloud", [("http://127.0.0.1:11434", "ollama", "", "")]),
    ],
)
def test_local_hosts(text: str | None, hosts: list[tuple[str, ...]]) -> None:
    result = settings(LOCAL_HOSTS=text)
    assert [(h.url, h.dialect, h.model, h.place) for h in result.local.hosts] == hosts
    assert bool(result.warnings) is (text is not None and "ftp" in text)


def test_money_below_zero_is_no_limit() -> None:
    budget = settings(DAILY_BUDGET_USD=-1, TURN_BUDGET_USD=0, CLOUD_SHARE=1).budget
    assert (budget.daily_usd, budget.turn_usd, budget.cloud_share) == (None, 0.0, None)


@given(JSON)
def test_validating_anything_at_all_never_raises(value: object) -> None:
    assert isinstance(Valves.model_validate(value), Valves)
