"""Several processes that write to one log at once, for bench/sessions.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from tests.sessions.rows import call, content, egress, turn

from hal.sessions.reader import SessionReader
from hal.sessions.store import SessionStore

PROCESSES = 8
# A turn as it goes by: begun, a call, bytes that leave, its end with 3 kB of text.
ROWS_PER_TURN = 6
TEXT = "swifts sleep on the wing; " * 115
SOON_S = 60.0


def writers(folder: Path, turns: int) -> Mapping[str, object]:
    path = folder / "sessions.db"
    began = time.monotonic()
    command = [sys.executable, __file__, str(path), str(turns)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [
        subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True, env=env)
        for n in range(PROCESSES)
    ]
    results = [json.loads(child.communicate()[0] or '{"errors": -1}') for child in children]
    took_s = time.monotonic() - began
    counts = SessionReader(path).counts()
    rows = ROWS_PER_TURN * turns * PROCESSES
    waits = sorted(ms for result in results for ms in result.get("egress_ms", []))
    return {
        "processes": PROCESSES,
        "rows": rows,
        "rows_per_s": round(rows / took_s),
        "errors": sum(result["errors"] for result in results),
        "lost": turns * PROCESSES - counts["turn"] + turns * PROCESSES - counts["egress"],
        "egress_wait_p50_ms": round(waits[len(waits) // 2], 1),
        "egress_wait_p99_ms": round(waits[len(waits) * 99 // 100], 1),
        "egress_wait_max_ms": round(waits[-1], 1),
    }


def write(path: Path, turns: int, name: str) -> dict[str, object]:
    """In a process of its own; each egress row is waited for, as a turn does."""
    store = SessionStore(path, log_content=True, content_days=30)
    store.start()
    futures: list[Future[None]] = []
    waits: list[float] = []
    now = time.time()
    for number in range(turns):
        id = f"{name}-{number:06}"
        futures += [
            store.write(turn(id, started_at=now)),
            store.write(call(id, turn_id=id, started_at=now)),
        ]
        began = time.monotonic()
        sent = store.write_egress(egress(id, turn_id=id, at=now))
        sent.exception(SOON_S)
        waits.append((time.monotonic() - began) * 1000)
        futures += [
            sent,
            store.write(call(id, turn_id=id, started_at=now, outcome="done")),
            store.write(content(id, created_at=now, answer=TEXT)),
            store.write(turn(id, started_at=now, outcome="done")),
        ]
    errors = sum(future.exception(SOON_S) is not None for future in futures)
    store.close()
    return {"errors": errors + len(store.warnings), "egress_ms": waits}


if __name__ == "__main__":
    print(json.dumps(write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
