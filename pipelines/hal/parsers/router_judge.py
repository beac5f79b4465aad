"""`hal router judge`: its arguments and their help.

Knows names; what it does stands in `hal.commands.router_judge`.
"""

from __future__ import annotations

import argparse

from .parts import Commands, add


def add_judge(actions: Commands) -> None:
    summary = "which of two answers is better: the local model says, or you do"
    more = """\
  hal router judge --human           rate pairs yourself, without knowing whose answer is whose

a pair is a turn that the other model has answered as well (SHADOW_SHARE). The local model sees it
in both orders; one that changes its mind with the order is unsure. Nothing leaves this machine, and
only scores are written to the log. What the judge says counts half, and its ties not at all, until
you have rated 20 pairs that it has judged; from then on it counts for what you said then.
exit codes: 0 done, 1 there is no pair yet, or the model failed (run it again to go on),
            2 wrong usage
"""
    judge = add(actions, "judge", summary, "hal router judge --limit 50", more)
    judge.add_argument("--limit", type=_count, metavar="N", help="at most so many pairs")
    judge.add_argument("--human", action="store_true", help="you are the judge")
    judge.add_argument("--json", action="store_true", help="one JSON object instead of text")
    judge.add_argument("--model", help="another local model as the judge")
    judge.add_argument(
        "--engine",
        choices=("auto", "ollama", "embedded"),
        default="auto",
        help="auto (default): a running Ollama that has the model, else the embedded engine",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"a number from 1 on, not {text!r}")
    return int(text)
