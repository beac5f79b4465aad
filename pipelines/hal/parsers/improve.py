"""`hal improve`: run, advise, show, apply, rollback.

Knows names and arguments; what they do stands in `hal.commands.improve`.
"""

from __future__ import annotations

import argparse

from ..lab.improve.names import ADVISED, CHANGEABLE, STAGES
from .parts import WHEN, Commands, add, add_actions


def add_improve(commands: Commands) -> None:
    summary = "learn from the log: better prompts for the classifier, tested before they are used"
    parser = add(commands, "improve", summary, "hal improve run --explain")
    actions = add_actions(parser)
    _add_run(actions)
    _add_advise(actions)
    _add_show(actions)
    _add_apply(actions)
    _add_rollback(actions)


def _add_run(actions: Commands) -> None:
    summary = "find a better prompt and test it; nothing goes live"
    more = """\
  hal improve run --estimate
  hal improve run --run 20260301-120000      go on with a run that was cut

only local models are asked, unless --allow-cloud lets xAI reflect. Texts are masked before anything
reads them.
exit codes: 0 something was staged, or an earlier stage was asked for and is done; 1 nothing passed
            the gate, or there are not enough cases yet (it says how many more); 2 wrong usage
"""
    run = add(actions, "run", summary, "hal improve run --explain --html improve.html", more)
    run.add_argument(
        "--prompt", choices=CHANGEABLE, default=CHANGEABLE[0], help="default: %(default)s"
    )
    run.add_argument(
        "--run", metavar="ID", help="go on with this run, or the beginning of its name"
    )
    run.add_argument(
        "--until", choices=STAGES, default=STAGES[-1], help="end after this stage; default: all"
    )
    run.add_argument(
        "--proposers",
        metavar="NAME,...",
        help="thresholds, demonstrations, rules, gepa, rewriting; default: all that are installed",
    )
    run.add_argument(
        "--calls",
        type=int,
        default=1000,
        help="classifier calls to search with; default: %(default)s",
    )
    run.add_argument(
        "--reflections",
        type=int,
        default=30,
        help="questions to the reflector; default: %(default)s",
    )
    run.add_argument("--reflector", metavar="MODEL", help="default: the local model")
    run.add_argument(
        "--allow-cloud",
        action="store_true",
        help="let the cloud model reflect: up to --reflections questions leave the machine, with"
        " the rules and some masked messages of your log each",
    )
    run.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    run.add_argument("--since", metavar="WHEN", help=f"only turns that began after this: {WHEN}")
    run.add_argument("--auto", action="store_true", help="put thresholds that pass in force")
    run.add_argument("--estimate", action="store_true", help="say what it would take, and end")
    run.add_argument(
        "--explain", action="store_true", help="a review in words, with masked examples"
    )
    run.add_argument("--html", metavar="FILE", help="also write one self-contained page to FILE")
    run.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _add_models(run)


def _add_advise(actions: Commands) -> None:
    summary = "rules for the prompts of a search, which only a person can judge"
    more = """\
  hal improve advise --prompt grounded --rule "Name the date of a source when it is old."

without --rule the local model proposes some; it sees the prompt and numbers from the log, no texts.
The log cannot measure an answer or a query anew: what passes the guards is staged and waits for
`hal improve apply VERSION --approve NAME --yes`. A rule for `rewrite` is refused when any query
that it leads to holds something private of its message.
exit codes: 0 a version was staged, 1 none was, 2 wrong usage
"""
    advise = add(actions, "advise", summary, "hal improve advise --prompt grounded", more)
    advise.add_argument("--prompt", choices=ADVISED, required=True)
    advise.add_argument("--rule", action="append", metavar="TEXT", help="yours; may be repeated")
    advise.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _add_models(advise)


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="classifier and local model for this run")
    parser.add_argument(
        "--engine",
        choices=("auto", "ollama", "embedded"),
        default="auto",
        help="auto (default): a running Ollama that has the models, else the embedded engine",
    )


def _add_show(actions: Commands) -> None:
    summary = "versions of the prompts and the runs that made them, or one of them"
    show = add(actions, "show", summary, "hal improve show 3f9a0c")
    show.add_argument("version", metavar="VERSION", nargs="?", help="or the beginning of its name")
    show.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_apply(actions: Commands) -> None:
    summary = "put a version in force; shows the change, and makes it with --yes"
    more = """\
  hal improve apply 3f9a0c --canary 0.2 --yes

a running server takes it over with its next turn. A canary that does harm is taken back by itself.
exit codes: 0 done, 1 only shown, 2 wrong usage
"""
    apply = add(actions, "apply", summary, "hal improve apply 3f9a0c --yes", more)
    apply.add_argument("version", metavar="VERSION", help="or the beginning of its name")
    apply.add_argument(
        "--canary",
        type=share,
        metavar="SHARE",
        help="only for this share of the chats: 0.01 to 0.5",
    )
    apply.add_argument(
        "--approve", choices=ADVISED, help="for what nothing has measured: you have read it"
    )
    apply.add_argument("--yes", action="store_true", help="make the change")
    apply.add_argument("--json", action="store_true", help="one JSON object instead of text")


def _add_rollback(actions: Commands) -> None:
    summary = "end the canary, or put back the version that was in force before"
    more = """\

exit codes: 0 done, 1 only shown, 2 wrong usage or nothing to go back to
"""
    rollback = add(actions, "rollback", summary, "hal improve rollback --yes", more)
    rollback.add_argument(
        "--prompt",
        choices=(*CHANGEABLE, *ADVISED),
        default=CHANGEABLE[0],
        help="default: %(default)s",
    )
    rollback.add_argument("--yes", action="store_true", help="make the change")
    rollback.add_argument("--json", action="store_true", help="one JSON object instead of text")


def share(text: str) -> float:
    """Above a half the canary would be the rule, and nobody is left to compare it with."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"a share is a number from 0.01 to 0.5, not {text!r}")
    return value
