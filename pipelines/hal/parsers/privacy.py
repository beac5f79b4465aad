"""`hal privacy scan|scrub|restore|allow`. Knows names and arguments, and the kinds there are."""

from __future__ import annotations

from ..privacy.kinds import Kind
from .parts import Commands, add, add_actions


def add_privacy(commands: Commands) -> None:
    summary = "find what is private in a text, mask it, put it back"
    parser = add(commands, "privacy", summary, "hal privacy scan letter.txt")
    actions = add_actions(parser)
    _add_privacy_scan(actions)
    words = "replace what is private by tokens, from stdin to stdout"
    scrub = add(actions, "scrub", words, "hal privacy scrub --map letter.map < letter.txt")
    scrub.add_argument("--chat", metavar="ID", help="the same tokens in each run with this id")
    scrub.add_argument(
        "--map",
        metavar="FILE",
        help="write what the tokens stand for, in clear, readable for you alone; a FILE that is "
        "there is gone on with",
    )
    words = "put the values back into an answer, from stdin to stdout"
    restore = add(actions, "restore", words, "hal privacy restore --map letter.map < answer.txt")
    restore.add_argument("--map", metavar="FILE", required=True, help="as `scrub` has written it")
    _add_privacy_allow(actions)


def _add_privacy_scan(actions: Commands) -> None:
    summary = "find what is private in a text; values are not shown"
    more = """\
  echo '{"id": 1, "text": "..."}' | hal privacy scan --jsonl

offsets are in characters (code points), `end` exclusive
exit codes: 0 nothing found that keeps a text on this machine (a lone name does not), 1 something
            found; with --jsonl: 0 every line was read, 1 some were not; 2 wrong usage
"""
    scan = add(actions, "scan", summary, "hal privacy scan letter.txt", more)
    scan.add_argument("file", metavar="FILE", nargs="?", help="a text in UTF-8; default: stdin")
    scan.add_argument("--jsonl", action="store_true", help="JSON lines from stdin to stdout")
    scan.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    scan.add_argument("--show-values", action="store_true", help="also show what was found")


def _add_privacy_allow(actions: Commands) -> None:
    summary = "a value that does not count as private, read from stdin or at a prompt"
    more = """\
  hal privacy allow --remove

what is kept is a hash under this machine's key; a running server takes it over by itself
exit codes: 0 done, 1 no such value, 2 wrong usage
"""
    allow = add(actions, "allow", summary, "hal privacy allow < address.txt", more)
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
