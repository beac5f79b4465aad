"""`hal valves example`: every valve with its default, in the order of the admin panel.

Knows nothing of this machine: the defaults are the code's own, without any environment.
"""

from __future__ import annotations

import argparse
import json

from ..valves import Valves


def run(args: argparse.Namespace) -> int:  # noqa: ARG001 - there is one action only
    print(example())
    return 0


def example() -> str:
    """The text of valves.example.json."""
    return json.dumps(Valves().model_dump(), indent=2, ensure_ascii=False)
