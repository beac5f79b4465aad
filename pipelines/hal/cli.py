"""The terminal face: `hal COMMAND`. Data goes to stdout, progress and complaints to stderr.

Knows the commands' names and arguments; what they do stands in `commands/`, one module each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from .errors import ConfigError, HalError
from .parsers import build_parser

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = build_parser().parse_args(argv)
    try:
        code = _command(args.command)(args)
        sys.stdout.flush()  # here, where a reader that has gone is expected
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except HalError as error:
        print(f"hal {args.command}: {error.sentence}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
    except BrokenPipeError:
        # `hal sessions list | head`: nobody reads on, and Python must not complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    return code


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """Import only the command that is asked for: the others bring clients that take a while."""
    run: Callable[[argparse.Namespace], int] = import_module(f".commands.{name}", __package__).run
    return run


if __name__ == "__main__":
    sys.exit(main())
