"""A month of one invented household in a session log: the same rows for the same seed.

Three people, days with a rhythm, 50 to 200 turns on each; one evening without Ollama, one day on
which xAI is busy, days that use up the budget, a new prompt and a new policy in the second half.
Made for the report, and large enough logs of it for its speed. Knows no report.

Run: python bench/_month_of_use.py FILE [--turns 3600] [--days 30] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from _month_turn import CLASSIFIER, CLOUD, LOCAL, Weather, chat_turn, task_turn

from hal.sessions.columns import AnyRow, encode
from hal.sessions.database import open_for_writing
from hal.sessions.record import PolicyRow, PromptVersionRow, TurnRow

DAY_S, HOUR_S = 86_400.0, 3600.0
UNTIL = 1_777_593_600.0  # 2026-05-01 00:00 UTC
# About 120 a day, for three people.
TURNS, DAYS = 3600, 30
USERS = ("user-ada", "user-ben", "user-cleo")
# How much is asked in each hour of the day, from midnight on.
HOURS = (1, 0, 0, 0, 0, 0, 1, 4, 7, 8, 7, 6, 5, 6, 7, 7, 7, 8, 10, 13, 14, 12, 8, 3)
TASK_SHARE = 0.14
# A day without a budget would cost about 1.2 of it: some days reach it, most do not.
BUDGET_SHARE = 1.9
CONTENT_DAYS = 30.0
# Rows in one transaction: large enough that commits do not count, small enough for the memory.
BATCH_ROWS = 20_000
BUSY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`turns` counts the background tasks too; `until` is unix seconds, the end of the last day."""

    turns: int = TURNS
    days: int = DAYS
    until: float = UNTIL
    seed: int = 1

    @property
    def since(self) -> float:
        return self.until - self.days * DAY_S


@dataclass(slots=True)
class _Chats:
    """Who is in which chat; a chat goes on for a few turns."""

    draw: random.Random
    now: dict[str, str] = field(default_factory=dict)

    def turn(self, at: float) -> TurnRow:
        user = self.draw.choice(USERS)
        if user not in self.now or self.draw.random() < 0.3:
            self.now[user] = f"chat-{self.draw.getrandbits(64):016x}"
        return TurnRow(
            id=f"{self.draw.getrandbits(128):032x}",
            started_at=at,
            chat_id=self.now[user],
            message_id=f"message-{self.draw.getrandbits(64):016x}",
            user_message_id=f"asked-{self.draw.getrandbits(64):016x}",
            user_id=user,
            process_id="month",
            hal_version="0.1.0",
        )


def rows(use: Use) -> Iterator[AnyRow]:
    """Everything that the household leaves in the log, in the order of time."""
    draw = random.Random(use.seed)
    yield from _versions(use)
    chats = _Chats(draw)
    for day, count in enumerate(_counts(draw, use)):
        begin = use.since + day * DAY_S
        cap = BUDGET_SHARE * use.turns / use.days * 0.00042
        left = cap
        for at in _moments(draw, begin, count):
            weather = replace(_weather(use, day, at), cloud_usd_left=left)
            turn = chats.turn(at)
            if draw.random() < TASK_SHARE:
                yield from task_turn(draw, turn, weather)
                continue
            if draw.random() < 0.006:
                turn = replace(turn, privacy_word=draw.choice(("/private", "/public")))
            for row in chat_turn(draw, turn, weather):
                if isinstance(row, TurnRow):
                    left -= row.cost_usd or 0.0
                yield row


def fill(path: Path, use: Use, say: Callable[[int], None] = lambda _turns: None) -> None:
    """Write a new log; `say` is told of the turns so far, once for each transaction."""
    turns = 0
    with closing(open_for_writing(path, BUSY_TIMEOUT_S)) as connection:
        # It is made again rather than saved from a power cut.
        connection.execute("PRAGMA synchronous = OFF")
        for batch in _batches(rows(use)):
            connection.execute("BEGIN")
            for table, group in batch.items():
                names = tuple(encode(group[0]))
                places = ", ".join("?" * len(names))
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608
                    [tuple(encode(row).values()) for row in group],
                )
            connection.execute("COMMIT")
            turns += len(batch.get(TurnRow.table, ()))
            say(turns)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _batches(found: Iterator[AnyRow]) -> Iterator[dict[str, list[AnyRow]]]:
    batch: dict[str, list[AnyRow]] = defaultdict(list)
    for number, row in enumerate(found, 1):
        batch[row.table].append(row)
        if number % BATCH_ROWS == 0:
            yield batch
            batch = defaultdict(list)
    if batch:
        yield batch


def _counts(draw: random.Random, use: Use) -> list[int]:
    """Turns of each day: more on the weekend, and never twice the same."""
    weights = [
        draw.uniform(0.55, 1.35) * (1.3 if day % 7 in (3, 4) else 1.0) for day in range(use.days)
    ]
    share = use.turns / sum(weights)
    counts = [int(weight * share) for weight in weights]
    counts[-1] += use.turns - sum(counts)
    return counts


def _moments(draw: random.Random, begin: float, count: int) -> list[float]:
    hours = draw.choices(range(24), HOURS, k=count)
    return sorted(begin + hour * HOUR_S + draw.uniform(0, HOUR_S) for hour in hours)


def _weather(use: Use, day: int, at: float) -> Weather:
    """One bad evening and one busy day in each month of the use."""
    hour = (at - use.since) % DAY_S / HOUR_S
    is_late = day >= 0.6 * use.days
    return Weather(
        local_down=day % 30 == 8 and 19 <= hour < 21,
        cloud_busy=day % 30 == 21 and 9 <= hour < 17,
        cloud_confidence=0.7 if is_late else 0.6,
        prompt_id=_prompt_id(day >= 0.4 * use.days),
        policy_id=_policy_id(is_late),
        keeps_content=at > use.until - CONTENT_DAYS * DAY_S,
    )


def _versions(use: Use) -> Iterator[AnyRow]:
    for is_new, share in ((False, 0.0), (True, 0.4)):
        yield PromptVersionRow(
            id=_prompt_id(is_new),
            name="classify",
            version="2" if is_new else "1",
            sha256=("cd" if is_new else "ab") * 32,
            text="Say how hard it is.",
            first_seen=use.since + share * use.days * DAY_S,
        )
    for is_late, share in ((False, 0.0), (True, 0.6)):
        yield PolicyRow(
            id=_policy_id(is_late),
            first_seen=use.since + share * use.days * DAY_S,
            settings={
                "local.model": LOCAL,
                "cloud.model": CLOUD,
                "routing.classifier_model": CLASSIFIER,
                "cloud.confidence": 0.7 if is_late else 0.6,
            },
        )


def _prompt_id(is_new: bool) -> str:
    return "classify@2+cdcdcdcd" if is_new else "classify@1+abababab"


def _policy_id(is_late: bool) -> str:
    return "policy-7c0ffee7" if is_late else "policy-6c0ffee6"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a new file; one that is there is refused")
    parser.add_argument("--turns", type=int, default=TURNS, help="default: %(default)s")
    parser.add_argument("--days", type=int, default=DAYS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    args = parser.parse_args()
    if args.file.exists():
        sys.exit(f"{args.file} is there already")
    fill(args.file, Use(turns=args.turns, days=args.days, seed=args.seed), _say)


def _say(turns: int) -> None:
    print(f"\r{turns:,} turns", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
