"""`hal router` as a user meets it: refusals with numbers, files, JSON, and what is in force."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="the lab extra is not installed")

from hal.cli import main
from hal.commands.checks import router as check
from hal.commands.checks.result import Context, Status
from hal.commands.router_place import Place
from hal.commands.stored import Places, settings_in_force
from hal.live_router import LiveRouter
from hal.parsers.router import cloud_share, target
from hal.routing.learned.folder import RouterFolder
from hal.routing.learned.weights import EMBEDDING
from hal.sessions.columns import AnyRow
from hal.sessions.own_connection import writing
from hal.sessions.statements import save
from tests.lab.router_log import LOCAL, World, write
from tests.servers import OllamaModel, OllamaServer
from tests.sessions import rows

MODEL = OllamaModel(LOCAL)
MINILM = OllamaModel("all-minilm:latest", capabilities=("embedding",))


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with OllamaServer(models=[MODEL]) as server:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", server.url)
        yield server


def logged(data: Path, world: World) -> None:
    data.mkdir(parents=True, exist_ok=True)
    write(data / "sessions.sqlite", world)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose router was fitted and took over."""
    data = tmp_path_factory.mktemp("whole") / "data"
    logged(data, World(turns=700, ratings=0.2))
    with pytest.MonkeyPatch.context() as patch, OllamaServer(models=[MODEL]) as server:
        patch.setenv("HAL_DATA_DIR", str(data))
        patch.setenv("HAL_OLLAMA_BASE_URL", server.url)
        assert main(["router", "fit", "--apply"]) == 0
    return data


