"""The core for one command in the terminal: an engine, settings, a runtime, and their end.

Knows the order of starting and stopping; decides nothing about a turn.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..errors import Unreachable
from ..runtime import Runtime
from .engine import Engine, choose
from .ollama_host import take_inventory
from .stored import Places, read_object, settings_in_force

# The log's last rows are committed within milliseconds; a broken disk must not hold the prompt.
END_LIMIT_S = 3.0


@contextmanager
def running_core(model: str | None = None, engine: str = "auto") -> Iterator[Runtime]:
    """A started Runtime under the settings in force; everything that it started ends with it."""
    environ = {**os.environ, **_running_engine(os.environ)}
    if model:
        environ |= {"HAL_LOCAL_MODEL": model, "HAL_CLASSIFIER_MODEL": model}
    chosen: Engine = choose(environ, engine, _say)
    try:
        runtime = Runtime(settings_in_force({**environ, **chosen.environment}))
        runtime.start()
        try:
            yield runtime
        finally:
            runtime.retire()
            runtime.join(END_LIMIT_S)
    finally:
        chosen.stop()


def _running_engine(environ: Mapping[str, str]) -> dict[str, str]:
    """The engine of a `hal serve` that is running now, so that no second one is started."""
    if environ.get("HAL_OLLAMA_BASE_URL") or environ.get("OLLAMA_HOST"):
        return {}
    told, _ = read_object(Places.of(environ).engine)
    url = told.get("HAL_OLLAMA_BASE_URL")
    if not isinstance(url, str):
        return {}
    try:
        take_inventory(url)
    except Unreachable:
        return {}
    return {name: text for name, text in told.items() if isinstance(text, str)}


def _say(note: str) -> None:
    print(note, file=sys.stderr, flush=True)
