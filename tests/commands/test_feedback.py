"""`hal feedback pull` against a scripted Open WebUI: what arrives, what is told, what is not."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.cli import main
from hal.commands import openwebui_admin
from hal.commands.openwebui_ratings import is_item, read_rating
from hal.commands.stored import settings_in_force
from hal.sessions.ratings import OVERLAP_S, STATE_KEY
from tests.servers.base import refused_url
from tests.servers.exchange import Exchange
from tests.servers.openwebui_admin import (
    API,
    JSON,
    KEY,
    PAGE_ITEMS,
    SECRET,
    UI,
    OpenWebUIAdmin,
    feedback,
)
from tests.sessions.rows import NOON, SOON_S, opened, sql, turn

GIVEN = int(NOON) + 100


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log with two turns, the key in the environment, and a proxy that nobody must ask."""
    for name in [name for name in os.environ if name.startswith("HAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HAL_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OPEN_WEBUI_API_KEY", KEY)
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, refused_url())
    with opened(log_path()) as store:
        store.write(turn("t1", message_id="m1", user_message_id="u1", outcome="done"))
        store.write(turn("t2", message_id="m2", user_message_id="u2")).result(SOON_S)
    return tmp_path / "data"


@pytest.fixture
def webui() -> Iterator[OpenWebUIAdmin]:
    with OpenWebUIAdmin() as server:
        yield server


def log_path() -> Path:
    return settings_in_force(os.environ).log.database


Pulling = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pull(webui: OpenWebUIAdmin, capsys: pytest.CaptureFixture[str]) -> Pulling:
    """Exit code, stdout and stderr; the key and the chats are in none of them."""

    def run(*words: str, url: str | None = None) -> tuple[int, str, str]:
        code = main(["feedback", "pull", "--url", url or webui.url, *words])
        out, err = capsys.readouterr()
        assert not [secret for secret in (KEY, SECRET) if secret in out + err]
        return code, out, err

    return run


def document(pull: Pulling, *words: str) -> dict[str, Any]:
    code, out, _ = pull("--json", *words)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def scores() -> list[tuple[Any, ...]]:
    return sql(log_path(), "SELECT turn_id, name, value, label FROM score ORDER BY rowid")


def pages(webui: OpenWebUIAdmin) -> int:
    return len(webui.asked(f"{API}/feedbacks/list"))