@pytest.fixture
def fitted(whole: Path, data: Path) -> Path:
    shutil.copytree(whole, data)
    return data


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["router", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def files(data: Path) -> set[str]:
    folder = data / "router"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize("words", [("show",), ("fit",), ("calibrate",), ("eval",)])
def test_an_empty_log_is_said(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code = main(["router", *words])
    found = capsys.readouterr()
    assert code == (0 if words == ("show",) else 1)
    assert found.out.strip()
    assert "SHADOW_SHARE" in found.out or words == ("eval",)
    assert files(data) == set()


def test_too_few_turns_are_counted(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(data, World(turns=200))
    code, found = answer(capsys, "calibrate", "--apply")
    assert code == 1
    assert found["pairs"] + found["pairs_missing"] == 300
    code, fit = answer(capsys, "fit", "--apply")
    assert code == 1
    assert fit["pairs"] + fit["pairs_missing"] == 450
    assert files(data) == set()
    code, evaluated = answer(capsys, "eval")
    assert code == 1
    assert evaluated["is_descriptive"]


def test_a_fit_that_takes_over_writes_what_decides(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert files(fitted) == {"weights.json", "ledger.jsonl"}
    made = RouterFolder(fitted / "router").weights().weights.made
    assert (made["local_model"], made["local_digest"]) == (LOCAL, MODEL.digest)
    assert main(["router", "show"]) == 0
    shown = capsys.readouterr().out
    assert "router+" in shown
    assert "not calibrated yet" in shown


def test_the_same_turns_give_the_same_router_and_are_one_look(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in (fitted / "router").iterdir()}
    code, found = answer(capsys, "fit", "--apply")
    assert (code, found["takes_over"], found["written"]) == (1, False, None)
    assert {path.name: path.read_bytes() for path in (fitted / "router").iterdir()} == before
    assert set(Place.here().ledger.openings.values()) == {1}
    assert main(["router", "fit"]) == 1
    assert "in force already" in capsys.readouterr().out


def test_what_does_not_take_over_is_kept_as_a_candidate(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    logged(data, World(turns=560, learnable=False))
    code, found = answer(capsys, "fit", "--apply")
    assert (code, found["fitted"], found["takes_over"]) == (1, True, False)
    assert files(data) == {"candidate.json", "ledger.jsonl"}
    candidate = RouterFolder(data / "router").candidate()
    assert candidate is not None
    assert candidate.id == found["written"]
    assert main(["router", "show"]) == 0
    assert f"{candidate.id}: decides nothing" in capsys.readouterr().out


def test_calibrating_puts_a_promise_in_force_until_a_model_changes(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = answer(capsys, "calibrate")
    assert (code, found["written"]) == (0, False)
    assert "calibration.json" not in files(fitted)
    assert main(["router", "calibrate", "--apply"]) == 0
    shown = capsys.readouterr().out
    assert "To keep 95 %" in shown
    assert "It is in force" in shown
    place = Place.here()
    live = LiveRouter(RouterFolder(fitted / "router"))
    now = live.in_force(place.models(MODEL.digest), 0.95)
    assert now.choice is not None
    assert now.choice.worst_case >= 0.95
    assert now.choice.threshold == found["served"]["threshold"]
    swapped = live.in_force(place.models(OllamaModel(LOCAL, version=2).digest), 0.95)
    assert swapped.choice is None
    assert "another version" in swapped.note


def test_a_swapped_model_is_told_and_its_old_turns_are_left_out(
    fitted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with OllamaServer(models=[MODEL]) as before:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", before.url)
        assert main(["router", "calibrate", "--apply"]) == 0
    with OllamaServer(models=[OllamaModel(LOCAL, version=2)]) as after:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", after.url)
        _, shown = answer(capsys, "show")
        assert not shown["decides"]
        assert "stale" in shown["note"]
        (found,) = check.checks(context(fitted, after.url))
        assert (found.status, "another version" in found.detail) == (Status.WARN, True)
        code, refused = answer(capsys, "calibrate")
        assert (code, refused["pairs"]) == (1, 0)
        code, again = answer(capsys, "calibrate", "--since", "2026-01-01")
        assert (code, again["pairs"] >= 300) == (0, True)


def context(data: Path, url: str) -> Context:
    env = {"HAL_DATA_DIR": str(data), "HAL_OLLAMA_BASE_URL": url}
    return Context(env, settings_in_force(env), Places.of(env), port=1)


def test_the_doctor_says_what_decides(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = check.checks(context(fitted, ollama.url))
    assert (found.status, "not calibrated yet" in found.detail) == (Status.OK, True)
    (fitted / "router" / "weights.json").write_text("{}", encoding="utf-8")
    (found,) = check.checks(context(fitted, ollama.url))
    assert (found.status, "prior" in found.detail) == (Status.WARN, True)


def test_without_the_local_server_nothing_is_written(
    fitted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAL_OLLAMA_BASE_URL", "http://127.0.0.1:9")
    assert main(["router", "calibrate", "--apply"]) == 1
    assert "hal serve" in capsys.readouterr().err
    assert main(["router", "calibrate"]) == 0
    assert "calibration.json" not in files(fitted)


def test_a_model_that_is_not_there(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer(models=[OllamaModel("other:1b")]) as server:
        monkeypatch.setenv("HAL_OLLAMA_BASE_URL", server.url)
        assert main(["router", "calibrate", "--apply"]) == 1


def test_a_share_of_turns_goes_before_the_promise(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = answer(capsys, "calibrate", "--cloud-share", "10%", "--target", "0.93", "--apply")
    assert code == 0
    assert found["served"]["target"] is None
    assert found["served"]["cloud_share"] <= 0.1
    assert 0.93 in [one["target"] for one in found["choices"]]
    assert main(["router", "calibrate", "--apply"]) == 0
    calibration = RouterFolder(fitted / "router").calibration()
    assert calibration is not None
    assert calibration.fixed is None


def test_what_an_evaluation_says(
    fitted: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["router", "calibrate", "--apply"]) == 0
    page = fitted / "page.html"
    code, found = answer(capsys, "eval", "--html", str(page))
    assert code == 0
    assert set(found) == {
        *("headline", "notes", "source", "router_id", "since", "until", "turns"),
        *("turns_learned_from", "labels", "pairs", "is_descriptive", "always_local"),
        *("always_cloud", "routers", "baselines", "policies", "reliability", "confusion"),
        *("latency", "sure_share", "off_policy"),
    }
    assert {"in force, calibrated"} < {one["name"] for one in found["policies"]}
    assert 0 < found["sure_share"] <= 1
    assert "MODERATE" in found["confusion"]["recalls"]
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 5
    assert found["headline"].split(" (APGR)")[0] in text


@pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_pictures(fitted: Path, ollama: OllamaServer) -> None:
    assert main(["router", "eval", "--png", str(fitted / "plots")]) == 0
    assert {path.name for path in (fitted / "plots").iterdir()} == {
        *("cost-quality.png", "reliability.png", "confusion.png")
    }


def test_outcomes_of_ones_own(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.jsonl"
    texts = [("hard " * (at % 7) + f"question {at}", at % 7 < 4) for at in range(60)]
    lines = [
        json.dumps({"text": text, "local_ok": int(ok), "cloud_ok": 1, "group": at // 2})
        for at, (text, ok) in enumerate(texts)
    ]
    mine.write_text("\n".join([*lines, ""]), encoding="utf-8")
    code, found = answer(capsys, "eval", "--file", str(mine))
    assert (code, found["pairs"], found["source"]) == (1, 60, "mine.jsonl")
    length = next(one for one in found["baselines"] if one["name"] == "prompt length")
    assert length["apgr"]["value"] > 0.7


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"text": "a", "local_ok": 2, "cloud_ok": 1}', "line 1: local_ok"),
        ('\n{"text": "a"}', "line 2: local_ok"),
        ("nonsense", "line 1"),
        (None, "cannot be read"),
    ],
    ids=["out of range", "missing", "no JSON", "no file"],
)
def test_a_file_that_is_none_of_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    mine = tmp_path / "mine.jsonl"
    if content is not None:
        mine.write_text(content, encoding="utf-8")
    assert main(["router", "eval", "--file", str(mine)]) == 2
    assert words in capsys.readouterr().err


def test_broken_weights_are_told(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "router").mkdir(parents=True)
    (data / "router" / "weights.json").write_text("{}", encoding="utf-8")
    for action in ("fit", "calibrate", "eval"):
        assert main(["router", action]) == 2
        assert "hal router fit" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(name: str) -> None:
        return None

    monkeypatch.setattr("hal.commands.router.find_spec", none)
    assert main(["router", "fit"]) == 2
    assert "[lab]" in capsys.readouterr().err
    assert main(["router", "show"]) == 0


def test_a_judged_turn_of_another_model_is_counted(
    data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = {"route": "MODERATE", "source": "classifier", "outcome": "done", "model": "old:7b"}
    put(data, rows.turn(**usual), rows.content(), rows.score(value=1.0))
    code, found = answer(capsys, "fit")
    assert (code, found["pairs"]) == (1, 0)
    _, evaluated = answer(capsys, "eval")
    assert any("other models answered" in note for note in evaluated["notes"])


def put(data: Path, *written: AnyRow) -> None:
    with writing(data / "sessions.sqlite") as connection:
        for row in written:
            save(connection, row)


@pytest.mark.parametrize(
    ("parse", "text", "wanted"),
    [
        (target, "0.95", 0.95),
        (target, "95%", 0.95),
        (cloud_share, "10%", 0.1),
        (cloud_share, "0", 0),
    ],
)
def test_shares_are_read_as_they_are_typed(parse: Any, text: str, wanted: float) -> None:
    assert parse(text) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "words",
    [
        ["calibrate", "--target", "95"],
        ["calibrate", "--target", "0.2"],
        ["calibrate", "--cloud-share", "10%%"],
        ["calibrate", "--cloud-share", "nan"],
        ["eval", "--since", "7d", "--file", "x"],
        ["fit", "--since", "yesterday"],
    ],
)
def test_what_is_no_usage(data: Path, words: list[str]) -> None:
    try:
        code = main(["router", *words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2


def test_what_questions_mean_is_learned_calibrated_and_evaluated(
    whole: Path, data: Path, ollama: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    data.mkdir()
    shutil.copy(whole / "sessions.sqlite", data)
    assert main(["router", "fit", "--embed", "--apply"]) == 2, "the model is not there"
    assert "ollama pull all-minilm" in capsys.readouterr().err
    assert not RouterFolder(data / "router").weights_path.exists()
    ollama.models[MINILM.name] = MINILM
    code, said = answer(capsys, "fit", "--embed", "--apply")
    assert (code, said["embedding_model"]) == (0, "all-minilm")
    weights = RouterFolder(data / "router").weights().weights
    assert weights.embedding_model == "all-minilm"
    assert any(EMBEDDING in stack.inputs for stack in weights.gain.stacks)
    asked = len(ollama.asked("/api/embed"))
    assert answer(capsys, "calibrate", "--apply")[0] == 0
    assert len(ollama.asked("/api/embed")) > asked, "calibrated as it is served"
    assert answer(capsys, "eval")[0] == 0
    # Another router of these turns must not forget what this one knows.
    assert answer(capsys, "fit")[1]["embedding_model"] == "all-minilm"
