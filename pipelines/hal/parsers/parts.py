"""The pieces of every parser: how a command looks in the help, and checks of single values.

Knows no command.
"""

from __future__ import annotations

import argparse
from typing import TypeAlias

# argparse has no public name for it, and it is generic for the type checker only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

# What every option of a time takes, as `sessions.commands.parse_since` reads it.
WHEN = "30m, 24h, 7d, 2w or an ISO date"


def add(
    commands: Commands, name: str, summary: str, example: str, more: str = ""
) -> argparse.ArgumentParser:
    """A command with its summary, an example, and what else its help has to say."""
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  {example}\n{more}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_actions(parser: argparse.ArgumentParser) -> Commands:
    """The second word of a command that has several."""
    return parser.add_subparsers(dest="action", required=True, metavar="ACTION")


def port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)