def test_ratings_arrive(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    now = {"updated_at": int(time.time())}  # the words of long ago are not kept
    words = "Short and right."
    webui.feedbacks = [
        feedback("f1", number=9, reason="accurate_information", comment=words, **now),
        feedback("f2", message_id="m2", rating=-1, reason="my own words", **now),
        feedback("f3", message_id="m9", model_id="llama"),
        feedback("f4", message_id="m9"),
    ]
    code, out, err = pull()
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == (
        "ratings read: 4  new: 2  changed: 0  withdrawn: 0  as before: 0"
    )
    assert "not used: 1, the log has no such answer" in out
    assert "about other models: 1" in out
    assert list(document(pull)["unmatched"].values()) == [1]
    assert sorted(scores()) == [
        ("t1", "user_rating", pytest.approx(7 / 9), "accurate_information"),
        ("t1", "user_thumb", 1.0, "accurate_information"),
        ("t2", "user_thumb", -1.0, ""),
    ]
    kept = sql(log_path(), "SELECT explanation FROM score_content ORDER BY 1")
    assert kept == [(words,), ("my own words",)]
    assert sql(log_path(), "SELECT count(*) FROM eval_case")[0][0] >= 0


def test_the_same_pull_again_adds_nothing(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    webui.feedbacks = [feedback("f1"), feedback("f2", message_id="m2", rating=-1)]
    assert document(pull)["new"] == 2
    before = scores()
    found = document(pull)
    assert (found["new"], found["changed"], found["unchanged"]) == (0, 0, 2)
    assert scores() == before


def test_a_changed_thumb_and_a_deleted_one(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    webui.feedbacks = [feedback("f1"), feedback("f2", message_id="m2")]
    pull()
    webui.feedbacks = [feedback("f1", rating=-1, updated_at=GIVEN + 5)]
    found = document(pull)
    assert (found["changed"], found["withdrawn"]) == (1, 0)
    assert document(pull, "--all")["withdrawn"] == 1
    assert scores()[-1] == ("t2", "user_thumb", None, "")


def test_only_what_is_new_is_asked_for(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    many = 4 * PAGE_ITEMS
    step = int(OVERLAP_S)
    webui.feedbacks = [feedback(f"f{n}", updated_at=GIVEN + n * step) for n in range(many)]
    assert document(pull)["seen"] == many
    assert pages(webui) == 5  # the last one is empty
    webui.forget()
    assert document(pull)["seen"] == PAGE_ITEMS
    assert pages(webui) == 1
    webui.forget()
    assert document(pull, "--all")["seen"] == many
    assert pages(webui) == 5


def test_since_asks_for_less_and_moves_no_mark_over_a_gap(
    webui: OpenWebUIAdmin, pull: Pulling
) -> None:
    webui.feedbacks = [feedback("f1"), feedback("f2", message_id="m2", updated_at=GIVEN + 10**6)]
    document(pull, "--since", "2026-03-05")
    assert sql(log_path(), "SELECT value FROM state WHERE key = ?", STATE_KEY) == []
    document(pull)
    assert sql(log_path(), "SELECT value FROM state WHERE key = ?", STATE_KEY) != []


def test_a_dry_run_writes_nothing(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    webui.feedbacks = [feedback("f1", comment="words")]
    code, out, _ = pull("--dry-run")
    assert (code, "new: 1" in out, "Nothing was written" in out) == (0, True, True)
    assert scores() == []
    assert sql(log_path(), "SELECT value FROM state WHERE key = ?", STATE_KEY) == []
    assert document(pull, "--dry-run")["written"] is False
    assert document(pull)["new"] == 1


@pytest.mark.parametrize("version", ["0.12", "0.6", "0.5"])
def test_every_version(webui: OpenWebUIAdmin, pull: Pulling, version: str) -> None:
    webui.version = version
    webui.feedbacks = [feedback("f1"), feedback("f2", message_id="m2", updated_at=GIVEN + 1)]
    assert document(pull)["new"] == 2
    assert document(pull)["unchanged"] == 2
    for folder in log_path().parent.iterdir():
        assert SECRET.encode() not in folder.read_bytes()


def test_a_better_answer_beside_ours(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    beside = {"model_id": "llama", "siblings": ["hal.auto"], "message_id": "m9"}
    webui.feedbacks = [
        feedback("f1", parent_id="u2", **beside),
        feedback("f2", parent_id="u1", rating=-1, **beside),
        feedback("f3", model_id="llama", siblings=["phi"], message_id="m9"),
    ]
    found = document(pull)
    assert (found["new"], found["foreign"], found["unmatched"]) == (1, 2, {})
    assert scores() == [("t2", "model_switch", -0.5, "")]
    assert len(webui.asked(f"{API}/feedback/f1")) == 1
    assert not webui.asked(f"{API}/feedback/f2")


def test_the_key_goes_with_every_request_and_past_the_proxy(
    webui: OpenWebUIAdmin, pull: Pulling
) -> None:
    webui.feedbacks = [feedback("f1")]
    pull()
    assert {one.headers["authorization"] for one in webui.requests} == {f"Bearer {KEY}"}


def test_a_key_from_a_file(
    webui: OpenWebUIAdmin, pull: Pulling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPEN_WEBUI_API_KEY")
    file = tmp_path / "webui.key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o644)
    code, _, err = pull("--key-file", str(file))
    assert (code, "chmod 600 webui.key" in err) == (0, True)
    file.chmod(0o600)
    assert pull("--key-file", str(file))[::2] == (0, "")
    code, _, err = pull("--key-file", str(tmp_path / "none"))
    assert (code, err.count("\n"), "cannot be read" in err) == (2, 1, True)


@pytest.mark.parametrize("key", [None, "", "  ", f"{KEY}\nX-Other: 1", "schlüssel", "two words"])
def test_a_key_that_is_none(
    webui: OpenWebUIAdmin, pull: Pulling, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.delenv("OPEN_WEBUI_API_KEY")
    if key is not None:
        monkeypatch.setenv("OPEN_WEBUI_API_KEY", key)
    code, out, err = pull()
    assert (code, out, err.count("\n"), webui.requests) == (2, "", 1, [])
    assert "key" in err


def reply(code: int, body: bytes = b"{}", **headers: str) -> Callable[[Exchange], Awaitable[None]]:
    async def answer(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.reply(code, body, JSON | named)

    return answer


async def silence(exchange: Exchange) -> None:
    exchange.cut()


async def endless(exchange: Exchange) -> None:
    await exchange.begin(200, JSON)
    while True:
        await exchange.send(b" " * 65_536)


FAILURES = {
    "no administrator": (reply(401), "administrator: Settings > Account > API keys"),
    "keys are off": (reply(403), "ENABLE_API_KEYS=true"),
    "the page": (reply(200, UI, content_type="text/html"), "address of Open WebUI itself"),
    "an old version": (reply(404), "0.5 or newer"),
    "another method": (reply(405), "0.5 or newer"),
    "broken": (reply(500, b"oops"), "answers 500. Its own log says why"),
    "elsewhere": (reply(302, location="https://sso.example.org/x"), "sends on to sso.example.org"),
    "elsewhere here": (reply(307, location="/login"), "sends on to another page"),
    "no JSON": (reply(200, b"oops"), "does not answer with JSON"),
    "deep JSON": (reply(200, b"[" * 99_999), "does not answer with JSON"),
    "no bytes": (reply(200, b""), "does not answer with JSON"),
    "a list": (reply(200, b"[]"), "shape that is not known"),
    "no items": (reply(200, b'{"items": 5}'), "shape that is not known"),
    "cut": (silence, "Nothing answers"),
    "endless": (endless, "longer than"),
}


@pytest.mark.parametrize(("says", "remedy"), FAILURES.values(), ids=FAILURES.keys())
def test_every_failure_is_one_sentence_with_a_remedy(
    webui: OpenWebUIAdmin,
    pull: Pulling,
    says: Callable[[Exchange], Awaitable[None]],
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openwebui_admin, "ANSWER_MAX_BYTES", 1 << 20)
    webui.says = says
    code, out, err = pull()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert remedy in err
    assert scores() == []


def test_nobody_there(pull: Pulling) -> None:
    url = refused_url()
    code, out, err = pull(url=url)
    assert (code, out) == (1, "")
    assert err == (
        f"hal feedback: Nothing answers at {url[7:]}. Start Open WebUI, or give its address with"
        " --url.\n"
    )


def test_nobody_answers_in_time(
    webui: OpenWebUIAdmin, pull: Pulling, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(exchange: Exchange) -> None:
        await exchange.begin(200, JSON)
        await asyncio.Event().wait()

    monkeypatch.setattr(openwebui_admin, "TIMEOUT_S", (5.0, 0.2))
    webui.says = never
    code, _, err = pull()
    assert (code, "in time" in err) == (1, True)


def test_no_redirect_is_followed_with_the_key(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    with OpenWebUIAdmin() as other:
        webui.says = reply(302, location=f"{other.url}/x")
        assert pull()[0] == 1
        assert other.requests == []


@pytest.mark.parametrize(
    ("url", "words", "why"),
    [
        ("https://chat.example.org", (), "--allow-remote"),
        ("http://8.8.8.8:3000", (), "--allow-remote"),
        ("http://chat.example.org", ("--allow-remote",), "Use https"),
        ("ftp://127.0.0.1", (), "no address"),
        ("127.0.0.1:3000", (), "no address"),
        ("http://[::1", (), "no address"),
        ("http://", (), "no address"),
    ],
)
def test_the_key_stays_within_ones_own_network(
    pull: Pulling, url: str, words: tuple[str, ...], why: str
) -> None:
    code, out, err = pull(*words, url=url)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_without_a_log(webui: OpenWebUIAdmin, pull: Pulling, data: Path) -> None:
    for file in data.iterdir():
        file.unlink()
    code, _, err = pull()
    assert (code, "no session log yet" in err) == (2, True)
    assert not log_path().exists()


def test_a_wrong_time_is_2(pull: Pulling) -> None:
    code, out, err = pull("--since", "soon")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_items_that_are_none_are_left_out(webui: OpenWebUIAdmin, pull: Pulling) -> None:
    items = [None, 5, {}, {"id": 5}, {"id": "a", "updated_at": "x"}, feedback("f1")]
    answered = []

    async def once(exchange: Exchange) -> None:
        body = {"items": [] if answered else items, "total": 6}
        answered.append(1)
        await exchange.reply(200, json.dumps(body).encode(), JSON)

    webui.says = once
    assert document(pull)["seen"] == 1


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
keys = st.sampled_from(["rating", "details", "model_id", "reason", "comment", "chat_id"])


@given(
    st.dictionaries(keys, anything) | anything,
    st.dictionaries(keys, anything) | anything,
    anything,
)
def test_no_shape_of_an_item_is_a_surprise(data: Any, meta: Any, at: Any) -> None:
    item = {"id": "f", "updated_at": at, "data": data, "meta": meta}
    if is_item(item):
        found = read_rating(item)
        assert found.thumb in (None, 1.0, -1.0)
        assert found.rating is None or -1 <= found.rating <= 1
