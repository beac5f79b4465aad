"""The settings in force for the server on this machine: its valves.json over the environment.

Knows where `hal serve` keeps things in the data folder. Reads; the one thing it ever writes is a
valves.json without the values that nobody chose (see `forget_echoes`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..settings import Settings
from ..settings_reader import data_dir, read_valves
from ..valves import valves_class


@dataclass(frozen=True, slots=True)
class Places:
    """Files of `hal serve` in the data folder."""

    root: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Places:
        return cls(data_dir(environ).absolute())

    @property
    def pipelines(self) -> Path:
        """What the Pipelines server gets as PIPELINES_DIR."""
        return self.root / "pipelines"

    @property
    def valves(self) -> Path:
        """Where the server stores what the admin panel saves."""
        return self.pipelines / "hal_auto" / "valves.json"

    @property
    def key(self) -> Path:
        """The key of the Pipelines server, when the environment has none."""
        return self.root / "pipelines.key"

    @property
    def engine(self) -> Path:
        """What the last `hal serve` set for the embedded engine, as environment variables."""
        return self.root / "engine.json"


def read_object(path: Path) -> tuple[dict[str, Any], str]:
    """A JSON object and "", or {} and what is wrong. A file that is not there is {} and ""."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"cannot be read ({error.strerror})"
    except ValueError:
        return {}, "is not JSON"
    return (value, "") if isinstance(value, dict) else ({}, "is not a JSON object")


def settings_in_force(environ: Mapping[str, str]) -> Settings:
    """What the server would work with; never raises over a stored value."""
    stored, _ = read_object(Places.of(environ).valves)
    valves = valves_class(environ)
    return read_valves(valves(**{**valves().model_dump(), **stored}), environ)


def forget_echoes(places: Places) -> tuple[str, ...]:
    """Take out of valves.json what only repeats the last embedded engine; returns the names.

    A save in the admin panel stores every valve, the untouched ones with the default of that day.
    The embedded engine's address is another one at each start, so its echo must not win over it.
    """
    stored, wrong = read_object(places.valves)
    engine, _ = read_object(places.engine)
    names = {name.removeprefix("HAL_"): text for name, text in engine.items()}
    echoes = tuple(name for name in names if name in stored and _same(stored[name], names[name]))
    if echoes and not wrong:
        kept = {name: value for name, value in stored.items() if name not in echoes}
        fresh = places.valves.with_suffix(".new")
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        fresh.replace(places.valves)
    return echoes


def _same(value: object, text: object) -> bool:
    """Whether a stored value is what this environment variable came to."""
    if isinstance(value, bool):
        return str(value).lower() == text
    if isinstance(value, int | float):
        with suppress(ValueError):
            return float(value) == float(str(text))
    return value == text
