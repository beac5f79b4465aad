"""`hal doctor`: each state of each part is told as what it is, with a remedy, and no secret."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hal.commands.checks import cloud, local, machine, search, server, valves
from hal.commands.checks.result import Check, Context, Status
from hal.commands.doctor import line, summary
from hal.commands.stored import Places, settings_in_force
from hal.enrichment.types import Search
from hal.settings import LocalHost
from tests.enrichment.searching import found
from tests.gateway.helpers import OpenAiServer
from tests.servers import (
    KEY,
    Exchange,
    OllamaModel,
    OllamaServer,
    RecordedRequest,
    ScriptedServer,
    XaiModel,
    XaiServer,
    refused_url,
)
from tests.servers.searxng import SearxngServer

REPO = Path(__file__).resolve().parents[2]
OK, WARN, FAIL = Status.OK, Status.WARN, Status.FAIL


class Answering(ScriptedServer):
    """Answers everything in the same way."""

    def __init__(self, code: int, body: bytes, kind: str = "application/json") -> None:
        super().__init__()
        self._reply = (code, body, {"content-type": kind})

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await exchange.reply(*self._reply)


def context(folder: Path, **environ: str) -> Context:
    env = {"HOME": str(folder), "HAL_DATA_DIR": str(folder), **environ}
    return Context(env, settings_in_force(env), Places.of(env), port=1)


def at_port(found: Context, url: str) -> Context:
    return replace(found, port=int(url.rpartition(":")[2]))


def states(checks: list[Check]) -> dict[str, Status]:
    assert all(check.remedy for check in checks if check.status is not OK), checks
    return {check.name: check.status for check in checks}


# --- local --------------------------------------------------------------------------------------


def test_an_ollama_with_both_models_is_fine(tmp_path: Path) -> None:
    with OllamaServer() as ollama:
        checks = list(local.checks(context(tmp_path, OLLAMA_HOST=ollama.url)))
    assert states(checks) == {
        "Ollama": OK,
        "model nemotron-3-nano:30b": OK,
        "model nemotron-mini:4b": OK,
    }
    assert [request.method for request in ollama.requests] == ["GET"] * 3


def test_a_missing_model_comes_with_its_command(tmp_path: Path) -> None:
    models = [OllamaModel("nemotron-mini:4b")]
    with OllamaServer(models=models) as ollama:
        checks = list(local.checks(context(tmp_path, OLLAMA_HOST=ollama.url)))
    (failed,) = [check for check in checks if check.status is FAIL]
    assert failed.remedy == "ollama pull nemotron-3-nano:30b"


@pytest.mark.parametrize(
    ("version", "ollama_state", "model_state"),
    [("0.12.9", WARN, FAIL), ("0.12.11", OK, FAIL), ("0.13.4", OK, OK), ("0.0.0", OK, OK)],
)
def test_an_old_ollama_is_told(
    version: str, ollama_state: Status, model_state: Status, tmp_path: Path
) -> None:
    with OllamaServer(version=version) as ollama:
        found = states(list(local.checks(context(tmp_path, OLLAMA_HOST=ollama.url))))
    assert found["Ollama"] is ollama_state
    assert found["model nemotron-3-nano:30b"] is model_state


def test_a_model_that_runs_elsewhere_is_told(tmp_path: Path) -> None:
    models = [OllamaModel("mine:1b"), OllamaModel("glm:1t-cloud")]
    env = {"HAL_LOCAL_MODEL": "mine:1b", "HAL_CLASSIFIER_MODEL": "mine:1b"}
    with OllamaServer(models=models) as ollama:
        checks = list(local.checks(context(tmp_path, OLLAMA_HOST=ollama.url, **env)))
    assert states(checks)["Ollama cloud"] is WARN
    assert "OLLAMA_NO_CLOUD" in checks[-1].remedy


def test_no_ollama_is_a_failure_with_two_ways_out(tmp_path: Path) -> None:
    (check,) = local.checks(context(tmp_path, OLLAMA_HOST=refused_url()))
    assert check.status is FAIL
    assert "hal serve" in check.remedy


# --- local hosts --------------------------------------------------------------------------------


def hosts(folder: Path, main: OllamaServer, *words: str, **environ: str) -> list[Check]:
    found = context(folder, OLLAMA_HOST=main.url, HAL_LOCAL_HOSTS=" ".join(words), **environ)
    return [check for check in local.checks(found) if not check.name.startswith(("Ol", "model"))]


NANO = OllamaModel("nemotron-3-nano:30b", capabilities=("completion", "thinking"))


def test_every_host_is_looked_at(tmp_path: Path) -> None:
    with OllamaServer() as main, OllamaServer(models=[NANO]) as other, OpenAiServer() as vllm:
        one, two = hosts(tmp_path, main, other.url, vllm.base_url)
    assert (one.status, two.status) == (OK, OK)
    assert one.name == f"host {other.url.removeprefix('http://')}"
    assert one.detail == "Ollama 0.13.5; nemotron-3-nano:30b there, not loaded yet"
    assert two.detail == "OpenAI's API; nano-30b loaded"
    assert {r.method for r in (*other.requests, *vllm.requests)} == {"GET"}


def test_a_host_that_is_away_is_no_failure(tmp_path: Path) -> None:
    with OllamaServer() as main:
        found = hosts(tmp_path, main, refused_url(), f"{refused_url()}/v1")
    assert [check.status for check in found] == [WARN, WARN]
    assert all("LOCAL_HOSTS" in check.remedy for check in found)


def test_a_host_without_the_model(tmp_path: Path) -> None:
    several = (XaiModel("a"), XaiModel("b"))
    with (
        OllamaServer() as main,
        OllamaServer(models=[OllamaModel("other:1b")]) as other,
        OpenAiServer(models=several) as studio,
    ):
        words = (other.url, f"{other.url.replace('127.0.0.1', 'localhost')}#mine", studio.base_url)
        found = hosts(tmp_path, main, *words)
    assert [check.status for check in found] == [FAIL, FAIL, FAIL]
    assert found[0].remedy == "There: ollama pull nemotron-3-nano:30b"
    assert found[1].remedy == "There: ollama pull mine"
    assert "a, b" in found[2].detail
    assert f"{studio.base_url}#MODEL" in found[2].remedy


def test_a_host_that_is_too_old_for_the_model(tmp_path: Path) -> None:
    with OllamaServer() as main, OllamaServer(models=[NANO], version="0.13.3") as old:
        (check,) = hosts(tmp_path, main, old.url)
    assert check.status is FAIL
    assert "needs Ollama 0.13.4" in check.detail


def test_a_host_of_the_other_dialect(tmp_path: Path) -> None:
    with OllamaServer() as main, OpenAiServer() as vllm, Answering(200, b"[]") as page:
        found = hosts(tmp_path, main, vllm.url, page.url, f"{page.url}/v1")
    assert [check.status for check in found] == [FAIL, FAIL, FAIL]
    assert f"write {vllm.base_url}." in found[0].remedy
    assert all(check.remedy == "Check the address in LOCAL_HOSTS." for check in found[1:])


def test_an_ollama_that_is_asked_as_if_it_were_none(tmp_path: Path) -> None:
    class Both(OpenAiServer):
        async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
            if request.path == "/api/version":
                await exchange.reply(200, b'{"version": "0.13.5"}', {})
            else:
                await super().handle(request, exchange)

    with OllamaServer() as main, Both() as other:
        (check,) = hosts(tmp_path, main, other.base_url)
    assert check.status is WARN
    assert f"Write {other.url}:" in check.remedy


def test_a_password_that_is_wrong_is_not_shown(tmp_path: Path) -> None:
    with OllamaServer() as main, OpenAiServer(authorization="Basic no") as vllm:
        word = vllm.base_url.replace("http://", "http://me:hidden@")
        (check,) = hosts(tmp_path, main, word)
    assert check.status is FAIL
    assert "does not let us in" in check.detail
    assert "hidden" not in str(check)


def test_a_model_that_only_another_host_has(tmp_path: Path) -> None:
    classifier = OllamaModel("nemotron-mini:4b")
    with OllamaServer(models=[classifier]) as main, OllamaServer(models=[NANO]) as other:
        found = context(tmp_path, OLLAMA_HOST=main.url, HAL_LOCAL_HOSTS=other.url)
        checks = list(local.checks(found))
    assert all(check.status is OK for check in checks)
    assert "on another host only" in [check.detail for check in checks]


PLACES = [
    ("http://8.8.8.8:11434", FAIL),
    ("https://gpu.example.org/v1", FAIL),
    ("http://192.168.1.9:11434", WARN),
    ("http://me:hidden@gpu.lan:8000/v1", WARN),
    ("https://gpu.lan/v1", None),
    ("http://localhost:11435", None),
]


@pytest.mark.parametrize(("url", "status"), PLACES)
def test_where_what_is_called_local_goes(url: str, status: Status | None) -> None:
    found = list(local._where(LocalHost(url), "host x"))
    assert [check.status for check in found] == ([status] if status else [])
    assert "hidden" not in str(found)


# --- cloud --------------------------------------------------------------------------------------


def ask_xai(folder: Path, xai: XaiServer, **environ: str) -> list[Check]:
    found = context(folder, XAI_API_BASE_URL=xai.base_url, **environ)
    return list(cloud.checks(found))


def test_a_key_that_works_costs_one_request_without_text(tmp_path: Path) -> None:
    with XaiServer() as xai:
        checks = ask_xai(tmp_path, xai, XAI_API_KEY=KEY)
    assert states(checks) == {"xAI": OK, "xAI model": OK}
    (request,) = xai.requests
    assert (request.method, request.path, request.body) == ("GET", "/v1/models", b"")
    assert KEY not in str(checks)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_key(status: int, tmp_path: Path) -> None:
    with XaiServer(wrong_key_status=status) as xai:
        (check,) = ask_xai(tmp_path, xai, XAI_API_KEY="wrong-key")
    assert check.status is FAIL
    assert "XAI_API_KEY" in check.detail
    assert "wrong-key" not in str(check)


def test_a_model_that_xai_does_not_have(tmp_path: Path) -> None:
    with XaiServer() as xai:
        checks = ask_xai(tmp_path, xai, XAI_API_KEY=KEY, HAL_CLOUD_MODEL="grok-2")
    assert states(checks) == {"xAI": OK, "xAI model": FAIL}
    assert "grok-4.3" in checks[-1].remedy


@pytest.mark.parametrize(
    ("environ", "status"),
    [({}, WARN), ({"XAI_API_KEY": KEY, "HAL_CLOUD_ENABLED": "false"}, OK)],
)
def test_without_a_cloud_nothing_is_asked(
    environ: Mapping[str, str], status: Status, tmp_path: Path
) -> None:
    with XaiServer() as xai:
        (check,) = ask_xai(tmp_path, xai, **environ)
    assert check.status is status
    assert not xai.requests


def test_offline_asks_nothing(tmp_path: Path) -> None:
    with XaiServer() as xai:
        found = context(tmp_path, XAI_API_BASE_URL=xai.base_url, XAI_API_KEY=KEY)
        (check,) = cloud.checks(replace(found, offline=True))
    assert check.status is OK
    assert not xai.requests


def test_an_xai_that_is_not_there(tmp_path: Path) -> None:
    environ = {"XAI_API_BASE_URL": refused_url(), "XAI_API_KEY": KEY, "NO_PROXY": "*"}
    (check,) = cloud.checks(context(tmp_path, **environ))
    assert check.status is FAIL


def test_a_page_instead_of_a_list_of_models(tmp_path: Path) -> None:
    with Answering(200, b"<html>", "text/html") as page:
        environ = {"XAI_API_BASE_URL": page.url, "XAI_API_KEY": KEY}
        checks = list(cloud.checks(context(tmp_path, **environ)))
    assert states(checks)["xAI model"] is WARN


# --- search -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "status", "remedy"),
    [
        (400, "application/json", OK, ""),
        (200, "application/json", OK, ""),
        (403, "text/html", FAIL, "formats: [html, json]"),
        (429, "text/html", FAIL, "limiter: false"),
        (404, "text/html", WARN, "SEARXNG_URL"),
        (200, "text/html", WARN, "SEARXNG_URL"),
    ],
)
def test_searxng(code: int, kind: str, status: Status, remedy: str, tmp_path: Path) -> None:
    with Answering(code, b"{}", kind) as searxng:
        (check,) = search.checks(context(tmp_path, SEARXNG_URL=searxng.url))
    assert check.status is status
    assert remedy in check.remedy
    assert searxng.requests[0].query == "format=json"  # no q: nothing is searched for


def test_no_searxng_is_to_know_and_no_failure(tmp_path: Path) -> None:
    url = refused_url()
    (check,) = search.checks(context(tmp_path, SEARXNG_URL=url))
    assert check.status is WARN
    assert check.detail == f"nothing listens at {url.removeprefix('http://')}"
    (check,) = search.checks(context(tmp_path, SEARXNG_URL="http://nowhere.invalid"))
    assert check.status is WARN
    assert "cannot be reached" in check.detail


def test_a_searxng_that_hangs() -> None:
    with SearxngServer() as searxng:
        searxng.always = "hang"
        problem = search.look(searxng.url, read_s=0.2)
    assert problem is not None
    assert "did not answer within 0.2 s" in problem.text


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("json off", "the JSON format of SearXNG at {} is off (403)"),
        ("a web page", "{} answers with a web page, and not with SearXNG's JSON"),
        ("a redirect", "{} sends us elsewhere (302), which we do not follow"),
        ("locked", "{} wants a password (401)"),
        ("failed", "SearXNG at {} failed (500)"),
    ],
)
def test_the_doctor_says_what_a_turn_says(trouble: str, words: str, tmp_path: Path) -> None:
    with SearxngServer() as searxng:
        searxng.always = trouble
        url = searxng.url.replace("http://", "http://me:hidden@")
        (check,) = search.checks(context(tmp_path, SEARXNG_URL=url))
        (result,) = found(url, Search(("x",)))
        searxng.always = None
        (well,) = search.checks(context(tmp_path, SEARXNG_URL=url))
    assert check.detail == words.format(searxng.url.removeprefix("http://"))
    assert result.trouble == f"{check.detail}. {check.remedy}"
    assert well.status is OK
    assert "hidden" not in str((check, well))


# --- server -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        (200, b'{"data": [{"id": "hal.auto"}]}', OK),
        (200, b'{"data": [{"id": "other"}]}', FAIL),
        (200, b"<html>", FAIL),
        (403, b"{}", WARN),
    ],
)
def test_the_server(code: int, body: bytes, status: Status, tmp_path: Path) -> None:
    (tmp_path / "pipelines.key").write_text("stored-key\n", encoding="utf-8")
    with Answering(code, body) as pipelines:
        checks = list(server.checks(at_port(context(tmp_path), pipelines.url)))
    assert states(checks) == {"server": status, "port": OK}
    assert pipelines.requests[0].headers["authorization"] == "Bearer stored-key"


def test_no_server_is_to_know(tmp_path: Path) -> None:
    (check,) = server.checks(at_port(context(tmp_path), refused_url()))
    assert check.status is WARN
    assert "hal serve" in check.remedy


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


@pytest.mark.parametrize(
    ("local_address", "state", "addresses"),
    [
        ("0100007F:238B", "0A", ["127.0.0.1"]),
        ("00000000:238B", "0A", ["0.0.0.0"]),  # noqa: S104 - read, not bound
        ("0101A8C0:238B", "0A", ["192.168.1.1"]),
        ("00000000:238B", "01", []),
        ("00000000:1F90", "0A", []),
        ("00000000000000000000000001000000:238B", "0A", ["::1"]),
        ("00000000000000000000000000000000:238B", "0A", ["::"]),
        ("0000000000000000FFFF00000100007F:238B", "0A", ["127.0.0.1"]),
    ],
)
def test_the_kernels_table_of_sockets(
    local_address: str, state: str, addresses: list[str], tmp_path: Path
) -> None:
    table = tmp_path / "tcp"
    text = f"{HEAD}   0: {local_address} 00000000:0000 {state} 0:0 0:0 0 0 0 1 1\n"
    table.write_text(text, encoding="ascii")
    assert [str(address) for address in server.listening(table, 9099)] == addresses
    is_open = bool(addresses) and addresses[0] not in ("127.0.0.1", "::1")
    assert server._published(9099, (table,)).status is (WARN if is_open else OK)


def test_a_system_without_that_table(tmp_path: Path) -> None:
    check = server._published(9099, (tmp_path / "none",))
    assert check.status is OK
    assert "cannot be seen" in check.detail


# --- settings and machine -----------------------------------------------------------------------


def test_every_ignored_and_clamped_valve_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines/hal_auto"
    folder.mkdir(parents=True)
    stored = {"CLOUD_CONFIDENCE": 7, "LOCAL_THINK": "loudly", "OLD": 1, "XAI_API_KEY": "secret"}
    (folder / "valves.json").write_text(json.dumps(stored), encoding="utf-8")
    checks = list(valves.checks(context(tmp_path, HAL_ANSWER_GAP_S="soon")))
    names = {check.name for check in checks}
    assert {"valve CLOUD_CONFIDENCE", "valve LOCAL_THINK", "valve HAL_ANSWER_GAP_S"} <= names
    assert "valve OLD" in names
    details = " ".join(check.detail for check in checks)
    assert "hold the xAI key" in details
    assert "secret" not in str(checks)


def test_stored_valves_that_are_no_json_fail(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines/hal_auto"
    folder.mkdir(parents=True)
    (folder / "valves.json").write_text('{"LOCAL_', encoding="utf-8")
    assert states(list(valves.checks(context(tmp_path))))["stored valves"] is FAIL


def test_good_settings_are_one_line(tmp_path: Path) -> None:
    (check,) = valves.checks(context(tmp_path))
    assert check.status is OK
    assert "policy-" in check.detail


def test_this_machine_can_run_it(tmp_path: Path) -> None:
    found = states(list(machine.checks(context(tmp_path))))
    expected = {"Python", "packages", "data folder", "session log"}
    assert set(found) == expected | {f"prompt {name}" for name in machine.PROMPTS}
    assert FAIL not in found.values()


def test_a_data_folder_that_does_not_exist_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    checks = list(machine.checks(context(tmp_path / "not" / "yet")))
    assert states(checks)["data folder"] in (OK, WARN)
    assert not (tmp_path / "not").exists()


def test_a_data_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert states(list(machine.checks(context(tmp_path / "file"))))["data folder"] is FAIL


@pytest.mark.parametrize("version", [None, 99])
def test_a_session_log_that_cannot_be_read_fails(version: int | None, tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    if version is None:
        path.write_bytes(b"this is not a database, and long enough to tell" * 40)
    else:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
    assert states(list(machine.checks(context(tmp_path))))["session log"] is FAIL


# --- the report ---------------------------------------------------------------------------------


def test_lines_are_aligned_and_the_remedy_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = line(Check("xAI", Status.FAIL, "word " * 20, "do this"))
    rows = text.splitlines()
    assert rows[0].startswith("✗ xAI  ")
    column = rows[0].index("word")
    assert all(row.index(row.strip()) == column for row in rows[1:])
    assert rows[-1].strip() == "→ do this"
    assert max(len(row) for row in rows) <= 80
    assert summary([Check("a", Status.OK, ""), Check("b", Status.WARN, "")]) == (
        "1 ok, 1 to know, 0 failed"
    )


@pytest.mark.parametrize(("models", "code"), [(True, 0), (False, 1)])
def test_the_command_as_json(models: bool, code: int, tmp_path: Path) -> None:
    with OllamaServer(**({} if models else {"models": []})) as ollama:
        env = {
            "HOME": str(tmp_path),
            "HAL_DATA_DIR": str(tmp_path),
            "PYTHONPATH": str(REPO / "pipelines"),
            "OLLAMA_HOST": ollama.url,
            "SEARXNG_URL": refused_url(),
            "XAI_API_KEY": "xai-very-secret",
        }
        port = refused_url().rpartition(":")[2]
        result = subprocess.run(
            [sys.executable, "-m", "hal.cli", "doctor", "--json", "--offline", "--port", port],
            env=env,
            capture_output=True,
            text=True,
            timeout=40,
        )
    checks = json.loads(result.stdout)
    assert (result.returncode, result.stderr) == (code, "")
    assert {"name", "status", "detail", "remedy"} == set(checks[0])
    assert "very-secret" not in result.stdout
