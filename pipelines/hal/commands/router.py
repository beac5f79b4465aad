"""`hal router fit|eval|calibrate|judge|show`: the learned router of this machine.

Knows which action is which module; what they do stands there. `show` and
`judge` need nothing beyond the package, the others the `lab` extra.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from ..errors import ConfigError

# What the arithmetic of `hal.lab.router` imports.
_NEEDED = ("numpy", "scipy", "sklearn")
_PLAIN = frozenset({"show", "judge"})


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError where the `lab` extra is missing."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing and args.action not in _PLAIN:
        raise ConfigError(
            f"`hal router {args.action}` needs {', '.join(missing)}, which is not installed.",
            "Install what learns and measures: pip install -e '.[lab]'",
        )
    module = import_module(f".router_{args.action}", __package__)
    action: Callable[[argparse.Namespace], int] = module.run
    return action(args)
