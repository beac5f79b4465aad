"""The core for one command in the terminal: an engine, settings, a runtime, and their end.

Knows the order of starting and stopping; decides nothing about a turn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..runtime import Runtime
from ..settings import Settings
from .engine import Engine, choose, running_engine
from .stored import settings_in_force

# The log's last rows are committed within milliseconds; a broken disk must not hold the prompt.
END_LIMIT_S = 3.0
# Two prompts of 800 tokens take 20 s on one busy CPU thread, a 1.5B model three times that.
WARM_LIMIT_S = 90.0


@contextmanager
def running_core(model: str | None = None, engine: str = "auto") -> Iterator[Runtime]:
    """A started Runtime under the settings in force; everything that it started ends with it."""
    with engine_for(model, engine) as settings, started(settings) as runtime:
        yield runtime


@contextmanager
def engine_for(model: str | None = None, engine: str = "auto") -> Iterator[Settings]:
    """The settings in force, and an engine that serves their local models as long as this lasts."""
    environ = {**os.environ, **running_engine(os.environ)}
    if model:
        environ |= {"HAL_LOCAL_MODEL": model, "HAL_CLASSIFIER_MODEL": model}
    chosen: Engine = choose(environ, engine, _say)
    try:
        yield settings_in_force({**environ, **chosen.environment})
    finally:
        chosen.stop()


@contextmanager
def started(settings: Settings) -> Iterator[Runtime]:
    """A runtime for as long as the block lasts; without metrics, which nobody could scrape."""
    telemetry = replace(settings.telemetry, metrics=False)
    runtime = Runtime(replace(settings, telemetry=telemetry))
    runtime.start()
    try:
        yield runtime
    finally:
        runtime.retire()
        runtime.join(END_LIMIT_S)


def warm_up(settings: Settings, say: Callable[[str], None]) -> None:
    """Have the classifier loaded and calibrated before the first turn needs it in a hurry."""
    say(f"Warming up the classifier {settings.routing.classifier_model}.")
    with started(settings) as runtime:
        try:
            runtime.submit(runtime.warmed()).result(WARM_LIMIT_S)
        except TimeoutError:
            say("That takes long; the first turns may go on without a decision.")


def _say(note: str) -> None:
    print(note, file=sys.stderr, flush=True)
