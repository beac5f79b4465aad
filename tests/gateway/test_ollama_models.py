"""The calls that go through Ollama's own client, on a real socket."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import ollama
import pytest

from hal.errors import (
    BadReply,
    ConnectionRefused,
    ConnectionReset,
    HalError,
    ModelMissing,
    Overloaded,
    ProviderError,
    Rejected,
    Timeout,
    Unauthorized,
    Unreachable,
)
from hal.gateway.providers.ollama_errors import CLIENT_ERRORS, translate
from hal.gateway.providers.ollama_models import LocalModels, full_name
from hal.types import Message
from tests.servers import (
    BUSY,
    Cut,
    Exchange,
    Label,
    OllamaModel,
    OllamaServer,
    RecordedRequest,
    Say,
    Stall,
    Status,
    refused_url,
)

from .helpers import run

T = TypeVar("T")
ASK = (Message("user", "hi"),)
MODELS = (
    OllamaModel("plain:latest", context_tokens=2048),
    OllamaModel("eye:7b", capabilities=("completion", "vision", "thinking")),
)


def using(url: str, work: Callable[[LocalModels], Coroutine[Any, Any, T]], read_s: float = 5) -> T:
    async def opened() -> T:
        async with ollama.AsyncClient(
            url, timeout=httpx.Timeout(read_s), trust_env=False
        ) as client:
            return await work(LocalModels(client))

    return run(opened())


def first(models: LocalModels, name: str = "plain") -> Any:
    return models.first_token(name, ASK, num_ctx=2048, keep_alive="-1")


@pytest.mark.parametrize(
    ("name", "want"),
    [("a", "a:latest"), ("a:b", "a:b"), ("host:1/a", "host:1/a:latest"), ("u/a:b", "u/a:b")],
)
def test_full_names(name: str, want: str) -> None:
    assert full_name(name) == want


def test_what_is_installed_and_what_it_can_do() -> None:
    async def work(models: LocalModels) -> None:
        listed = await models.list()
        assert {name: found.digest for name, found in listed.items()} == {
            model.name: model.digest for model in MODELS
        }
        assert await models.installed() == {model.name: model.size_bytes for model in MODELS}
        plain, eye = await models.show("plain"), await models.show("eye:7b")
        assert (plain.name, plain.context_tokens) == ("plain:latest", 2048)
        assert (plain.can_see, plain.can_think, plain.has_tools) == (False, False, True)
        assert plain.can_answer
        assert (eye.can_see, eye.can_think, eye.has_tools) == (True, True, False)
        assert await models.version() == "0.13.5"

    with OllamaServer(models=MODELS) as server:
        using(server.url, work)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"models": 3}x'])
def test_a_list_that_is_none(body: bytes) -> None:
    class Other(OllamaServer):
        async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
            await exchange.reply(200, body, {"content-type": "application/json"})

    with Other() as server, pytest.raises(BadReply):
        using(server.url, LocalModels.list)


def test_a_model_is_shown_once_per_digest() -> None:
    with OllamaServer(models=MODELS) as server:

        async def work(models: LocalModels) -> None:
            assert await models.show("plain") is await models.show("plain:latest")
            assert len(server.asked("/api/show")) == 1
            server.models["plain:latest"] = OllamaModel("plain:latest", version=2)
            await models.show("plain")
            assert len(server.asked("/api/show")) == 2

        using(server.url, work)


def test_what_is_loaded() -> None:
    async def work(models: LocalModels) -> None:
        assert await models.loaded() == frozenset()
        await first(models)
        assert await models.loaded() == {"plain:latest"}

    with OllamaServer(models=MODELS) as server:
        using(server.url, work)


def test_embeddings_in_order() -> None:
    async def work(models: LocalModels) -> None:
        one, two, again = await models.embed("plain", ("a", "b", "a"))
        assert one == again != two

    with OllamaServer(models=MODELS) as server:
        using(server.url, work)


def test_pull_tells_its_progress() -> None:
    async def work(models: LocalModels) -> None:
        steps = [step async for step in models.pull("new")]
        assert steps[0].status == "pulling manifest"
        assert steps[-1].status == "success"
        assert any(step.completed and step.completed == step.total for step in steps)
        with pytest.raises(BadReply, match="manifest"):
            [step async for step in models.pull("nowhere")]

    with OllamaServer(models=MODELS, library=[OllamaModel("new:latest")]) as server:
        using(server.url, work)
        assert "new:latest" in server.models


def test_first_token_probabilities() -> None:
    with OllamaServer([Label({"SIMPLE": 0.7, "COMPLEX": 0.2})], models=MODELS) as server:
        found = using(server.url, first)
        asked = server.chats[0].json
    assert {k: round(math.exp(v), 6) for k, v in found.items()} == {"SIMPLE": 0.7, "COMPLEX": 0.2}
    assert asked["options"] == {"num_ctx": 2048, "num_predict": 1, "temperature": 0}
    assert (asked["think"], asked["logprobs"], asked["top_logprobs"]) == (False, True, 20)
    assert (asked["stream"], asked["keep_alive"]) == (False, -1)


def test_an_old_server_has_no_probabilities() -> None:
    with OllamaServer([Label({"A": 1.0})], models=MODELS, version="0.12.10") as server:
        assert using(server.url, first) is None


SCHEMA = {"type": "object", "properties": {"label": {"enum": ["A", "B"]}}}


def structured(models: LocalModels) -> Any:
    return models.structured("plain", ASK, SCHEMA, num_ctx=2048, keep_alive="30m")


def test_structured_answers() -> None:
    with OllamaServer(models=MODELS) as server:
        assert using(server.url, structured) == {"label": "A"}
        assert server.chats[0].json["format"] == SCHEMA


@pytest.mark.parametrize("words", ["A", "", '{"label": ', "[]"])
def test_a_structured_answer_that_is_none(words: str) -> None:
    with OllamaServer([Say(words)], models=MODELS) as server, pytest.raises(BadReply):
        using(server.url, structured)


CASES: list[tuple[str, Status, type[HalError]]] = [
    ("busy", BUSY, Overloaded),
    ("500", Status(500, {"error": "out of memory"}), Overloaded),
    ("400", Status(400, {"error": "no"}), Rejected),
    ("403", Status(403, ""), Unauthorized),
    ("page", Status(200, "<html>hello</html>"), BadReply),
    ("error page", Status(502, "<html>hello</html>"), Overloaded),
    ("array", Status(200, b"[1]", {"content-type": "application/json"}), BadReply),
    ("array as error", Status(500, b"[1]", {"content-type": "application/json"}), BadReply),
    ("empty", Status(200, b""), BadReply),
]


@pytest.mark.parametrize(("status", "kind"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_breaks_is_one_of_our_errors(status: Status, kind: type[HalError]) -> None:
    with OllamaServer([status], models=MODELS) as server, pytest.raises(kind) as caught:
        using(server.url, first)
    assert "<" not in str(caught.value)


def test_a_missing_model_has_the_exact_command() -> None:
    with OllamaServer(models=MODELS) as server:
        for work in (lambda m: first(m, "gone:4b"), lambda m: m.show("gone:4b")):
            with pytest.raises(ModelMissing) as caught:
                using(server.url, work)
            assert caught.value.remedy == "Run: ollama pull gone:4b"


def test_nobody_listens() -> None:
    url = refused_url()

    async def pulled(models: LocalModels) -> None:
        async for _ in models.pull("x"):
            pass

    calls: list[Callable[[LocalModels], Any]] = [
        first,
        structured,
        pulled,
        LocalModels.list,
        LocalModels.loaded,
        LocalModels.version,
    ]
    for work in calls:
        with pytest.raises(ConnectionRefused) as caught:
            using(url, work)
        assert caught.value.sentence == (
            f"Ollama does not answer at {url}. Start it (ollama serve) or set OLLAMA_BASE_URL."
        )


@pytest.mark.parametrize("cut", [Cut(), Cut(reset=True)])
def test_a_closed_connection(cut: Cut) -> None:
    with OllamaServer([cut], models=MODELS) as server, pytest.raises(ConnectionReset):
        using(server.url, first)


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(Unreachable) as caught:
        using("http://name.invalid", first)
    assert type(caught.value) is Unreachable


def test_no_answer_in_time() -> None:
    with OllamaServer([Stall()], models=MODELS) as server, pytest.raises(Timeout):
        using(server.url, first, read_s=0.2)


def _leaves(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(leaf for sub in base.__subclasses__() for leaf in _leaves(sub))]


@pytest.mark.parametrize(
    "kind",
    [
        k
        for base in CLIENT_ERRORS
        for k in _leaves(base)
        if k.__module__ in ("httpx", "ollama._types", "builtins")
    ],
)
def test_every_exception_of_the_client_maps(kind: type[Exception]) -> None:
    error = kind.__new__(kind, "x")
    if isinstance(error, ollama.ResponseError):
        error = ollama.ResponseError("x", 500)
    found = translate(error, "http://127.0.0.1:1", "m")
    assert isinstance(found, ProviderError)
    assert found.provider == "ollama"
