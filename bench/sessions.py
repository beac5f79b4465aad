"""What the session log costs a turn, what it can take, and that a kill loses nothing.

    python bench/sessions.py [added] [writers] [million] [kill] [--quick] [--trials N] [--json FILE]

added    time that the log takes of a turn on the event loop (p50, p95), and until it is durable
writers  8 processes that write to one file at once: rows a second, errors
million  a million rows: rows a second, bytes a row, and what a reader waits
kill     kill -9 during load, again and again: every answer that was delivered must be in the log

Without a name, all of them; `--quick` makes each one small. Everything is written to a temporary
folder (TMPDIR; `million` takes about 1 GB). Data on stdout, progress on stderr. Exit code 1 when
something was lost or refused, 2 for a wrong command line. Times depend on the machine and on what
else it does; the counts must not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "bench"), str(REPO / "pipelines")]

from _sessions_added import added  # noqa: E402
from _sessions_kill import kill  # noqa: E402
from _sessions_million import million  # noqa: E402
from _sessions_writers import writers  # noqa: E402

Figures = Mapping[str, object]
# What makes the exit code 1: there must be none of it.
BAD = ("lost", "errors", "faults")
TRIALS = 1_000


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="bench/sessions.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("parts", nargs="*", metavar="PART", help="added, writers, million, kill")
    made.add_argument(
        "--quick", action="store_true", help="a minute instead of a quarter of an hour"
    )
    made.add_argument("--trials", type=int, default=TRIALS, help=f"kills (default {TRIALS})")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    return made


def main() -> int:
    arguments = parser()
    args = arguments.parse_args()
    parts: dict[str, Callable[[Path], Figures]] = {
        "added": lambda folder: added(folder, turns=200 if args.quick else 2_000),
        "writers": lambda folder: writers(folder, turns=100 if args.quick else 1_000),
        "million": lambda folder: million(folder, rows=20_000 if args.quick else 1_000_000),
        "kill": lambda folder: kill(folder, trials=20 if args.quick else args.trials),
    }
    if unknown := set(args.parts) - parts.keys():
        arguments.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    found: dict[str, Figures] = {}
    for name in args.parts or parts:
        with tempfile.TemporaryDirectory(prefix="hal-sessions-") as folder:
            found[name] = parts[name](Path(folder))
        print(f"\n{name}")
        for key, value in found[name].items():
            print(f"  {key:<28} {value}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(figures.get(bad) for figures in found.values() for bad in BAD))


if __name__ == "__main__":
    sys.exit(main())
