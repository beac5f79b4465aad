"""What is installed and loaded, remembered, with a clock that the test turns."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from hal.errors import ModelMissing, Unreachable
from hal.routing.catalogue import INSTALLED_AGE_S, LOADED_AGE_S, Catalogue
from hal.routing.plan import Offers
from hal.settings import Settings
from tests.core.things import CLOUD, DEFAULTS, Clock, run

LOCAL = replace(DEFAULTS.local, model="big:30b", simple_model="small:4b", vision_model="eyes")
SETTINGS = replace(DEFAULTS, local=LOCAL)


@dataclass(frozen=True)
class Info:
    can_see: bool = False
    can_think: bool = False


@dataclass
class Server:
    """A ModelServer with these models, or none at all."""

    models: dict[str, Info] = field(default_factory=dict)
    in_memory: frozenset[str] = frozenset()
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def show(self, model: str) -> Info:
        self.asked.append(model)
        if self.gate is not None:
            await self.gate.wait()
        if self.is_down:
            raise Unreachable("Ollama does not answer.")
        if model not in self.models:
            raise ModelMissing(f"{model} is not installed.", status=404)
        return self.models[model]

    async def loaded(self) -> frozenset[str]:
        self.asked.append("loaded")
        if self.is_down:
            raise Unreachable("Ollama does not answer.")
        return self.in_memory


ALL = {"big:30b": Info(can_think=True), "small:4b": Info(), "eyes": Info(can_see=True)}


def offers(server: Server, settings: Settings = SETTINGS) -> Offers:
    return run(Catalogue(server, settings, CLOUD).offers())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_the_models_can_do() -> None:
    found = offers(Server(ALL))
    assert (found.local.model, found.local.can_think, found.local.can_see) == (
        "big:30b",
        True,
        False,
    )
    assert found.simple.model == "small:4b"
    assert found.vision is not None
    assert (found.vision.model, found.vision.can_see) == ("eyes", True)
    assert found.cloud is CLOUD
    assert not any(t.leaves_machine for t in (found.local, found.simple, found.vision))


def test_windows_are_those_of_the_settings() -> None:
    found = offers(Server(ALL))
    assert found.local.context_tokens == SETTINGS.window_tokens("big:30b")


VISION = [
    pytest.param({"big:30b": Info(can_see=True), **ALL} | {"big:30b": Info(True)}, "big:30b"),
    pytest.param(ALL, "eyes"),
    pytest.param({"small:4b": Info(can_see=True)}, "small:4b"),
    pytest.param({"big:30b": Info()}, None),
    pytest.param({}, None),
]


@pytest.mark.parametrize(
    ("models", "expected"), VISION, ids=["local", "vision model", "simple", "blind", "none"]
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


def test_the_answer_is_remembered_and_ages() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL))
        catalogue = Catalogue(server, SETTINGS, None, clock)
        await catalogue.offers()
        clock.now += INSTALLED_AGE_S
        await catalogue.offers()
        await settle()
        assert len(server.asked) == 3  # one question for each model

        del server.models["eyes"]
        clock.now += 1
        old = await catalogue.offers()
        assert old.vision is not None  # the turn does not wait for the new answer
        await settle()
        new = await catalogue.offers()
        assert new.vision is None
        assert len(server.asked) == 6

    run(work())


def test_all_first_turns_wait_for_the_first_answer() -> None:
    async def work() -> None:
        server = Server(dict(ALL), gate=asyncio.Event())
        catalogue = Catalogue(server, SETTINGS, None, Clock())
        turns = [asyncio.create_task(catalogue.offers()) for _ in range(3)]
        await settle()
        turns[0].cancel()  # the one that asked goes away; the answer is wanted all the same
        await settle()
        assert server.gate is not None
        server.gate.set()
        for found in await asyncio.gather(*turns[1:]):
            assert found.vision is not None
            assert found.vision.model == "eyes"
        assert len(server.asked) == 3

    run(work())


def test_a_server_that_comes_up_is_seen() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(dict(ALL), is_down=True)
        catalogue = Catalogue(server, SETTINGS, None, clock)
        assert not (await catalogue.offers()).local.can_think
        server.is_down = False
        clock.now += INSTALLED_AGE_S + 1
        await catalogue.offers()
        await settle()
        assert (await catalogue.offers()).local.can_think

    run(work())


def test_loaded_is_known_after_the_first_question() -> None:
    async def work() -> None:
        clock, server = Clock(), Server(in_memory=frozenset({"big:30b", "eyes:latest"}))
        catalogue = Catalogue(server, SETTINGS, None, clock)
        assert not catalogue.are_loaded("big:30b")  # asks, and answers what is known so far
        await settle()
        assert catalogue.are_loaded("big:30b", "eyes")
        assert not catalogue.are_loaded("big:30b", "small:4b")
        assert server.asked == ["loaded"]

        server.in_memory = frozenset()
        clock.now += LOADED_AGE_S + 1
        assert catalogue.are_loaded("big:30b")
        await settle()
        assert not catalogue.are_loaded("big:30b")

    run(work())


def test_nothing_is_loaded_on_a_server_that_is_down() -> None:
    async def work() -> bool:
        catalogue = Catalogue(Server(is_down=True), SETTINGS, None, Clock())
        catalogue.are_loaded("big:30b")
        await settle()
        return catalogue.are_loaded("big:30b")

    assert run(work()) is False
