"""The settings in force: what was ignored or clamped, by name, and where the key comes from.

Sends nothing, and shows no secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...advanced import Advanced
from ...valves import Valves
from ..stored import read_object
from .result import Check, Context, fail, ok, warn

_REMEDY = "Correct it in Open WebUI (Admin Settings > Pipelines) or in the environment."


def checks(context: Context) -> Iterator[Check]:
    yield from _stored(context)
    for warning in context.settings.warnings:
        name, _, what = warning.partition(": ")
        yield warn(f"valve {name}", what or warning, _REMEDY)
    if not context.settings.warnings:
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
    unknown = sorted(set(stored) - {*Valves.model_fields, *Advanced.model_fields})
    if unknown:
        yield warn("stored valves", f"unknown, ignored: {', '.join(unknown)}", "Save them again.")
