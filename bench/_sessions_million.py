"""A log of a million rows, for bench/sessions.py: how fast it fills, and what a reader waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

from tests.sessions.rows import DAY_S, call, content, turn

from hal.sessions.care import Care
from hal.sessions.database import open_for_writing
from hal.sessions.operation import ContentPolicy
from hal.sessions.process import this_process
from hal.sessions.reader import SessionReader
from hal.sessions.retention import Retention
from hal.sessions.spool import Spool
from hal.sessions.store import SessionStore

ROWS_PER_TURN = 4
TEXT = "swifts sleep on the wing; " * 20
# A household's worth of chats; a turn every ten minutes.
CHATS = 500
TURN_EVERY_S = 600.0
# So many turns wait in memory at most.
WAVE = 500
SOON_S = 120.0
REPEAT = 9
# Of the care, which would take minutes with its pauses.
CARE_STEPS = 1_000


def million(folder: Path, rows: int) -> Mapping[str, object]:
    path = folder / "sessions.db"
    turns = rows // ROWS_PER_TURN
    filled_s, errors = _fill(path, turns)
    size = sum(file.stat().st_size for file in path.parent.iterdir())
    reader = SessionReader(path)
    lost = turns - reader.counts()["turn"]
    reads: dict[str, Callable[[], object]] = {
        "last 20 turns": lambda: reader.turns(20),
        "20 turns of a chat": lambda: reader.turns(20, chat_id="chat-7"),
        "turn by the start of its id": lambda: reader.turn(f"{turns // 2:08}"),
        "last decision of a chat": lambda: reader.last_decision("chat-7"),
        "was the chat private": lambda: reader.was_hard("chat-7"),
        "count all": reader.counts,
    }
    return {
        "rows": rows,
        "rows_per_s": round(rows / filled_s),
        "errors": errors,
        "lost": lost,
        "bytes_per_turn": size // turns,
        **{f"{name} (ms)": round(_median_ms(read), 2) for name, read in reads.items()},
        **_care(path, turns),
    }


def _fill(path: Path, turns: int) -> tuple[float, int]:
    store = SessionStore(path, log_content=True, content_days=36_500)
    store.start()
    errors, wave, began, now = 0, [], time.monotonic(), time.time()
    for number in range(turns):
        wave += _write(store, number, now - (turns - number) * TURN_EVERY_S)
        if len(wave) >= WAVE * ROWS_PER_TURN or number == turns - 1:
            errors += sum(future.exception(SOON_S) is not None for future in wave)
            wave = []
        if number % 25_000 == 0:
            print(f"{number * ROWS_PER_TURN} rows", file=sys.stderr, flush=True)
    took_s = time.monotonic() - began
    store.close()
    return took_s, errors + len(store.warnings)


def _write(store: SessionStore, number: int, at: float) -> list[Future[None]]:
    id = f"{number:08}"
    values = {"started_at": at, "chat_id": f"chat-{number % CHATS}", "route": "MODERATE"}
    return [
        store.write(turn(id, **values)),
        store.write(call(id, turn_id=id, started_at=at, outcome="done")),
        store.write(content(id, created_at=at, answer=TEXT)),
        store.write(turn(id, **values, outcome="done", is_hard=number % 1000 == 0)),
    ]


def _care(path: Path, turns: int) -> dict[str, object]:
    """The hourly care with half of all turns to delete: how long one step holds the log."""
    days = int(turns * TURN_EVERY_S / DAY_S / 2)
    steps_ms: list[float] = []
    with closing(open_for_writing(path, 1.0)) as connection:
        care = Care(this_process(), Spool(path, this_process()), time.time, print)
        care.content = ContentPolicy(log_content=True, content_days=days)
        care.retention = Retention(days, 1 << 50)
        while not steps_ms or (care.wait_s() < DAY_S / 48 and len(steps_ms) < CARE_STEPS):
            while (wait_s := care.wait_s()) > 0:
                time.sleep(wait_s)
            began = time.perf_counter()
            care.step(connection, 0.0)
            steps_ms.append((time.perf_counter() - began) * 1000)
    return {
        "care, steps seen": len(steps_ms),
        "care, a step p50 (ms)": round(sorted(steps_ms)[len(steps_ms) // 2], 1),
        "care, longest step (ms)": round(max(steps_ms), 1),
    }


def _median_ms(read: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEAT):
        began = time.perf_counter()
        read()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[REPEAT // 2]
