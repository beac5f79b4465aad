"""`hal router`: fit, eval, calibrate, judge, show.

Knows names and arguments; what they do stands in `hal.commands.router`.
"""

from __future__ import annotations

import argparse

from ..settings import QUALITY_TARGETS
from .parts import WHEN, Commands, add, add_actions
from .router_judge import add_judge


def add_router(commands: Commands) -> None:
    summary = "the learned router: learn this machine's boundary, prove it, choose a promise"
    more = """\
  hal router calibrate --apply       then the router decides
  hal router eval --html router.html

texts are read on this machine and nowhere else. fit, eval and calibrate need the `lab` extra.
"""
    parser = add(commands, "router", summary, "hal router show", more)
    actions = add_actions(parser)
    for adder in (_add_fit, _add_eval, _add_calibrate, add_judge, _add_show):
        adder(actions)


def _add_fit(actions: Commands) -> None:
    summary = "learn a router from the log, and test it on newer conversations"
    more = """\
  hal router fit --apply

learns from turns with an outcome: shadow pairs that were judged, ratings, corrections. It takes
over only where it is better than what decides now on turns that neither has seen, with confidence;
else --apply keeps it as a candidate, which only chooses where shadow pairs are asked for.
exit codes: 0 it takes over, 1 it does not, or turns are missing (it says how many); 2 wrong usage
"""
    fit = add(actions, "fit", summary, "hal router fit", more)
    _add_since(fit)
    fit.add_argument(
        "--embed",
        action="store_true",
        help="also learn from what questions mean, by the local EMBEDDING_MODEL, which is asked "
        "beside the classifier then",
    )
    fit.add_argument("--apply", action="store_true", help="write it; without it: only show")
    _add_json(fit)


def _add_eval(actions: Commands) -> None:
    summary = "how good the router is: cost and quality, promises, probabilities, time"
    more = """\
  hal router eval --html router.html --png plots/
  hal router eval --file outcomes.jsonl --json

a line of FILE is {"text": "...", "local_ok": 0 to 1, "cloud_ok": 0 to 1, "group": "..."}, where the
group (a conversation, a source) is optional; with 300 lines and more, a router is also learned from
four fifths of them and judged on the fifth, five times.
exit codes: 0 done, 1 too few turns to compare routers (the numbers are shown); 2 wrong usage
"""
    evaluate = add(actions, "eval", summary, "hal router eval --since 30d", more)
    source = evaluate.add_mutually_exclusive_group()
    source.add_argument("--since", metavar="WHEN", help=f"only turns that began after this: {WHEN}")
    source.add_argument("--file", metavar="FILE", help="outcomes of your own; - reads stdin")
    evaluate.add_argument(
        "--html", metavar="FILE", help="also write one self-contained page to FILE"
    )
    evaluate.add_argument("--png", metavar="DIR", help="also draw pictures (needs matplotlib)")
    _add_json(evaluate)


def _add_calibrate(actions: Commands) -> None:
    summary = "from a share of the cloud's quality to a threshold, with a margin"
    more = """\
  hal router calibrate --apply
  hal router calibrate --cloud-share 10% --apply    a share of turns instead of a promise

QUALITY_TARGET says which row is served. A promise holds for these models alone: after a change of
one, the classifier decides until this runs again.
exit codes: 0 done, 1 too few turns with both outcomes (it says how many are missing), or the local
            server is not there to say which version of its model answers; 2 wrong usage
"""
    calibrate = add(actions, "calibrate", summary, "hal router calibrate", more)
    calibrate.add_argument(
        "--target", type=target, metavar="SHARE", help="also this share of the cloud's quality"
    )
    calibrate.add_argument(
        "--cloud-share",
        type=cloud_share,
        metavar="SHARE",
        help="10%% or 0.1: at most this share of the turns, whatever the quality",
    )
    _add_since(calibrate)
    calibrate.add_argument("--apply", action="store_true", help="write it; without it: only show")
    _add_json(calibrate)


def _add_show(actions: Commands) -> None:
    summary = "what decides now, whether it is calibrated, and what to do next"
    show = add(actions, "show", summary, "hal router show", "\nexit codes: 0 done, 2 wrong usage\n")
    _add_json(show)


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="WHEN", help=f"only turns that began after this: {WHEN}")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def target(text: str) -> float:
    """A quality target; the valve's own limits."""
    value = _share(text)
    low, high = QUALITY_TARGETS
    if value is None or not low <= value <= high:
        raise argparse.ArgumentTypeError(f"a target is 0.5 to 1, or 50% to 100%, not {text!r}")
    return value


def cloud_share(text: str) -> float:
    value = _share(text)
    if value is None or not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a share is 0 to 1, or 0% to 100%, not {text!r}")
    return value


def _share(text: str) -> float | None:
    number, mark, rest = text.strip().partition("%")
    try:
        value = float(number)
    except ValueError:
        return None
    if rest:
        return None
    return value / 100 if mark else value
