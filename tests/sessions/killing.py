"""Turns in a process that is killed, and what its log must say afterwards.

The child runs turns by the real recorder and store, as `turn.run_turn` does: rows when a turn
begins, an egress row before a byte leaves, the text so far every now and then, and the last word
when the turn is durable, or after LOG_WAIT_S. What it delivers goes through a pipe; the parent
kills it at any moment and compares the log with what it has received.

Forks: only for a process without threads.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hal.recorder import TurnRecorder
from hal.repeating import Repeating
from hal.sessions.database import open_for_reading
from hal.sessions.record import EgressRow
from hal.sessions.spool import spool_files
from hal.sessions.store import SessionStore
from hal.turn import LOG_WAIT_S
from hal.types import Message, Outcome, Target, Turn, Usage

CONCURRENT = 8
# A real turn takes seconds; these take milliseconds, so that a kill falls into every moment of one.
BEGUN_AFTER_S = 0.002
KEPT_EVERY_S = 0.01
PIECE_PAUSE_S = 0.002
# A kill comes within this time after the first turn was begun.
ALIVE_MAX_S = 0.25
# In each trial of so many another process holds the database from then on for as long again.
LOCKED_EVERY = 4
SOON_S = 30.0
LOCAL = Target("ollama", "nano", False, 8192, host="http://127.0.0.1:11434")
CLOUD = Target("xai", "grok", True, 8192, host="https://api.x.ai")


@dataclass(slots=True)
class Turns:
    """What the parent has seen of one child. `late`: last words that came before the commit."""

    begun: set[str] = field(default_factory=set)
    delivered: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, data: bytes) -> Turns:
        """Lines of KIND ID [TEXT]; the last one may be torn."""
        turns = cls()
        for line in data.decode().split("\n")[:-1]:
            kind, id, *rest = line.split(" ", 2)
            if kind == "text":
                turns.delivered[id] = turns.delivered.get(id, "") + rest[0]
            else:
                getattr(turns, kind).add(id)
        return turns


@dataclass(slots=True)
class Tally:
    """Sums over all trials; `faults` are sentences, and there must be none.

    `late`: turns whose last word came after LOG_WAIT_S and not after the commit; `late_cut`: those
    among them that the kill came before. `unseen`: turns
    that were killed in their first moments, before a row of theirs was written. `spooled`: trials
    that left rows in the file beside the log.
    """

    trials: int = 0
    begun: int = 0
    finished: int = 0
    late: int = 0
    late_cut: int = 0
    cut: int = 0
    unseen: int = 0
    spooled: int = 0
    faults: list[str] = field(default_factory=list)


def text_of(id: str) -> str:
    """The whole answer that a turn of this id is going to give: 3 to 25 words."""
    random_of_id = random.Random(id)
    return "".join(f"{random_of_id.randrange(10**6)}," for _ in range(random_of_id.randint(3, 25)))


async def run_turn(
    id: str, store: SessionStore, is_cloud: bool, say: Callable[[str, str, str], None]
) -> None:
    """One turn; what is said by `say` has been delivered."""
    question = f"Question {id}"
    asked = Turn(id, (Message("user", question),), question, chat_id=f"chat-{id[:3]}")
    recorder = TurnRecorder(asked, store, "policy-1")
    loop = asyncio.get_running_loop()
    say("begun", id, "")
    begun = loop.call_later(BEGUN_AFTER_S, recorder.begin)
    keeping = Repeating(KEPT_EVERY_S, recorder.keep_so_far)
    target = CLOUD if is_cloud else LOCAL
    call = recorder.call(target, "answer")
    if is_cloud:
        row = EgressRow(
            id=f"e-{id}",
            turn_id=id,
            call_id=call.row.id,
            at=time.time(),
            host="api.x.ai",
            bytes=99,
            sha256="ab" * 32,
        )
        await asyncio.wrap_future(store.write_egress(row))
        say("sent", id, "")
    recorder.answered_by(target)
    for word in text_of(id).split(",")[:-1]:
        await asyncio.sleep(PIECE_PAUSE_S)
        recorder.text(f"{word},")
        say("text", id, f"{word},")
    call.usage = Usage(10, 10, cost_usd=0.0)
    recorder.call_ended(call, Outcome.DONE)
    begun.cancel()
    keeping.stop()
    written = recorder.finish(Outcome.DONE, keep_content=True)
    assert written is not None
    done, _ = await asyncio.wait([asyncio.wrap_future(written)], timeout=LOG_WAIT_S)
    say("finished" if done and not written.exception() else "late", id, "")


async def run_turns(path: Path, descriptor: int, seed: int) -> None:
    """Turns without end, several at a time."""

    def say(kind: str, id: str, text: str) -> None:
        os.write(descriptor, f"{kind} {id} {text}\n".encode())

    store = SessionStore(path, log_content=True, content_days=30)
    store.start()

    async def one_after_the_other(lane: int) -> None:
        for number in range(1_000_000):
            is_cloud = (lane + number) % 3 == 0
            await run_turn(f"{seed}-{lane}-{number}", store, is_cloud, say)

    await asyncio.gather(*(one_after_the_other(lane) for lane in range(CONCURRENT)))


def kill_one(path: Path, seed: int, alive_s: float, locked_s: float) -> Turns:
    """A child that is killed so long after its first turn began; what it delivered.

    For the last `locked_s` of its life this process holds its database.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receiving)
            asyncio.run(run_turns(path, sending, seed))
        finally:
            os._exit(1)
    os.close(sending)
    with open(receiving, "rb", buffering=0) as pipe:
        try:
            data = pipe.read(1)
            os.set_blocking(receiving, False)
            data += _received(pipe, alive_s)
            if locked_s:
                data += _locked_out(path, pipe, locked_s)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.set_blocking(receiving, True)
        data += pipe.read()
    return Turns.read(data)


