"""What can be said on the command line: names, arguments and their help.

Knows no command from the inside, so that `hal --help` costs nothing but this.
"""

from __future__ import annotations

import argparse

from .. import __version__
from .improve import add_improve
from .log import add_audit, add_feedback, add_report, add_sessions
from .privacy import add_privacy
from .router import add_router
from .serving import add_ask, add_bundle, add_doctor, add_route, add_serve, add_valves

__all__ = ["build_parser"]

_EPILOG = """\
examples:
  hal serve                        start everything that is needed, in the foreground
  hal ask "What is a monad?"       one turn, in the terminal
  hal doctor                       what is set up, what is not, and what to do about it
  hal sessions list --limit 5      the last decisions

exit codes: 0 done, 1 failed or below the threshold, 2 wrong usage or settings, 130 interrupted
settings:   every valve NAME reads its default from HAL_NAME; `hal valves example` lists them
"""

# In the order of the help: what answers, what the log says, how it is set up.
_ADDERS = (
    *(add_serve, add_ask, add_doctor, add_route, add_privacy),
    *(add_report, add_audit, add_sessions, add_feedback, add_improve, add_router),
    *(add_valves, add_bundle),
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hal",
        description="hal-auto decides, turn by turn, who answers: local model, cloud or search.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hal-auto {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for adder in _ADDERS:
        adder(commands)
    return parser
