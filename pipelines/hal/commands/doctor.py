"""`hal doctor`: runs every check and prints what is well, what is not, and what to do about it.

Knows no check from the inside; they stand in `checks/`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from .checks import (
    budget,
    cloud,
    gateway,
    live,
    local,
    machine,
    names,
    privacy,
    router,
    search,
    server,
    valves,
)
from .checks.result import Check, Context, Status
from .engine import running_engine
from .stored import Places, settings_in_force

SIGNS = {Status.OK: "✓", Status.WARN: "!", Status.FAIL: "✗"}
_PARTS = (
    machine,
    valves,
    local,
    cloud,
    privacy,
    names,
    budget,
    router,
    gateway,
    search,
    live,
    server,
)
_NARROW = 60  # below that, wrapping makes it worse


def run(args: argparse.Namespace) -> int:
    """Print the report; 1 when a check failed."""
    environ = {**os.environ, **running_engine(os.environ)}
    context = Context(
        environ, settings_in_force(environ), Places.of(environ), args.port, args.offline
    )
    checks = []
    for check in _all(context):
        checks.append(check)
        if not args.json:
            print(line(check), flush=True)  # as they come: a host that is away takes seconds
    if args.json:
        json.dump([asdict(check) for check in checks], sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(f"\n{summary(checks)}")
    return int(any(check.status is Status.FAIL for check in checks))


def _all(context: Context) -> Iterator[Check]:
    for part in _PARTS:
        yield from part.checks(context)


def line(check: Check) -> str:
    """`✓ name   detail`, wrapped under the detail, with the remedy below it."""
    width = max(_NARROW, shutil.get_terminal_size().columns)
    head = f"{SIGNS[check.status]} {check.name:<20} "
    remedy = [f"→ {check.remedy}"] if check.remedy else []
    rows = [
        row
        for text in (check.detail, *remedy)
        for row in textwrap.wrap(text, width - len(head), break_on_hyphens=False) or [""]
    ]
    return head + f"\n{' ' * len(head)}".join(rows)


def summary(checks: Sequence[Check]) -> str:
    counts = {status: sum(check.status is status for check in checks) for status in Status}
    return f"{counts[Status.OK]} ok, {counts[Status.WARN]} to know, {counts[Status.FAIL]} failed"