def _locked_out(path: Path, pipe: io.RawIOBase, for_s: float) -> bytes:
    """What comes while this process holds the database, up to the moment before the kill."""
    data = b""
    while not path.exists():  # the child has only just begun to make it
        data += _received(pipe, 0.001)
    with closing(sqlite3.connect(path, timeout=SOON_S, isolation_level=None)) as ours:
        ours.execute("BEGIN EXCLUSIVE")
        return data + _received(pipe, for_s)


def _received(pipe: io.RawIOBase, for_s: float) -> bytes:
    """What comes within this time; a full pipe would hold up the child."""
    data, end = b"", time.monotonic() + for_s
    while time.monotonic() < end:
        time.sleep(0.001)
        data += pipe.read(1 << 20) or b""
    return data


def open_again(path: Path) -> None:
    """As the next start does: take in what waits, and cut what the dead left running."""
    store = SessionStore(path, log_content=True, content_days=30)
    store.start()
    try:
        store.put_state("opened", "1").result(SOON_S)
        end = time.monotonic() + SOON_S
        with closing(open_for_reading(path, 1.0)) as connection:
            running = "SELECT count(*) FROM turn WHERE outcome = 'running'"
            while connection.execute(running).fetchone()[0] or spool_files(path):
                if time.monotonic() > end:
                    return
                time.sleep(0.002)
    finally:
        store.close()


def faults_of(connection: sqlite3.Connection, turns: Turns) -> list[str]:
    """What the log says that is not so, of all turns of one child."""
    found = []
    if (state := connection.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        found.append(f"integrity: {state}")
    for id in sorted(turns.begun):
        row = connection.execute(
            "SELECT outcome, ifnull(answer, '') FROM turn LEFT JOIN content ON turn_id = id"
            " WHERE id = ?",
            (id,),
        ).fetchone()
        found += _faults(id, row and tuple(row), turns)
    for id in turns.sent:
        rows = connection.execute("SELECT count(*) FROM egress WHERE turn_id = ?", (id,))
        if rows.fetchone()[0] != 1:
            found.append(f"{id}: sent, and no egress row")
    return found


def _faults(id: str, row: tuple[str, str] | None, turns: Turns) -> list[str]:
    delivered = turns.delivered.get(id, "")
    if id in turns.finished:
        expected = ("done", text_of(id))
        return [] if row == expected and delivered == expected[1] else [f"{id}: {row}"]
    if row is None:  # killed before it had begun for as long as `run_turn` waits for
        return [f"{id}: sent, and not there"] if id in turns.sent else []
    outcome, answer = row
    if outcome == "done":  # the commit came, and the last word did not
        return [] if answer == text_of(id) else [f"{id}: {row}"]
    is_prefix = text_of(id).startswith(answer)
    # A word is recorded in the same moment as it is delivered, and just before it.
    is_ahead = len(answer) > len(delivered) + max(map(len, text_of(id).split(","))) + 1
    return [] if outcome == "cut" and is_prefix and not is_ahead else [f"{id}: {row}"]


def trial(path: Path, seed: int, tally: Tally) -> None:
    """One child, killed; its log opened again and compared."""
    chance = random.Random(seed)
    is_locked = seed % LOCKED_EVERY == 0
    alive_s = chance.uniform(0.0, ALIVE_MAX_S)
    turns = kill_one(path, seed, alive_s, 0.1 + alive_s if is_locked else 0.0)
    tally.spooled += bool(spool_files(path))
    open_again(path)
    with closing(open_for_reading(path, 1.0)) as connection:
        tally.faults += faults_of(connection, turns)
        logged = dict(
            connection.execute("SELECT id, outcome FROM turn WHERE id LIKE ?", (f"{seed}-%",))
        )
    tally.trials += 1
    tally.begun += len(turns.begun)
    tally.finished += len(turns.finished)
    tally.late += len(turns.late)
    tally.cut += sum(outcome == "cut" for outcome in logged.values())
    tally.late_cut += sum(logged.get(id) != "done" for id in turns.late)
    tally.unseen += len(turns.begun - logged.keys())


def main() -> None:
    """FOLDER TRIALS: one line of numbers, then the faults, for the test that starts this."""
    path, tally = Path(sys.argv[1]) / "sessions.db", Tally()
    for seed in range(int(sys.argv[2])):
        trial(path, 100 + seed, tally)
    faults = tally.faults
    tally.faults = []
    print(json.dumps(asdict(tally)))
    print(*faults, sep="\n")


if __name__ == "__main__":
    main()
