"""How long `hal report` takes over a large log: a million turns, from the disk and from memory.

Builds the household of _month_of_use.py over a year (some minutes and about 1.5 GB, in a temporary
folder that is removed, or --keep FILE to use it again), then makes the report in a process of its
own: as often with the file out of the system's cache as with it in there. Prints medians, wall and
CPU, and how large the indexes are that make it quick.

Run: python bench/report.py [--turns 1000000] [--rounds 3] [--keep FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from _month_of_use import Use, fill

from hal.sessions.summary import INDEXES

TURNS, DAYS, ROUNDS = 1_000_000, 365, 3
# What the issue asks for.
TARGET_S = 3.0
# One report as JSON; start and imports of Python are measured with it, as they are waited for.
REPORT = [sys.executable, "-m", "hal.cli", "report", "--json"]


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = args.keep or Path(folder) / "sessions.sqlite"
        if not path.exists():
            print(f"building {args.turns:,} turns in {path}", file=sys.stderr)
            fill(path, Use(turns=args.turns, days=args.days), _say)
            print(file=sys.stderr)
        _add_indexes(path)
        before = os.getloadavg()[0]
        cold = [_measured(path, cold=True) for _ in range(args.rounds)]
        warm = [_measured(path, cold=False) for _ in range(args.rounds)]
        figures = {
            "turns": _count(path),
            "file_bytes": path.stat().st_size,
            "index_bytes": _index_bytes(path),
            "cold_s": _median(cold, 0),
            "warm_s": _median(warm, 0),
            "warm_cpu_s": _median(warm, 1),
            "cores": os.cpu_count(),
            "load_before": before,
            "load_after": os.getloadavg()[0],
        }
    _print(figures)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=TURNS, help="default: %(default)s")
    parser.add_argument("--days", type=int, default=DAYS, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help=".../sessions.sqlite: built once, then used again"
    )
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    if args.keep and args.keep.name != "sessions.sqlite":
        parser.error("--keep takes a file called sessions.sqlite: `hal report` looks for that name")
    return args


def _measured(path: Path, *, cold: bool) -> tuple[float, float]:
    """Seconds of the clock, and of the CPU, of one report."""
    if cold:
        _out_of_cache(path)
    else:
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
    began, before = time.perf_counter(), os.times()
    env = os.environ | {"HAL_DATA_DIR": str(path.parent)}
    subprocess.run(REPORT, env=env, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu_s = after.children_user + after.children_system
    cpu_s -= before.children_user + before.children_system
    return time.perf_counter() - began, cpu_s


def _out_of_cache(path: Path) -> None:
    """Works for a file that is written out; other programs keep theirs."""
    if not hasattr(os, "posix_fadvise"):
        print("this system cannot forget one file: the cold figure is a warm one", file=sys.stderr)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _add_indexes(path: Path) -> None:
    """For a file that was built before the schema had them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name, columns in INDEXES.items():
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM turn").fetchone()[0])


def _index_bytes(path: Path) -> int | None:
    """None where SQLite was built without the table that knows."""
    places = ", ".join("?" * len(INDEXES))
    sql = f"SELECT sum(pgsize) FROM dbstat WHERE aggregate = 1 AND name IN ({places})"  # noqa: S608
    with closing(sqlite3.connect(path)) as connection:
        try:
            return int(connection.execute(sql, tuple(INDEXES)).fetchone()[0])
        except sqlite3.OperationalError:
            return None


def _median(rounds: Sequence[tuple[float, float]], index: int) -> float:
    return statistics.median(each[index] for each in rounds)


def _print(figures: dict[str, object]) -> None:
    for name, value in figures.items():
        shown = f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if value else "unknown"
        print(f"{name:<14}{shown:>16}")
    print(f"target: {TARGET_S:g} s with the file in memory; ratio {_ratio(figures):.2f}")


def _ratio(figures: dict[str, object]) -> float:
    warm_s = figures["warm_s"]
    assert isinstance(warm_s, float)
    return warm_s / TARGET_S


def _say(turns: int) -> None:
    print(f"\r{turns:,} turns", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
