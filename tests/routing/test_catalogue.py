"""What the hosts have installed and loaded, remembered, with a clock that the test turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest

from hal.errors import ModelMissing, Unreachable
from hal.gateway.providers.local_servers import LocalServers
from hal.routing import known_host
from hal.routing.catalogue import Catalogue
from hal.routing.known_host import (
    ASK_LIMIT_S,
    COLD_AGE_S,
    INSTALLED_AGE_S,
    LOADED_AGE_S,
    name_there,
)
from hal.routing.load import HostLoad
from hal.routing.plan import Offers
from hal.settings import LocalHost, Settings
from hal.settings_reader import read_environment
from tests.core.things import CLOUD, DEFAULTS, Clock, run
from tests.gateway.helpers import OpenAiServer
from tests.servers import OllamaModel, OllamaServer, Status, XaiModel, refused_url

LOCAL = replace(DEFAULTS.local, model="big:30b", simple_model="small:4b", vision_model="eyes")
SETTINGS = replace(DEFAULTS, local=LOCAL)
GIB = 1 << 30


@dataclass(frozen=True)
class Info:
    can_see: bool = False
    can_think: bool = False
    can_answer: bool = True
    context_tokens: int | None = None
    bytes: int = GIB


@dataclass
class Server:
    """A ModelServer with these models, or none at all."""

    models: dict[str, Info] = field(default_factory=dict)
    in_memory: frozenset[str] = frozenset()
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def installed(self) -> Mapping[str, int]:
        await self._reached("installed")
        return {name: info.bytes for name, info in self.models.items()}

    async def show(self, model: str) -> Info:
        await self._reached(model)
        if model not in self.models:
            raise ModelMissing(f"{model} is not installed.", status=404)
        return self.models[model]

    async def loaded(self) -> frozenset[str]:
        await self._reached("loaded")
        return self.in_memory

    async def _reached(self, what: str) -> None:
        self.asked.append(what)
        if self.gate is not None:
            await self.gate.wait()
        if self.is_down:
            raise Unreachable("Ollama does not answer.")

    def count(self, what: str) -> int:
        return self.asked.count(what)


ALL = {"big:30b": Info(can_think=True), "small:4b": Info(), "eyes": Info(can_see=True)}


def catalogue(server: Server, settings: Settings = SETTINGS, clock: Any = None) -> Catalogue:
    """Of one host."""
    return Catalogue({settings.local.base_url: server}, settings, (CLOUD,), clock or Clock())


def offers(server: Server, settings: Settings = SETTINGS) -> Offers:
    return run(catalogue(server, settings).offers())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_the_models_can_do() -> None:
    found = offers(Server(ALL))
    assert (found.local.model, found.local.can_think, found.local.can_see) == (
        "big:30b",
        True,
        False,
    )
    assert found.main == (found.local,)
    assert found.simple.model == "small:4b"
    assert found.vision is not None
    assert (found.vision.model, found.vision.can_see) == ("eyes", True)
    assert found.clouds == (CLOUD,)
    assert not any(t.leaves_machine for t in (found.local, found.simple, found.vision))
    assert {t.host for t in (found.local, found.simple, found.vision)} == {LOCAL.base_url}
    assert found.note == ""


def test_windows_are_those_of_the_settings() -> None:
    models = ALL | {"big:30b": Info(context_tokens=2048)}
    assert offers(Server(models)).local.context_tokens == SETTINGS.window_tokens("big:30b")


VISION = [
    pytest.param({"big:30b": Info(can_see=True), **ALL} | {"big:30b": Info(True)}, "big:30b"),
    pytest.param(ALL, "eyes"),
    pytest.param({"small:4b": Info(can_see=True)}, "small:4b"),
    pytest.param({"other:7b": Info(can_see=True)}, "other:7b"),
    pytest.param({"big:30b": Info()}, None),
    pytest.param({}, None),
]


@pytest.mark.parametrize(
    ("models", "expected"),
    VISION,
    ids=["local", "vision model", "simple", "substitute", "blind", "none"],
)
def test_who_looks_at_images(models: dict[str, Info], expected: str | None) -> None:
    found = offers(Server(models))
    assert (found.vision.model if found.vision else None) == expected


@pytest.mark.parametrize(
    ("vision_model", "expected"), [("eyes", "eyes"), (None, "big:30b")], ids=["set", "unset"]
)
def test_a_server_that_is_down_is_left_to_the_call(vision_model: str | None, expected: str) -> None:
    settings = replace(SETTINGS, local=replace(LOCAL, vision_model=vision_model))
    found = offers(Server(is_down=True), settings)
    assert found.vision is not None
    assert found.vision.model == expected
    assert found.local.model == "big:30b"
    assert found.simple.model == "small:4b"
    assert found.note == ""


def test_the_answer_is_remembered_and_ages() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL), frozenset({"big:30b"}))
        known = catalogue(server, clock=clock)
        await known.offers()
        clock.now += LOADED_AGE_S
        await known.offers()
        await settle()
        assert sorted(server.asked) == sorted(["installed", "loaded", *ALL])

        del server.models["eyes"]
        clock.now += INSTALLED_AGE_S
        old = await known.offers()
        assert old.vision is not None  # the turn does not wait for the new answer
        await settle()
        assert (await known.offers()).vision is None
        assert (server.count("installed"), server.count("eyes")) == (2, 1)

    run(work())


def test_a_model_that_is_being_loaded_is_soon_known_to_be_there() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL))
        known = catalogue(server, clock=clock)
        target = (await known.offers()).local
        assert known.is_cold(target)
        server.in_memory = frozenset({"big:30b"})
        clock.now += COLD_AGE_S + 0.1
        await known.offers()
        await settle()
        assert not known.is_cold(target)

    run(work())


def test_all_first_turns_wait_for_the_first_answer() -> None:
    async def work() -> None:
        server = Server(dict(ALL), gate=asyncio.Event())
        known = catalogue(server)
        turns = [asyncio.create_task(known.offers()) for _ in range(3)]
        await settle()
        turns[0].cancel()  # the one that asked goes away; the answer is wanted all the same
        await settle()
        assert server.gate is not None
        server.gate.set()
        for found in await asyncio.gather(*turns[1:]):
            assert found.vision is not None
            assert found.vision.model == "eyes"
        assert server.count("installed") == 1

    run(work())


def test_a_server_that_comes_up_is_seen_within_seconds() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL), is_down=True)
        known = catalogue(server, clock=clock)
        assert not (await known.offers()).local.can_think
        server.is_down = False
        clock.now += LOADED_AGE_S + 1
        await known.offers()
        await settle()
        assert (await known.offers()).local.can_think

    run(work())


def test_what_a_server_had_is_remembered_while_it_is_down() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL), frozenset({"big:30b"}))
        known = catalogue(server, clock=clock)
        await known.offers()
        server.is_down = True
        clock.now += INSTALLED_AGE_S + 1
        await known.offers()
        await settle()
        found = await known.offers()
        assert found.local.can_think
        assert found.vision is not None
        (load,) = known.loads()
        assert (load.is_loaded, load.is_known_down) == (False, True)

    run(work())


def test_loaded_is_known_after_the_first_question() -> None:
    async def work() -> None:
        clock = Clock()
        server = Server(dict(ALL), in_memory=frozenset({"big:30b", "eyes:latest"}))
        known = catalogue(server, clock=clock)
        assert not known.are_loaded("big:30b")  # asks, and answers what is known so far
        await settle()
        assert known.are_loaded("big:30b", "eyes")
        assert not known.are_loaded("big:30b", "small:4b")
        assert server.count("loaded") == 1

        server.in_memory = frozenset()
        clock.now += LOADED_AGE_S + 1
        assert known.are_loaded("big:30b")
        await settle()
        assert not known.are_loaded("big:30b")
        assert (server.count("loaded"), server.count("installed")) == (2, 1)

    run(work())


def test_nothing_is_loaded_on_a_server_that_is_down() -> None:
    async def work() -> bool:
        known = catalogue(Server(is_down=True))
        known.are_loaded("big:30b")
        await settle()
        return known.are_loaded("big:30b")

    assert run(work()) is False


def test_a_cold_model_is_one_that_is_not_loaded() -> None:
    async def work() -> None:
        known = catalogue(Server(dict(ALL), frozenset({"big:30b"})))
        found = await known.offers()
        assert not known.is_cold(found.local)
        assert known.is_cold(found.simple)
        assert not known.is_cold(CLOUD)

    run(work())


def test_nothing_is_asked_after_the_end() -> None:
    async def work() -> None:
        server = Server(dict(ALL), gate=asyncio.Event())
        known = catalogue(server)
        turn = asyncio.create_task(known.offers())
        await settle()
        known.close()
        await settle()
        assert turn.done()
        assert server.asked == ["installed"]

    run(work())


# When the local model is not there


SMALL, EYES, WRITER = Info(bytes=2 * GIB), Info(can_see=True, bytes=5 * GIB), Info(bytes=9 * GIB)
EMBEDDER = Info(can_answer=False, bytes=20 * GIB)
SUBSTITUTES = [
    ({"small:4b": SMALL, "eyes": EYES, "qwen:32b": WRITER}, "small:4b"),
    ({"eyes": EYES, "qwen:32b": WRITER}, "eyes"),
    ({"qwen:4b": SMALL, "qwen:32b": WRITER, "embed:big": EMBEDDER}, "qwen:32b"),
    ({"small:4b": EMBEDDER, "qwen:4b": SMALL}, "qwen:4b"),
    ({"glm:1t-cloud": WRITER, "qwen:4b": SMALL}, "qwen:4b"),
]


@pytest.mark.parametrize(
    ("models", "expected"), SUBSTITUTES, ids=["simple", "vision", "largest", "embeds", "cloud"]
)
def test_another_model_stands_in(models: dict[str, Info], expected: str) -> None:
    found = offers(Server(models))
    assert [target.model for target in found.main] == [expected]
    assert found.simple.model in (expected, "small:4b")
    assert found.note == f"big:30b is not installed (ollama pull big:30b), {expected} answers"


@pytest.mark.parametrize("models", [{}, {"embed": EMBEDDER}, {"glm:1t-cloud": WRITER}])
def test_nothing_can_stand_in(models: dict[str, Info]) -> None:
    found = offers(Server(models))
    assert (found.local.model, found.note) == ("big:30b", "")


def test_the_right_model_is_taken_once_it_is_there() -> None:
    async def work() -> None:
        clock, server = Clock(), Server({"qwen:4b": SMALL})
        known = catalogue(server, clock=clock)
        assert (await known.offers()).local.model == "qwen:4b"
        server.models["big:30b"] = Info()
        clock.now += INSTALLED_AGE_S + 1
        await known.offers()
        await settle()
        found = await known.offers()
        assert (found.local.model, found.note) == ("big:30b", "")

    run(work())


@pytest.mark.parametrize(("trained", "window"), [(2048, 2048), (1 << 20, 32768), (None, 32768)])
def test_a_substitute_is_not_asked_to_hold_more_than_it_can(
    trained: int | None, window: int
) -> None:
    found = offers(Server({"qwen:4b": Info(context_tokens=trained)}))
    assert found.local.context_tokens == window


def test_the_classifier_that_stands_in_keeps_its_window() -> None:
    """Another window would load it anew at every turn."""
    name = SETTINGS.routing.classifier_model
    found = offers(Server({name: Info(context_tokens=1 << 20)}))
    assert found.local.context_tokens == SETTINGS.window_tokens(name)


# Several hosts


def of_hosts(*words: str, **changes: Any) -> Settings:
    read = read_environment({"HOME": "/nowhere", "HAL_LOCAL_HOSTS": " ".join(words)})
    local = replace(LOCAL, hosts=read.local.hosts, **changes)
    return replace(SETTINGS, local=local)


B, V = "http://b:11434", "http://me:secret@v:8000/v1"


def house(settings: Settings, clock: Any = None, **servers: Server) -> Catalogue:
    """A catalogue whose hosts are named by the order of the settings: a, b, c."""
    named = dict(zip((host.url for host in settings.local.hosts), servers.values(), strict=True))
    return Catalogue(named, settings, (CLOUD,), clock or Clock())


def known_after(
    settings: Settings, **servers: Server
) -> tuple[Offers, tuple[HostLoad, ...], Catalogue]:
    async def work() -> tuple[Offers, tuple[HostLoad, ...], Catalogue]:
        known = house(settings, **servers)
        await known.offers()
        await settle()
        return await known.offers(), known.loads(), known

    return run(work())


def rows(loads: tuple[HostLoad, ...]) -> list[tuple[str, str, bool, bool]]:
    return [
        (load.target.place, load.target.model, load.is_loaded, load.is_known_down) for load in loads
    ]


MAIN = "127.0.0.1:11434"


def test_every_host_that_has_the_model_is_there_with_its_load() -> None:
    a = Server(dict(ALL))
    b = Server({"big:30b": Info(can_think=True)}, frozenset({"big:30b"}))
    c = Server({"other:7b": WRITER})
    found, loads, _ = known_after(of_hosts(B, "http://c"), a=a, b=b, c=c)
    assert rows(loads) == [
        (MAIN, "big:30b", False, False),
        ("b:11434", "big:30b", True, False),
    ]
    assert [target.host for target in found.main] == [LOCAL.base_url, B]
    assert found.note == ""
    assert "small:4b" not in b.asked  # small talk stays on the main host


def test_a_model_with_another_name_there() -> None:
    b = Server({"nano": Info(context_tokens=4096)}, frozenset({"nano:latest"}))
    _, loads, _ = known_after(of_hosts(f"{B}#nano"), a=Server(dict(ALL)), b=b)
    assert rows(loads)[1] == ("b:11434", "nano", True, False)
    assert loads[1].target.context_tokens == 4096


def test_a_host_that_is_down_comes_with_that_mark() -> None:
    _, loads, _ = known_after(of_hosts(B), a=Server(dict(ALL)), b=Server(is_down=True))
    assert rows(loads) == [(MAIN, "big:30b", False, False), ("b:11434", "big:30b", False, True)]


def test_the_other_host_is_there_while_the_main_one_is_down() -> None:
    async def work() -> None:
        b = Server({"big:30b": Info()}, gate=asyncio.Event())
        known = house(of_hosts(B), a=Server(is_down=True), b=b)
        turn = asyncio.create_task(known.offers())  # the first turn of all
        await settle()
        assert b.gate is not None
        b.gate.set()
        await turn
        assert rows(known.loads()) == [
            (MAIN, "big:30b", False, True),
            ("b:11434", "big:30b", False, False),
        ]

    run(work())


def test_a_host_that_hangs_holds_up_nobody() -> None:
    async def work() -> None:
        b = Server({"big:30b": Info()}, gate=asyncio.Event())
        known = house(of_hosts(B), a=Server(dict(ALL)), b=b)
        async with asyncio.timeout(ASK_LIMIT_S / 2):
            await known.offers()
            assert rows(known.loads()) == [(MAIN, "big:30b", False, False)]
        assert b.gate is not None
        b.gate.set()
        await settle()
        assert len(known.loads()) == 2

    run(work())


def test_no_question_takes_longer_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_host, "ASK_LIMIT_S", 0.05)
    hangs = [Server(dict(ALL), gate=asyncio.Event()) for _ in range(2)]

    async def work() -> None:
        known = house(of_hosts(B), a=hangs[0], b=hangs[1])
        async with asyncio.timeout(1):
            found = await known.offers()
        assert found.local.model == "big:30b"
        assert all(load.is_known_down for load in known.loads())

    run(work())


def test_only_the_other_host_has_the_model() -> None:
    b = Server({"big:30b": Info()})
    found, loads, _ = known_after(of_hosts(B), a=Server({"qwen:4b": SMALL}), b=b)
    assert rows(loads) == [("b:11434", "big:30b", False, False)]
    assert found.note == ""
    assert found.simple == found.local  # the main host has no model for small talk


def test_a_substitute_comes_before_a_host_that_is_down() -> None:
    a = Server({"qwen:4b": SMALL})
    found, loads, _ = known_after(of_hosts(B), a=a, b=Server(is_down=True))
    assert rows(loads) == [(MAIN, "qwen:4b", False, False), ("b:11434", "big:30b", False, True)]
    assert "qwen:4b answers" in found.note


def test_a_password_stays_out_of_the_targets() -> None:
    v = Server({"served": Info()}, frozenset({"served"}))
    found, loads, known = known_after(of_hosts(V), a=Server(dict(ALL)), v=v)
    target = found.main[1]
    assert (target.provider, target.host, target.place) == ("openai", "http://v:8000/v1", "v:8000")
    assert rows(loads)[1] == ("v:8000", "served", True, False)
    assert "secret" not in f"{found} {target.label}"
    assert not known.is_cold(target)


OPENAI = LocalHost("http://v/v1", "openai")
NAMES = [
    (OPENAI, ["big:30b", "x"], "big:30b"),
    (OPENAI, ["BIG:30b", "x"], "BIG:30b"),
    (OPENAI, ["nvidia/Nano"], "nvidia/Nano"),
    (OPENAI, ["x", "y"], None),
    (OPENAI, [], None),
    (replace(OPENAI, model="x"), ["x", "big:30b"], "x"),
    (replace(OPENAI, model="x"), ["y"], "y"),
    (LocalHost("http://b"), ["other"], None),
    (LocalHost("http://b"), ["big:30b"], "big:30b"),
    (LocalHost("http://b", model="nano"), ["nano:latest", "big:30b"], "nano"),
    (LocalHost("http://b", model="nano"), ["big:30b"], None),
]


@pytest.mark.parametrize(("host", "names", "want"), NAMES)
def test_names_there(host: LocalHost, names: list[str], want: str | None) -> None:
    assert name_there(host, "big:30b", names) == want


# On real servers


def asked_there(settings: Settings, work: Callable[[Catalogue], Coroutine[Any, Any, None]]) -> None:
    async def opened() -> None:
        async with aiohttp.ClientSession() as http:
            servers = LocalServers(settings.local, http)
            known = Catalogue(servers.by_url, settings, ())
            try:
                await work(known)
            finally:
                known.close()
                await servers.close()

    run(opened())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


NANO = replace(LOCAL, model="nemotron-3-nano:30b", simple_model="nemotron-3-nano:30b")


def at(main: OllamaServer, *others: str) -> Settings:
    env = {"HOME": "/n", "OLLAMA_HOST": main.url, "HAL_LOCAL_HOSTS": " ".join(others)}
    read = read_environment(env).local
    local = replace(NANO, base_url=read.base_url, hosts=read.hosts, vision_model=None)
    return replace(SETTINGS, local=local)


def test_an_ollama_and_a_vllm() -> None:
    async def work(known: Catalogue) -> None:
        found = await known.offers()
        await until(lambda: len(known.loads()) == 2)
        first, second = known.loads()
        assert (first.target.provider, first.is_loaded) == ("ollama", False)
        assert (second.target.provider, second.is_loaded) == ("openai", True)
        assert second.target.model == "nano-30b"
        assert found.local.can_think

    with OllamaServer() as main, OpenAiServer() as vllm:
        asked_there(at(main, vllm.base_url), work)
        assert {request.path for request in vllm.requests} == {"/v1/models"}
        assert all("authorization" not in request.headers for request in vllm.requests)


def test_an_embedding_model_beside_it_is_not_counted() -> None:
    models = (XaiModel("nano-30b"), XaiModel("text-embedding-nomic"))
    with OllamaServer() as main, OpenAiServer(models=models) as studio:

        async def work(known: Catalogue) -> None:
            await known.offers()
            await until(lambda: len(known.loads()) == 2)
            assert known.loads()[1].target.model == "nano-30b"

        asked_there(at(main, studio.base_url), work)


class Listing(OpenAiServer):
    """Answers everything alike."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self.status = status

    async def handle(self, request: Any, exchange: Any) -> None:
        from tests.servers.play import reply

        await reply(exchange, self.status)


