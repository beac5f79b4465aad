"""The shield: what it cannot check stays here, what it masks is masked once, and what is allowed
holds from the next turn on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hal.errors import EgressRefused
from hal.privacy.detect import FINDERS, Detector
from hal.privacy.found import Found
from hal.privacy.kinds import Kind
from hal.privacy.masked import Masked
from hal.privacy.name_lists import NameLists
from hal.privacy_files import save_allowed
from hal.prompts import load_prompt
from hal.runtime import Runtime
from hal.settings import PrivacySettings
from hal.settings_reader import read_environment
from hal.shield import FAILED, INLINE_CHARS, PrivacyState, Shield
from hal.types import Chunk, Evidence, Failure, Findings, Message, Override, Status, Text, Turn
from tests.core.things import CLOUD, DEFAULTS, plan, run, turn
from tests.privacy.sentences import SENTENCES, value_of
from tests.servers import KEY, OllamaModel, OllamaServer, Say, XaiServer

EMAIL, CARD = value_of(Kind.EMAIL), value_of(Kind.CREDIT_CARD)
NAMES = NameLists.load()
LOCAL_MODEL = "first:30b"


def state(folder: Path) -> PrivacyState:
    return PrivacyState(replace(DEFAULTS.log, data_dir=folder))


def shield(folder: Path, mode: str = "scrub", of: PrivacyState | None = None) -> Shield:
    rules = PrivacySettings(mode, attachments=False)
    return Shield(of or state(folder), rules, load_prompt("placeholders"))


def broken(text: str) -> list[Found]:
    """A finder that fails, and quotes what it was reading."""
    raise ValueError(text)


def failing(folder: Path, mode: str = "scrub") -> Shield:
    made = shield(folder, mode)
    made.state.detector = Detector(finders=[broken])
    return made


def inspected(made: Shield, text: str) -> Findings:
    return run(made.inspect(turn(text), was_hard=False))


def masked(made: Shield, asked: Turn) -> Masked:
    masking = made.masking(asked, Evidence())
    run(masking.prepare())
    assert masking.made is not None
    return masking.made


def looked(made: Shield, text: str, **changes: Any) -> dict[str, int]:
    return run(made.last_look(f'{{"content": "{text}"}}'.encode(), plan(CLOUD, **changes)))


@pytest.mark.parametrize("mode", ["local", "scrub"])
def test_who_cannot_look_says_private(
    tmp_path: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = inspected(failing(tmp_path, mode), EMAIL)
    assert (found.must_stay_local, found.reasons, found.is_private) == (True, (FAILED,), True)
    assert found.no_search is True
    assert "DetectionFailed" in caplog.text
    assert EMAIL not in caplog.text


def test_a_last_look_that_fails_lets_nothing_pass(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EgressRefused) as caught:
        looked(failing(tmp_path), EMAIL)
    assert caught.value.sentence == f"Nothing was sent: {FAILED}."
    assert EMAIL not in caplog.text
    assert caught.value.__cause__ is None


def test_what_is_open_leaves_also_when_nobody_can_look(tmp_path: Path) -> None:
    assert looked(failing(tmp_path), EMAIL, is_open=True) == {}
    assert looked(failing(tmp_path, "off"), EMAIL) == {}
    assert inspected(failing(tmp_path, "off"), EMAIL) == Findings(is_open=True)


def test_masking_that_fails_sends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EgressRefused) as caught:
        masked(failing(tmp_path), turn(EMAIL))
    assert EMAIL not in caplog.text + caught.value.sentence


def test_the_last_look_counts_by_name_of_kind(tmp_path: Path) -> None:
    text = f"{EMAIL} {SENTENCES[Kind.CREDIT_CARD]}"
    assert looked(shield(tmp_path), text, is_open=True) == {"CREDIT_CARD": 1, "EMAIL": 1}
    with pytest.raises(EgressRefused, match="card number, e-mail address"):
        looked(shield(tmp_path), text)


def test_masking_is_made_once_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    made = shield(tmp_path)
    masking = made.masking(turn(EMAIL, user_id="u"), Evidence())
    assert (masking.made, len(made.state.vaults)) == (None, 0)
    run(masking.prepare())
    first = masking.made
    run(masking.prepare())
    assert masking.made is first is not None
    assert len(made.state.vaults) == 1


def test_a_chat_keeps_its_placeholders_also_in_a_new_process(tmp_path: Path) -> None:
    asked = turn(EMAIL, user_id="u", chat_id="c")
    later = turn("And?", Message("user", EMAIL), user_id="u", chat_id="c")
    one, two = masked(shield(tmp_path), asked), masked(shield(tmp_path), later)
    other = masked(shield(tmp_path), replace(asked, user_id="v"))
    assert two.turn.messages[0].text == one.turn.messages[0].text
    assert other.turn.messages[0].text != one.turn.messages[0].text


def test_calls_without_a_chat_share_nothing(tmp_path: Path) -> None:
    made = shield(tmp_path)
    one, two = (masked(made, turn(EMAIL, chat_id=None, id=name)) for name in ("t1", "t2"))
    assert one.vault is not two.vault
    assert one.turn.question != two.turn.question


def test_long_texts_are_read_in_a_thread(tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    def note(_text: str) -> list[Found]:
        threads.append(threading.current_thread())
        return []

    made = shield(tmp_path)
    made.state.detector = Detector(finders=[note])
    inspected(made, "short")
    inspected(made, "long " * INLINE_CHARS)
    looked(made, "long, too " * INLINE_CHARS)
    first, *others = threads
    assert first is threading.main_thread()
    assert len(others) >= 2
    assert threading.main_thread() not in others


def test_many_turns_at_the_same_time_find_what_one_finds(tmp_path: Path) -> None:
    """In threads, with a cache that forgets: all of them share one detector."""
    made = shield(tmp_path, "local")
    made.state.detector = Detector(NAMES, cache_entries=2, finders=FINDERS)
    filler = "Is every such group abelian? " * (INLINE_CHARS // 20)

    async def all_of_them() -> list[Findings]:
        asked = (made.inspect(turn(f"{filler}{n} {EMAIL}"), was_hard=False) for n in range(24))
        return await asyncio.gather(*asked)

    assert {found.reasons for found in run(all_of_them())} == {("e-mail address found",)}


def test_what_the_user_allows_and_takes_back(tmp_path: Path) -> None:
    made = shield(tmp_path, "local")
    path = DEFAULTS.log.allowed_values.name
    (known,) = made.hashes([(Kind.EMAIL, EMAIL)])
    assert inspected(made, EMAIL).must_stay_local
    save_allowed(tmp_path / path, [known])
    assert not inspected(made, EMAIL.upper()).must_stay_local
    assert looked(made, EMAIL) == {}
    assert inspected(made, f"{EMAIL} x{EMAIL}").kinds == {"EMAIL": 1}
    (tmp_path / path).unlink()
    assert inspected(made, EMAIL).must_stay_local


def test_hashes_tell_values_apart_and_name_nobody(tmp_path: Path) -> None:
    made, values = shield(tmp_path), [(Kind.EMAIL, EMAIL), (Kind.CREDIT_CARD, CARD)]
    hashes = made.hashes([*values, (Kind.EMAIL, EMAIL.upper())])
    assert len(hashes) == 2
    assert shield(tmp_path).hashes(values) == hashes
    assert shield(tmp_path / "elsewhere").hashes(values) != hashes


def test_without_a_key_it_looks_all_the_same_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "privacy.key").write_text("no key")
    made = shield(tmp_path)
    assert ["not a key" in warning for warning in made.state.warnings] == [True]
    assert inspected(made, SENTENCES[Kind.CREDIT_CARD]).is_hard


def test_the_key_is_the_users_alone(tmp_path: Path) -> None:
    state(tmp_path)
    assert os.stat(tmp_path / "privacy.key").st_mode & 0o077 == 0


# Through a whole runtime, where a server process would not let anybody break a finder.


@pytest.fixture
def servers() -> Iterator[tuple[OllamaServer, XaiServer]]:
    with OllamaServer(models=[OllamaModel(LOCAL_MODEL)]) as ollama, XaiServer([Say("out")]) as xai:
        yield ollama, xai


def asked(runtime: Runtime, text: str) -> list[Chunk]:
    async def collect() -> list[Chunk]:
        said = turn(text, override=Override.CLOUD)
        return [chunk async for chunk in runtime.answer(said, [])]

    future: Future[list[Chunk]] = runtime.submit(collect())
    return future.result(10)


@pytest.mark.parametrize("mode", ["local", "scrub"])
@pytest.mark.parametrize("ollama_answers", [True, False])
def test_a_turn_that_nobody_could_check_stays_and_says_why(
    tmp_path: Path, servers: tuple[OllamaServer, XaiServer], mode: str, ollama_answers: bool
) -> None:
    ollama, xai = servers
    if not ollama_answers:
        ollama.answer([Say("")])
    environ = {
        "HOME": str(tmp_path),
        "HAL_DATA_DIR": str(tmp_path / "data"),
        "HAL_OLLAMA_BASE_URL": ollama.url,
        "HAL_LOCAL_MODEL": LOCAL_MODEL,
        "HAL_CLASSIFIER_MODEL": "none:1b",
        "HAL_XAI_API_BASE_URL": xai.base_url,
        "HAL_PRIVACY_MODE": mode,
        "XAI_API_KEY": KEY,
    }
    runtime = Runtime(read_environment(environ))
    runtime.start()
    try:
        runtime.submit(runtime.warmed()).result(10)
        assert "out" in "".join(c.text for c in asked(runtime, "Hi?") if isinstance(c, Text))
        xai.forget()
        runtime._privacy.detector = Detector(finders=[broken])
        chunks = asked(runtime, "Hello?")
    finally:
        runtime.retire()
        assert runtime.join(5)
    assert xai.requests == []
    if ollama_answers:
        assert any(isinstance(c, Status) and f"kept local: {FAILED}" in c.text for c in chunks)
        said = "".join(c.text for c in chunks if isinstance(c, Text))
        assert said == f"{LOCAL_MODEL}: Hello?"
    else:
        (failure,) = (chunk for chunk in chunks if isinstance(chunk, Failure))
        assert f"without leaving this machine ({FAILED})" in failure.message
