"""`hal valves example` and `hal valves advanced`: every setting with its default.

Knows nothing of this machine: the defaults are the code's own, without any environment.
"""

from __future__ import annotations

import argparse
import json
import textwrap

from ..advanced import Advanced
from ..valves import Valves

_WIDTH = 100


def run(args: argparse.Namespace) -> int:
    print(example() if args.action == "example" else advanced())
    return 0


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
