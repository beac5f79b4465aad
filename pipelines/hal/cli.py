"""The terminal face: `hal COMMAND`. Data goes to stdout, progress and complaints to stderr.

Knows the commands' names and arguments; what they do stands in `commands/`, one module each.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeAlias

from . import __version__
from .errors import ConfigError, HalError
from .privacy.kinds import Kind

# argparse has no public name for it, and it is generic for the type checker only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

# Nobody waits for an answer here: a slow machine may take its time over a large model.
ROUTE_DEADLINE_S = 60.0

_EPILOG = """\
examples:
  hal serve                        start everything that is needed, in the foreground
  hal ask "What is a monad?"       one turn, in the terminal
  hal doctor                       what is set up, what is not, and what to do about it
  hal sessions list --limit 5      the last decisions

exit codes: 0 done, 1 failed or below the threshold, 2 wrong usage or settings, 130 interrupted
settings:   every valve NAME reads its default from HAL_NAME; `hal valves example` lists them
"""


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


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hal",
        description="hal-auto decides, turn by turn, who answers: local model, cloud or search.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hal-auto {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    adders = (_add_serve, _add_ask, _add_doctor, _add_route, _add_privacy)
    for add in (*adders, _add_audit, _add_sessions, _add_valves):
        add(commands)
    return parser


def _add(commands: Commands, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_serve(commands: Commands) -> None:
    summary = "start the Pipelines server with hal-auto, and an engine if there is no Ollama"
    parser = _add(commands, "serve", summary, "hal serve --port 9099")
    parser.add_argument("--port", type=_port, default=9099, help="default: %(default)s")
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: %(default)s; chat and valves have no password"
    )
    _add_engine(parser)


def _add_ask(commands: Commands) -> None:
    parser = _add(commands, "ask", "ask one question", 'hal ask "Why is the sky blue?"')
    parser.add_argument("text", metavar="TEXT", help="the question; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _add_engine(parser)


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="local model for this run, instead of the settings'")
    parser.add_argument(
        "--engine",
        choices=("auto", "ollama", "embedded"),
        default="auto",
        help="auto (default): a running Ollama that has the models, else the embedded engine",
    )


def _add_doctor(commands: Commands) -> None:
    parser = _add(
        commands, "doctor", "check the set-up, with a remedy for each problem", "hal doctor"
    )
    parser.add_argument("--json", action="store_true", help="a list of checks as JSON")
    parser.add_argument(
        "--offline", action="store_true", help="do not ask xAI whether the key works"
    )
    parser.add_argument(
        "--port", type=_port, default=9099, help="of the Pipelines server; default: %(default)s"
    )


def _add_route(commands: Commands) -> None:
    summary = "decide the route of prompts without answering them"
    example = 'echo \'{"id": 1, "text": "hello"}\' | hal route --jsonl'
    parser = _add(commands, "route", summary, example)
    parser.add_argument(
        "--jsonl", action="store_true", required=True, help="JSON lines from stdin to stdout"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=ROUTE_DEADLINE_S,
        metavar="SECONDS",
        help="longest time for one prompt; default: %(default)s",
    )
    _add_engine(parser)


def _add_privacy(commands: Commands) -> None:
    summary = "find what is private in a text, mask it, put it back"
    parser = _add(commands, "privacy", summary, "hal privacy scan letter.txt")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_privacy_scan(actions)
    words = "replace what is private by tokens, from stdin to stdout"
    scrub = _add(actions, "scrub", words, "hal privacy scrub --map letter.map < letter.txt")
    scrub.add_argument("--chat", metavar="ID", help="the same tokens in each run with this id")
    scrub.add_argument(
        "--map",
        metavar="FILE",
        help="write what the tokens stand for, in clear, readable for you alone; a FILE that is "
        "there is gone on with",
    )
    words = "put the values back into an answer, from stdin to stdout"
    restore = _add(actions, "restore", words, "hal privacy restore --map letter.map < answer.txt")
    restore.add_argument("--map", metavar="FILE", required=True, help="as `scrub` has written it")
    _add_privacy_allow(actions)


def _add_privacy_scan(actions: Commands) -> None:
    summary = "find what is private in a text; values are not shown"
    scan = _add(actions, "scan", summary, "hal privacy scan letter.txt")
    scan.epilog = f"""{scan.epilog}
  echo '{{"id": 1, "text": "..."}}' | hal privacy scan --jsonl

offsets are in characters (code points), `end` exclusive
exit codes: 0 nothing found that keeps a text on this machine (a lone name does not), 1 something
            found; with --jsonl: 0 every line was read, 1 some were not; 2 wrong usage
"""
    scan.add_argument("file", metavar="FILE", nargs="?", help="a text in UTF-8; default: stdin")
    scan.add_argument("--jsonl", action="store_true", help="JSON lines from stdin to stdout")
    scan.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    scan.add_argument("--show-values", action="store_true", help="also show what was found")


def _add_privacy_allow(actions: Commands) -> None:
    summary = "a value that does not count as private, read from stdin or at a prompt"
    allow = _add(actions, "allow", summary, "hal privacy allow < address.txt")
    allow.epilog = f"""{allow.epilog}
  hal privacy allow --remove

what is kept is a hash under this machine's key; a running server takes it over by itself
exit codes: 0 done, 1 no such value, 2 wrong usage
"""
    what = allow.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="how many values are allowed")
    what.add_argument("--remove", action="store_true", help="a value counts as private again")
    allow.add_argument(
        "--kind",
        type=str.upper,
        choices=[kind.value for kind in Kind],
        metavar="TYPE",
        help="what it is, where it is found only in a longer text: EMAIL, PERSON, DOB, ...",
    )
    allow.add_argument("--json", action="store_true", help="one JSON object instead of a sentence")


def _add_audit(commands: Commands) -> None:
    summary = "what left this machine, when, and whether anything private did"
    parser = _add(commands, "audit", summary, "hal audit --since 7d")
    parser.epilog = f"""{parser.epilog}

values are searched in what was sent, also encoded or respaced, and are never shown
exit codes: 0 nothing private left without your word (/public, or PRIVACY_MODE=off), 1 something
            did, or the log cannot be read; 2 wrong usage
"""
    parser.add_argument("--since", metavar="WHEN", help="30m, 24h, 7d, 2w or an ISO date")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_sessions(commands: Commands) -> None:
    parser = _add(commands, "sessions", "read the session log", "hal sessions list --route COMPLEX")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _add(actions, "list", "the last turns", "hal sessions list --limit 5 --since 7d")
    listing.add_argument("--limit", type=int, default=20, help="default: %(default)s")
    listing.add_argument("--chat", help="only this chat id")
    listing.add_argument("--route", help="only this route, for example COMPLEX")
    listing.add_argument("--outcome", help="only this outcome: done, stopped, failed, cut")
    listing.add_argument("--since", help="only turns that began after this")
    listing.add_argument("--json", action="store_true", help="JSON instead of a table")
    show = _add(actions, "show", "one turn with its calls", "hal sessions show 3f9a")
    show.add_argument("turn", metavar="ID", help="id of the turn, or the beginning of it")
    show.add_argument("--json", action="store_true", help="JSON instead of text")


def _add_valves(commands: Commands) -> None:
    parser = _add(commands, "valves", "print settings", "hal valves example > valves.json")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add(actions, "example", "every valve with its default, as JSON", "hal valves example")
    words = "what the valve ADVANCED may set, with defaults"
    _add(actions, "advanced", words, "hal valves advanced")


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