LISTS = [
    (Status(200, {"data": [{"id": "m", "max_model_len": 4096}]}), "", ("m", False)),
    (Status(404, {"detail": "Not Found"}), "#mine", ("mine", False)),
    (Status(404, {"detail": "Not Found"}), "", ("nemotron-3-nano:30b", True)),
    (Status(401, {"error": "who?"}), "#mine", ("mine", True)),
    (Status(200, "<html>hello</html>"), "#mine", ("mine", True)),
    (Status(200, {"data": None}), "", None),
    (Status(307, b"", {"location": "http://127.0.0.1:1/v1/models"}), "#mine", ("mine", True)),
]


@pytest.mark.parametrize(("status", "name", "want"), LISTS)
def test_lists_of_models(status: Status, name: str, want: tuple[str, bool] | None) -> None:
    async def work(known: Catalogue) -> None:
        await known.offers()
        await until(lambda: not any(host.is_unknown for host in known._hosts))
        others = [(load.target.model, load.is_known_down) for load in known.loads()[1:]]
        assert others == ([want] if want else [])
        if want == ("m", False):
            assert known.loads()[1].target.context_tokens == 4096

    with OllamaServer() as main, Listing(status) as server:
        asked_there(at(main, f"{server.base_url}{name}"), work)


@pytest.mark.parametrize("dead", ["/v1", ""], ids=["openai", "ollama"])
def test_a_host_where_nobody_listens(dead: str) -> None:
    async def work(known: Catalogue) -> None:
        await known.offers()
        await until(lambda: len(known.loads()) == 2)
        assert known.loads()[1].is_known_down

    with OllamaServer() as main:
        asked_there(at(main, refused_url() + dead), work)


def test_what_runs_in_ollamas_cloud_is_not_installed_under_any_name() -> None:
    class Copied(OllamaModel):
        """`ollama cp glm:1t-cloud mine`."""

        def listing(self) -> dict[str, Any]:
            return super().listing() | {"remote_host": "https://ollama.com:443"}

    async def work(known: Catalogue) -> None:
        found = await known.offers()
        assert (found.local.model, found.note) == ("nemotron-3-nano:30b", "")

    with OllamaServer(models=(Copied("mine:latest"), OllamaModel("glm:1t-cloud"))) as main:
        asked_there(at(main), work)
