"""`hal valves example`, `advanced` and `docs`: every setting with its default.

Knows nothing of this machine: the defaults are the code's own, without any environment.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Mapping
from types import NoneType
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from ..advanced import Advanced
from ..valves import ALIASES, Valves

_WIDTH = 100
_DOCS = """\
# Settings

<!-- Made by `hal valves docs > docs/valves.md`: change the words in the code, not here. -->

A setting comes from one of three places; the first that has it wins:

1. **Open WebUI, Admin Settings > Pipelines.** A save counts from the next turn on, and leaves a
   running answer alone.
2. **The environment**, as `HAL_` and the name: `HAL_LOCAL_MODEL`. {aliases} work as well.
3. **The default** in the tables below.

A value that cannot be used stops nothing. What is in force instead stands under the valve in the
panel, in the status line of your next turn, in `/why`, and in `hal doctor`:

    Settings: CLOUD_CONFIDENCE: 'abc' is not a number, 0.6 is in force

xAI's key belongs into the environment, as `XAI_API_KEY` or in a file that `XAI_API_KEY_FILE` names:
whoever reaches the Pipelines server can read valves. `HAL_DATA_DIR` says where the log, the caches
and the keys lie. `valves.example.json` holds the panel's valves and their defaults as JSON.

## In the panel

{valves}

## In the one row ADVANCED

As `NAME=value`, separated by spaces: `ANSWER_GAP_S=90 CLOUD_PER_MINUTE=20`. From the environment by
names of their own, like all others.

{advanced}"""


def run(args: argparse.Namespace) -> int:
    print({"example": example, "advanced": advanced, "docs": docs}[args.action]())
    return 0


def docs() -> str:
    """The text of docs/valves.md."""
    usual = sorted({name for names in ALIASES.values() for name in names})
    return _DOCS.format(
        aliases=", ".join(f"`{name}`" for name in usual),
        valves=_table(Valves.model_fields),
        advanced=_table(Advanced.model_fields),
    )


def _table(fields: Mapping[str, FieldInfo]) -> str:
    rows = [
        f"| `{name}` | {_shown(info.default)} | **{info.title}.** {info.description}"
        f"{_choices(info)} |"
        for name, info in fields.items()
    ]
    return "\n".join(["| name | default | |", "|---|---|---|", *rows])


def _shown(default: object) -> str:
    if default is None:
        return "none"
    return {True: "on", False: "off"}[default] if isinstance(default, bool) else f"`{default}`"


def _choices(info: FieldInfo) -> str:
    """The values of a list; the panel shows them as such."""
    if get_origin(info.annotation) is not Literal:
        return ""
    names = (str(value) for value in get_args(info.annotation) if value is not NoneType)
    return " One of " + ", ".join(f"`{name}`" for name in names) + "."


def example() -> str:
    """The text of valves.example.json."""
    return json.dumps(Valves().model_dump(), indent=2, ensure_ascii=False)


def advanced() -> str:
    """What can stand in the valve ADVANCED, as it can stand there, with what it means."""
    return "\n".join(
        f"{name}={'' if info.default is None else info.default}\n"
        + textwrap.indent(textwrap.fill(info.description or "", _WIDTH - 4), "    ")
        for name, info in Advanced.model_fields.items()
    )
