"""The cache as the gateway uses it: on a real file, with a scripted Ollama for the vectors."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from operator import mul
from pathlib import Path
from typing import Any

import ollama
import pytest

from hal.errors import Overloaded, Unreachable
from hal.gateway import cache_embedding
from hal.gateway.cache_embedding import PAUSE_S, Embed, QuestionVectors
from hal.gateway.cache_file import Limits
from hal.gateway.cache_store import BACKLOG_MAX, StoredAnswers
from hal.gateway.ports import CachedAnswer
from hal.gateway.providers.ollama_models import LocalModels
from hal.settings import CacheSettings
from hal.types import Message, Override, Turn
from tests.core.things import LOCAL, Clock, plan, run, turn
from tests.servers import OllamaModel, OllamaServer
from tests.servers.ollama import embedding

OFF = CacheSettings("off", 0.8, 24.0, "all-minilm")
ONLY_EXACT, SEMANTIC = replace(OFF, mode="exact"), replace(OFF, mode="semantic")
HOUR_S = 3600.0
MINILM = OllamaModel("all-minilm:latest", capabilities=("embedding",))
EGG, EGG_AGAIN = "How do I boil an egg", "How can I boil an egg"
EGG_NOT = "How do I boil no egg"


def answer(text: str = "Ten minutes.", **changes: Any) -> CachedAnswer:
    made = CachedAnswer("exact", text, "hm", LOCAL.provider, LOCAL.model, "stop", 1.0, 0.0)
    return replace(made, **changes)


def ask(text: str = EGG, number: int = 1, **changes: Any) -> Turn:
    """A first message in a chat of its own, by Anna."""
    ids = {"chat_id": f"chat-{number}", "user_message_id": f"q-{number}", "message_id": "m-1"}
    return turn(text, **({"user_id": "anna"} | ids | changes))


@dataclass
class Shelf:
    """Where the file lies, and a way to open it again and again."""

    path: Path
    clock: Clock

    @asynccontextmanager
    async def open(
        self, settings: CacheSettings = ONLY_EXACT, embed: Embed | None = None, **options: Any
    ) -> AsyncIterator[StoredAnswers]:
        cache = StoredAnswers(self.path, settings, embed, clock=self.clock, **options)
        try:
            yield cache
        finally:
            await cache.close()

    def rows(self, statement: str = "SELECT text FROM answers") -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(statement).fetchall()

    def bytes(self) -> bytes:
        names = [self.path, *self.path.parent.glob(f"{self.path.name}-*")]
        return b"".join(path.read_bytes() for path in names if path.exists())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data" / "cache.sqlite", Clock(1_000_000.0))


def tell(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(story())


def counted(vectors: Callable[[str], Sequence[float]] | None = None) -> tuple[Embed, list[str]]:
    """An embedding by the letters of a text, and what it was asked."""
    asked: list[str] = []

    def letters(text: str) -> Sequence[float]:
        return [text.lower().count(letter) + 0.01 for letter in "abcdefghijklmnopqrstuvwxyz"]

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        asked.extend(texts)
        return [(vectors or letters)(text) for text in texts]

    return embed, asked


def test_kept_and_found_by_the_very_words(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            assert await cache.find(ask(), plan()) is None
            await cache.keep(ask(), plan(), answer())
            shelf.clock.now += 90
            hit = await cache.find(ask(number=2), plan())
            assert hit == answer(kind="exact", age_s=90.0)
            assert await cache.find(ask(EGG_AGAIN, 3), plan()) is None

    tell(story)


def test_a_restart_forgets_nothing(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer())
        async with shelf.open(SEMANTIC, embed) as cache:
            exact = await cache.find(ask(number=2), plan())
            similar = await cache.find(ask(EGG_AGAIN, 3), plan())
            anew = await cache.find(ask(message_id="m-2"), plan())
        assert exact is not None
        assert exact.kind == "exact"
        assert similar is not None
        assert similar.kind == "semantic"
        assert anew is None

    tell(story)


def test_found_by_meaning_within_the_scope_alone(shelf: Shelf) -> None:
    before = (Message("system", "Be brief."),)

    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer())
            hit = await cache.find(ask(EGG_AGAIN, 2), plan())
            assert hit is not None
            assert (hit.kind, hit.text, hit.thinking) == ("semantic", "Ten minutes.", "hm")
            assert 0.8 <= hit.similarity < 1.0
            for other in (
                ask(EGG_NOT, 3),
                ask(EGG_AGAIN, 4, user_id="bert"),
                ask(EGG_AGAIN, 5, user_id=None),
                turn(EGG_AGAIN, *before, user_id="anna", chat_id="chat-6"),
            ):
                assert await cache.find(other, plan()) is None
            elsewhere = plan(replace(LOCAL, model="other:7b"))
            assert await cache.find(ask(EGG_AGAIN, 7), elsewhere) is None

    tell(story)


def test_the_similarity_that_is_set_decides(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer())
            cache.configure(replace(SEMANTIC, similarity=0.9999), embed)
            assert await cache.find(ask(EGG_AGAIN, 2), plan()) is None
            cache.configure(SEMANTIC, embed)
            assert await cache.find(ask(EGG_AGAIN, 2), plan()) is not None

    tell(story)


def test_the_most_similar_one_that_asks_for_the_same_is_given(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            for number, text in enumerate((EGG_NOT, f"Please, {EGG}", EGG)):
                await cache.keep(ask(text, number), plan(), answer(text))
            hit = await cache.find(ask(EGG_AGAIN, 9), plan())
            assert hit is not None
            assert hit.text == EGG

    tell(story)


@pytest.mark.parametrize("user", ["anna", None])
def test_one_user_s_answers_are_not_another_s(shelf: Shelf, user: str | None) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(user_id=user), plan(), answer())
            for other in {"anna", "bert", None} - {user}:
                assert await cache.find(ask(number=2, user_id=other), plan()) is None
            assert await cache.find(ask(number=2, user_id=user), plan()) is not None

    tell(story)


def test_regenerate_gives_another_answer_which_replaces_the_first(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer("first"))
            again = ask(message_id="m-2")
            assert await cache.find(again, plan()) is None
            await cache.keep(again, plan(), answer("second"))
            assert shelf.rows() == [("second",)]
            for third in (ask(message_id="m-3"), ask(message_id=None)):
                assert await cache.find(third, plan()) is None
            for other in (ask(number=2), ask(EGG_AGAIN, 3)):
                hit = await cache.find(other, plan())
                assert hit is not None
                assert hit.text == "second"

    tell(story)


@pytest.mark.parametrize("text", [EGG, EGG_AGAIN], ids=["exact", "semantic"])
def test_regenerate_after_a_hit_asks_the_model_too(shelf: Shelf, text: str) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer("kept"))
            assert await cache.find(ask(text, 2), plan()) is not None
            assert await cache.find(ask(text, 2), plan()) is not None, "the same answer, sent twice"
            again = ask(text, 2, message_id="m-2")
            assert await cache.find(again, plan()) is None
            await cache.keep(again, plan(), answer("new"))
            hit = await cache.find(ask(text, 3), plan())
            assert hit is not None
            assert (hit.kind, hit.text) == ("exact", "new")

    tell(story)


@pytest.mark.parametrize(
    ("asked", "chosen", "said"),
    [
        (ask(), plan(is_private=True), answer()),
        (ask(), plan(enrich=True), answer()),
        (ask(chat_id="temporary:1"), plan(), answer()),
        (ask(override=Override.WEB), plan(), answer()),
        (ask(task="title_generation"), plan(), answer()),
        (ask(tools=({"type": "function"},)), plan(), answer()),
        (ask(attachments=("file",)), plan(), answer()),
        (ask(), plan(), answer(finish="length")),
        (ask(), plan(), answer("")),
        (ask(), plan(), answer(age_s=1.0)),
        (ask(), plan(), answer(model="a-fallback")),
    ],
)
def test_what_must_not_be_kept_never_reaches_the_disk(
    shelf: Shelf, asked: Turn, chosen: Any, said: CachedAnswer
) -> None:
    async def story() -> None:
        embed, texts = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(asked, chosen, said)
        assert not shelf.path.exists()
        assert not texts, "the question was sent to be embedded"

    tell(story)


def test_a_private_turn_is_not_answered_from_the_cache(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=2), plan(is_private=True)) is None

    tell(story)


def test_off_keeps_nothing_and_makes_no_file(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open(OFF) as cache:
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(), plan()) is None
        assert not shelf.path.parent.exists()

    tell(story)


def test_old_answers_are_not_given_and_then_overwritten(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer("secret sauce"))
            shelf.clock.now += 24 * HOUR_S - 1
            assert await cache.find(ask(number=2), plan()) is not None
            shelf.clock.now += 2
            assert await cache.find(ask(number=3), plan()) is None
            assert await cache.find(ask(EGG_AGAIN, 4), plan()) is None
        assert b"secret sauce" in shelf.bytes()
        async with shelf.open(OFF) as cache:  # also when it was switched off meanwhile
            await cache.find(ask(number=5), plan())
        assert shelf.rows() == []
        assert shelf.rows("SELECT * FROM asked WHERE at < 1000000 + 86400") == []
        assert b"secret sauce" not in shelf.bytes()

    tell(story)


def test_a_clock_that_was_set_back_makes_no_answer_young(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            shelf.clock.now -= HOUR_S
            assert await cache.find(ask(number=2), plan()) is None

    tell(story)


def test_what_was_not_used_for_the_longest_time_goes_first(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open(limits=Limits(rows=3)) as cache:
            for number in range(3):
                shelf.clock.now += 1
                await cache.keep(ask(f"q {number}", number), plan(), answer(f"a {number}"))
            shelf.clock.now += 1
            assert await cache.find(ask("q 0", 10), plan()) is not None
            await cache.keep(ask("q 3", 3), plan(), answer("a 3"))
        assert {text for (text,) in shelf.rows()} == {"a 0", "a 2", "a 3"}
        assert len(shelf.rows("SELECT * FROM asked")) <= 4

    tell(story)


def test_long_answers_count_by_their_size(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open(limits=Limits(size_bytes=3000)) as cache:
            for number in range(3):
                shelf.clock.now += 1
                await cache.keep(ask(f"q {number}", number), plan(), answer("é" * 600))
        assert len(shelf.rows()) == 2

    tell(story)


def test_everything_of_a_user_can_be_forgotten(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(), plan(), answer("for Anna's eyes"))
            await cache.keep(ask(user_id="bert"), plan(), answer("for Bert"))
            assert await cache.forget("anna")
            assert await cache.find(ask(number=2), plan()) is None
            assert await cache.find(ask(number=2, user_id="bert"), plan()) is not None
            assert b"for Anna's eyes" not in shelf.bytes()
            assert EGG.encode() in shelf.bytes()  # Bert's
            assert await cache.clear()
            assert not list(shelf.path.parent.iterdir())
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=3), plan()) is not None

    tell(story)


def test_the_file_is_private_and_holds_no_ids(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(user_id="anna-4711"), plan(), answer())
            for path in (shelf.path, *shelf.path.parent.iterdir()):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(shelf.path.parent.stat().st_mode) == 0o700
        for word in (b"anna-4711", b"chat-1", b"q-1", b"m-1"):
            assert word not in shelf.bytes()

    tell(story)


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough", b"\0" * 8192])
def test_a_damaged_file_is_thrown_away(shelf: Shelf, content: bytes) -> None:
    shelf.path.parent.mkdir(mode=0o700)
    shelf.path.write_bytes(content)

    async def story() -> None:
        async with shelf.open() as cache:
            assert await cache.find(ask(), plan()) is None
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=2), plan()) is not None
        assert sorted(path.name for path in shelf.path.parent.iterdir()) == ["cache.sqlite"]

    tell(story)


def test_damage_while_it_is_open(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            for number in range(40):
                await cache.keep(ask(f"q {number}", number), plan(), answer("x" * 3000))
        raw = bytearray(shelf.path.read_bytes())
        raw[4096:] = b"\xff" * (len(raw) - 4096)  # all but the page with the schema
        shelf.path.write_bytes(raw)
        async with shelf.open() as cache:
            assert await cache.find(ask("q 1", 99), plan()) is None
            await cache.keep(ask(), plan(), answer())
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=2), plan()) is not None

    tell(story)


def test_a_file_that_is_removed_while_it_is_open_begins_anew(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            for path in shelf.path.parent.iterdir():
                path.unlink()
            assert await cache.find(ask(number=2), plan()) is None
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=3), plan()) is not None

    tell(story)


def test_a_file_of_a_newer_hal_auto_is_left_alone(shelf: Shelf) -> None:
    shelf.path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(shelf.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = shelf.path.read_bytes()

    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(), plan()) is None
            assert not await cache.forget("anna")
        assert shelf.path.read_bytes() == before

    tell(story)


@pytest.mark.parametrize("obstacle", ["a file for a folder", "a folder for the file"])
def test_a_place_that_cannot_be_written_is_a_miss_and_is_said_once(
    shelf: Shelf, obstacle: str, caplog: pytest.LogCaptureFixture
) -> None:
    if obstacle == "a file for a folder":
        shelf.path.parent.write_text("in the way", encoding="utf-8")
    else:
        shelf.path.mkdir(parents=True)

    async def story() -> None:
        async with shelf.open() as cache:
            for number in range(3):
                await cache.keep(ask(number=number), plan(), answer())
                assert await cache.find(ask(number=9), plan()) is None

    tell(story)
    said = [record.getMessage() for record in caplog.records if record.name == "hal.cache"]
    assert len(said) == 1
    assert EGG not in said[0]


def test_another_process_that_writes_costs_an_answer_and_not_a_turn(shelf: Shelf) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            with closing(sqlite3.connect(shelf.path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                began = loop.time()
                assert await cache.find(ask(number=2), plan()) is not None
                await cache.keep(ask("q", 3), plan(), answer("lost"))
                assert loop.time() - began < 5.0
                other.execute("ROLLBACK")
            assert await cache.find(ask("q", 4), plan()) is None
            await cache.keep(ask("q", 3), plan(), answer())
            assert await cache.find(ask("q", 5), plan()) is not None

    tell(story)


def test_a_disk_that_hangs_holds_nobody_up(shelf: Shelf) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        gate = asyncio.Event()

        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
            stuck = cache._executor.submit(
                lambda: asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(8)
            )
            began = loop.time()
            assert await cache.find(ask(number=2), plan()) is None
            assert loop.time() - began < 5.0
            many = [cache.find(ask(number=n), plan()) for n in range(2 * BACKLOG_MAX)]
            assert await asyncio.gather(*many) == [None] * len(many)
            assert cache._backlog <= BACKLOG_MAX
            assert loop.time() - began < 6.0
            gate.set()
            await asyncio.wrap_future(stuck)
            while cache._backlog:
                await asyncio.sleep(0.01)
            assert await cache.find(ask(number=3), plan()) is not None

    tell(story)


def test_many_turns_at_once(shelf: Shelf) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            asked = [ask(f"How do I cook dish {n}", n) for n in range(40)]
            await asyncio.gather(*(cache.keep(a, plan(), answer(a.question)) for a in asked))
            again = [replace(a, chat_id=f"other-{a.chat_id}") for a in asked]
            hits = await asyncio.gather(*(cache.find(a, plan()) for a in again))
            assert [hit.text for hit in hits if hit] == [a.question for a in asked]

    tell(story)


def test_two_processes_share_a_file(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as one, shelf.open() as other:
            await asyncio.gather(
                *(
                    cache.keep(ask(f"q {n}", n), plan(), answer(f"a {n}"))
                    for n in range(10)
                    for cache in (one, other)
                )
            )
            for n in range(10):
                assert await one.find(ask(f"q {n}", 50 + n), plan()) is not None
                assert await other.find(ask(f"q {n}", 70 + n), plan()) is not None

    tell(story)


def test_closed_is_a_miss(shelf: Shelf) -> None:
    async def story() -> None:
        async with shelf.open() as cache:
            await cache.keep(ask(), plan(), answer())
        await cache.close()
        assert await cache.find(ask(number=2), plan()) is None
        await cache.keep(ask("q", 3), plan(), answer())
        assert not await cache.forget("anna")

    tell(story)


@pytest.mark.parametrize("text", ["\ud800 broken", "nul \0 inside", "'; DROP TABLE answers; --"])
def test_odd_texts_are_found_or_missed_and_never_raise(shelf: Shelf, text: str) -> None:
    async def story() -> None:
        embed, _ = counted()
        async with shelf.open(SEMANTIC, embed) as cache:
            await cache.keep(ask(text), plan(), answer(text))
            hit = await cache.find(ask(text, 2), plan())
            assert hit is None or hit.text == text
            await cache.keep(ask(), plan(), answer())
            assert await cache.find(ask(number=3), plan()) is not None

    tell(story)


@pytest.fixture
def minilm() -> Iterator[OllamaServer]:
    with OllamaServer(models=(MINILM,)) as server:
        yield server


@asynccontextmanager
async def embedding_at(url: str) -> AsyncIterator[Embed]:
    """As the services wire it: the real client, to the model that is set."""
    async with ollama.AsyncClient(url, timeout=5, trust_env=False) as client:
        models = LocalModels(client)

        async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
            return await models.embed("all-minilm", texts)

        yield embed


def test_vectors_come_from_ollama(shelf: Shelf, minilm: OllamaServer) -> None:
    async def story() -> None:
        async with (
            embedding_at(minilm.url) as embed,
            shelf.open(SEMANTIC, embed) as cache,
        ):
            assert await cache.find(ask(), plan()) is None
            await cache.keep(ask(), plan(), answer())
            hit = await cache.find(ask(EGG_AGAIN, 2), plan())
            assert hit is not None
            alike = sum(map(mul, embedding(EGG), embedding(EGG_AGAIN)))
            assert hit.similarity == pytest.approx(alike, abs=1e-3)
            asked = [request.json["input"] for request in minilm.asked("/api/embed")]
            assert asked == [[EGG], [EGG_AGAIN]], "a question is embedded once"

    tell(story)


def test_a_missing_model_is_said_once_and_leaves_the_exact_cache(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        with OllamaServer(models=()) as server:
            async with embedding_at(server.url) as embed, shelf.open(SEMANTIC, embed) as cache:
                await cache.keep(ask(), plan(), answer())
                assert await cache.find(ask(number=2), plan()) is not None
                for number in range(3, 6):
                    assert await cache.find(ask(EGG_AGAIN, number), plan()) is None
                (warning,) = cache.warnings
                assert "ollama pull all-minilm" in warning
                assert len(server.asked("/api/embed")) == 1, "asked again before the pause is over"
                assert cache._vectors is not None
                cache._vectors._paused_until_s = 0.0
                assert await cache.find(ask(EGG_AGAIN, 6), plan()) is None
                assert len(server.asked("/api/embed")) == 2
                server.models[MINILM.name] = MINILM
                cache._vectors._paused_until_s = 0.0
                await cache.find(ask(EGG_AGAIN, 7), plan())
                assert not cache.warnings, "pulled meanwhile"

    caplog.set_level(logging.WARNING, "hal.cache")
    tell(story)
    assert len([record for record in caplog.records if record.name == "hal.cache"]) == 1


class Later:
    """An embedding that waits for a word, or fails."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = 0
        self.fails: Exception | None = None

    async def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        await self.gate.wait()
        return [[1.0, 2.0] for _ in texts]


