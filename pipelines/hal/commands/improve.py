"""`hal improve run|advise|show|apply|rollback`: learn from the log, and choose what is in force.

Knows arguments and words; the loop stands in `hal.lab.improve`, the versions in
`hal.prompt_versions`.
"""

from __future__ import annotations

import argparse

from .improve_advise import advise
from .improve_run import improve
from .improve_versions import apply, rollback, show


def run(args: argparse.Namespace) -> int:
    match args.action:
        case "run":
            return improve(args)
        case "advise":
            return advise(args)
        case "show":
            return show(args)
        case "apply":
            return apply(args)
        case _:
            return rollback(args)
