"""The commands around the session log: report, audit, sessions, feedback.

Knows names and arguments; what they do stands in `hal.commands`.
"""

from __future__ import annotations

import argparse

from .parts import WHEN, Commands, add, add_actions

# Where `docker compose up` of this project puts Open WebUI.
OPEN_WEBUI_URL = "http://127.0.0.1:3000"


def add_report(commands: Commands) -> None:
    summary = "what the router did: how much stayed here, what it cost, how good it was"
    more = """\
  hal report --html report.html

exit codes: 0 done, 1 the log cannot be read, 2 wrong usage
"""
    parser = add(commands, "report", summary, "hal report --since 30d", more)
    _add_span(parser)
    parser.add_argument("--html", metavar="FILE", help="write one self-contained page to FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--width", type=int, metavar="N", help="columns; default: the terminal's")
    parser.add_argument(
        "--with-texts", action="store_true", help="show questions of the turns worth looking at"
    )


def add_audit(commands: Commands) -> None:
    summary = "what left this machine, when, and whether anything private did"
    more = """\
  hal audit --html audit.html

values are searched in what was sent, also encoded or respaced, and are never shown
exit codes: 0 nothing private left without your word (/public, or PRIVACY_MODE=off), 1 something
            did, or the log cannot be read; 2 wrong usage
"""
    parser = add(commands, "audit", summary, "hal audit --since 7d", more)
    parser.add_argument("--since", metavar="WHEN", help=WHEN)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument(
        "--html", metavar="FILE", help="also write a page to FILE: every call, by target and day"
    )
    parser.add_argument(
        "--with-texts",
        action="store_true",
        help="with --html: also what was sent, as far as it is kept, private or not",
    )


def add_sessions(commands: Commands) -> None:
    summary = "read the session log, carry it elsewhere, forget parts of it"
    parser = add(commands, "sessions", summary, "hal sessions list --route COMPLEX")
    actions = add_actions(parser)
    listing = add(actions, "list", "the last turns", "hal sessions list --limit 5 --since 7d")
    listing.add_argument("--limit", type=int, default=20, help="default: %(default)s")
    listing.add_argument("--chat", help="only this chat id")
    listing.add_argument("--route", help="only this route, for example COMPLEX")
    listing.add_argument("--outcome", help="only this outcome: done, stopped, failed, cut")
    listing.add_argument("--since", help="only turns that began after this")
    listing.add_argument("--json", action="store_true", help="JSON instead of a table")
    show = add(actions, "show", "one turn with its calls", "hal sessions show 3f9a")
    show.add_argument("turn", metavar="ID", help="id of the turn, or the beginning of it")
    show.add_argument("--json", action="store_true", help="JSON instead of text")
    _add_export(actions)
    _add_import(actions)
    _add_forget(actions)


def _add_export(actions: Commands) -> None:
    summary = "write the log as JSON lines"
    more = """\
  hal sessions export --chat ID --redact -o report.jsonl    for a bug report

the first line is a header, then one row a line, table by table; the log is only read
--redact   masks what the detector finds in any text, wherever else it stands, and hosts of your own
           network; ids become names that mean something within this file alone
exit codes: 0 done, 1 the log cannot be read, 2 wrong usage
"""
    parser = add(actions, "export", summary, "hal sessions export --since 30d -o log.jsonl", more)
    _add_span(parser)
    parser.add_argument("--chat", metavar="ID", help="only this chat id")
    parser.add_argument(
        "--format",
        choices=("jsonl", "otel"),
        default="jsonl",
        help="jsonl (default): what `import` reads; otel: turns and calls under the gen_ai.* names "
        "of OpenTelemetry, without any text",
    )
    parser.add_argument("--redact", action="store_true", help="nothing private, no ids: see below")
    parser.add_argument(
        "--no-content", action="store_true", help="no questions, answers, comments or sent bytes"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="default: stdout")


def _add_import(actions: Commands) -> None:
    summary = "add the rows of an export to the log of this data folder"
    more = """\
  HAL_DATA_DIR=/tmp/theirs hal sessions import log.jsonl --yes    a log of its own

without --yes nothing is written: what would come of it is counted
rows that are there already stay as they are, so that the same file may come twice; another
machine's log would also join what `hal audit` tells of this one: give it a data folder of its own
exit codes: 0 every line was read, 1 some were not, or the log cannot be written; 2 wrong usage
"""
    parser = add(actions, "import", summary, "hal sessions import log.jsonl", more)
    parser.add_argument("file", metavar="FILE", help="an export as JSON lines; - reads stdin")
    parser.add_argument("--yes", action="store_true", help="write; without it: only count")
    parser.add_argument("--dry-run", action="store_true", help="only count, as without --yes")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_forget(actions: Commands) -> None:
    summary = "delete a chat, a user, what is old, or everything, so that it cannot be found again"
    more = """\
  hal sessions forget --all --yes

without --yes nothing is deleted: what would go is counted
goes:   turns with all that hangs on them, and kept answers; with --all also what damage or an
        outage of the log has left beside it
stays:  what was spent (who deletes the log does not reset the budget), keys and settings, and the
        chats that Open WebUI itself keeps
that a chat has to stay on this machine is forgotten with it, and found out anew from its texts
a running server may go on; a turn that is not finished is written anew when it ends
exit codes: 0 done, or nothing to do; 1 not all could be deleted; 2 wrong usage
"""
    parser = add(actions, "forget", summary, "hal sessions forget --chat 3f9a21bc", more)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--chat", metavar="ID", help="this chat id, in full")
    what.add_argument("--user", metavar="ID", help="this user id, in full")
    what.add_argument("--before", metavar="WHEN", help=f"all that is older: {WHEN}")
    what.add_argument("--all", action="store_true", help="everything")
    parser.add_argument("--yes", action="store_true", help="delete; without it: only count")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def add_feedback(commands: Commands) -> None:
    summary = "thumbs and ratings that people gave in Open WebUI"
    parser = add(commands, "feedback", summary, "hal feedback pull")
    _add_pull(add_actions(parser))


def _add_pull(actions: Commands) -> None:
    summary = "fetch thumbs and ratings from Open WebUI into the session log"
    more = """\
  hal feedback pull --all --dry-run --key-file ~/.open-webui.key

the key is that of an administrator (in Open WebUI: Settings > Account > API keys), and comes from
OPEN_WEBUI_API_KEY or --key-file; it is never shown, and stays within your own network
writes at once, since it only adds rows; a second pull adds nothing. With --all, a rating that is
not there any more is withdrawn. Chats are not kept, comments as long as questions and answers are.
exit codes: 0 done, 1 Open WebUI or the log cannot be used, 2 wrong usage
"""
    parser = add(actions, "pull", summary, "hal feedback pull --url http://127.0.0.1:3000", more)
    parser.add_argument("--url", default=OPEN_WEBUI_URL, help="Open WebUI; default: %(default)s")
    parser.add_argument("--key-file", metavar="FILE", help="a file that holds the key alone")
    span = parser.add_mutually_exclusive_group()
    span.add_argument(
        "--since",
        metavar="WHEN",
        help=f"{WHEN}; default: since the last pull, with a day's overlap",
    )
    span.add_argument("--all", action="store_true", help="everything, and what is gone by now")
    parser.add_argument("--dry-run", action="store_true", help="only count; write nothing")
    parser.add_argument(
        "--allow-remote", action="store_true", help="send the key to a public address (https only)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="WHEN", help=f"from then on: {WHEN}")
    parser.add_argument("--until", metavar="WHEN", help=f"up to then: {WHEN}")