def test_a_slow_embedding_is_not_waited_for_but_goes_on() -> None:
    async def story() -> None:
        later, loop = Later(), asyncio.get_running_loop()
        vectors = QuestionVectors(later, "all-minilm", deadline_s=0.05)
        began = loop.time()
        assert await vectors.get("one") is None
        assert await vectors.get("two") is None, "while it is slow nobody else waits"
        assert loop.time() - began < 5.0
        assert later.asked == 1
        later.gate.set()
        assert await vectors.get("one") is not None, "the model was loaded all the same"
        assert vectors.warning is None
        vectors.close()

    tell(story)


@pytest.mark.parametrize("error", [Unreachable("gone"), Overloaded("busy"), ValueError("odd")])
def test_after_a_failure_there_is_a_pause(error: Exception) -> None:
    async def story() -> None:
        later = Later()
        later.gate.set()
        later.fails = error
        vectors = QuestionVectors(later, "all-minilm")
        for question in ("one", "two", "one"):
            assert await vectors.get(question) is None
        assert later.asked == 1
        later.fails = None
        vectors._paused_until_s -= PAUSE_S
        assert await vectors.get("one") is not None
        assert vectors.warning is None
        vectors.close()

    tell(story)


@pytest.mark.parametrize("reply", [[], [[]], [[0.0, 0.0]], [["a"]], [[1.0], [2.0]], None])
def test_a_reply_without_a_vector_is_said(reply: Any) -> None:
    async def embed(texts: Sequence[str]) -> Any:
        return reply

    async def story() -> None:
        vectors = QuestionVectors(embed, "odd-model")
        assert await vectors.get("one") is None
        assert vectors.warning is not None
        assert "odd-model sent no vector" in vectors.warning

    tell(story)


def test_a_server_that_never_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_embedding, "LIMIT_S", 0.05)

    async def story() -> None:
        vectors = QuestionVectors(Later(), "all-minilm", deadline_s=1.0)
        assert await vectors.get("one") is None
        assert not vectors._tasks

    tell(story)


def test_vectors_in_waiting_are_bounded() -> None:
    async def story() -> None:
        vectors = QuestionVectors(Later(), "all-minilm", deadline_s=5.0)
        waiting = [asyncio.create_task(vectors.get(f"q {n}")) for n in range(100)]
        await asyncio.sleep(0)
        assert len(vectors._tasks) <= cache_embedding.QUESTIONS_MAX
        vectors.close()
        assert await asyncio.gather(*waiting) == [None] * 100

    tell(story)
