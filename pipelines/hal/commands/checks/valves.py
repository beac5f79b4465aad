"""The settings in force: what was ignored or clamped, by name, and where the key comes from.

Sends one GET to the server on this machine, if there is one: what was wrong in the last save of the
admin panel is nowhere but there. Shows no secret.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from ...valve_notes import notes_in
from ...valves import Valves
from ..pipelines_server import url_of
from ..stored import read_object
from .result import Check, Context, fail, get, ok, warn

_REMEDY = "Correct it in Open WebUI (Admin Settings > Pipelines) or in the environment."


def checks(context: Context) -> Iterator[Check]:
    yield from _stored(context)
    warnings = dict.fromkeys((*context.settings.warnings, *_in_the_panel(context.port)))
    for warning in warnings:
        name, _, what = warning.partition(": ")
        yield warn(f"valve {name}", what or warning, _REMEDY)
    if not warnings:
        detail = f"all {len(Valves.model_fields)} valves usable, {context.settings.policy_id}"
        yield ok("settings", detail)


def _stored(context: Context) -> Iterator[Check]:
    path = context.places.valves
    stored, wrong = read_object(path)
    if wrong:
        remedy = "The server cannot use it: delete the file, then set the valves again."
        yield fail("stored valves", f"{path} {wrong}", remedy)
        return
    if stored.get("XAI_API_KEY"):
        remedy = "Better XAI_API_KEY in the environment: the server shows valves to anyone."
        yield warn("stored valves", "hold the xAI key", remedy)


def _in_the_panel(port: int) -> tuple[str, ...]:
    """What the running server says under its valves; nothing where none runs."""
    try:
        return tuple(notes_in(get(f"{url_of('127.0.0.1', port)}/hal/valves/spec").json()))
    except (requests.RequestException, ValueError, TypeError, AttributeError):
        return ()
