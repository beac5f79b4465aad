"""The cases and the models that `bench/improve.py` works with: a stand-in, or a real small model.

A real model's replies are kept in a file by model, prompt and message, so that a bench that was cut
goes on where it was; each run counts its calls as if it had asked them all itself. Knows no
proposer and no gate.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._improve_run import ROUTES, Bench
from bench._improve_standin import (
    KindsReflector,
    RememberingReflector,
    ScriptedReflector,
    WordModel,
)
from bench._privacy_data import _DEFAULT

from hal.commands.core import running_core
from hal.commands.improve_reflector import local_reflector
from hal.lab.improve.proposers.reflector import Reflect
from hal.lab.improve.replies import RememberingModel, Replies
from hal.routing.classify import Windows
from hal.services import ClassifierCalls, Services

REFLECTORS = ("words", "kinds", "model")


class NotHere(Exception):
    """The public data cannot be read on this machine."""


@dataclass(frozen=True, slots=True)
class House:
    """What the bench was asked to work with. `replies`: where a real model's replies are kept."""

    engine: str
    model: str | None
    reflector: str
    train: int
    validation: int
    replies: Path | None


def rows(longest: int) -> list[tuple[str, str]]:
    """(prompt, route) of the public set up to so many characters, background tasks aside."""
    try:
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise SystemExit(
            f"bench/improve.py: {error.name} is missing: pip install pyarrow"
        ) from None
    path = Path(os.environ.get("HAL_BENCH_DATA") or _DEFAULT) / "routing" / "fiveway.parquet"
    if not path.is_file():
        raise NotHere("set HAL_BENCH_DATA to the folder that holds the data")
    table = read_table(path).to_pylist()
    found = [(row["prompt"], row["label"]) for row in table if row["label"] in ROUTES]
    return [(prompt, label) for prompt, label in found if len(prompt) <= longest]


@contextmanager
def classifier(house: House) -> Iterator[Bench]:
    """The stand-in, or a model behind the engine that was asked for."""
    make = stand_in if house.engine == "none" else _real
    with make(house) as bench:
        yield bench


@contextmanager
def stand_in(house: House) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        yield Bench(
            WordModel,
            Windows("words", 8192, 8192),
            runner.run,
            _scripted(house.reflector),
            house.train,
            house.validation,
        )


@contextmanager
def _real(house: House) -> Iterator[Bench]:
    with running_core(house.model, house.engine) as runtime:
        services: Services = runtime.submit(runtime.services()).result()
        settings = services.settings
        name = settings.routing.classifier_model
        window = settings.window_tokens(name)

        def wait(work: Coroutine[Any, Any, Any]) -> Any:
            return runtime.submit(work).result()

        calls = ClassifierCalls(services.models, settings.local.keep_alive)
        replies = Replies(house.replies)
        known = RememberingModel(calls, replies)
        reflect = _scripted(house.reflector)
        if house.reflector == "model":
            asked = local_reflector(services, settings.local.model, wait)
            digest = wait(calls.digest(settings.local.model))
            remembering = RememberingReflector(asked, replies, digest)
            reflect = lambda _seed: remembering  # noqa: E731
        reads = min(window, settings.routing.classifier_context_tokens)
        windows = Windows(name, window, reads)
        yield Bench(lambda: known, windows, wait, reflect, house.train, house.validation, runs=1)


def _scripted(name: str) -> Callable[[int], Reflect]:
    return ScriptedReflector if name == "words" else KindsReflector
