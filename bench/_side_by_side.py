"""Measures streams of several servers side by side, in turn and in one run, and prints tables.

This process is the client. Knows addresses and bodies, not what stands behind them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
from _stub import TOKENS, WORD, WORDS, StubProcess

MESSAGES = [{"role": "user", "content": "/local say some words"}]
# Enough to open connections and to load what is loaded late.
WARM_UP = 8
# A server that gives no answer in this time is left out, not waited for.
TRIAL_S = 20.0
# The last word and everything that comes after it: usage, finish, end.
TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: an address and a body. `pid` is whose CPU and memory count, if any."""

    name: str
    url: str
    model: str
    pid: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`users` at once, `streams` in all, so many rounds; the pace is the stub's, in seconds."""

    name: str
    title: str
    users: int
    streams: int
    first_s: float = 0.0
    gap_s: float = 0.0
    tokens: int = TOKENS
    rounds: int = 3

    @property
    def ideal_ms(self) -> float:
        """How long a stream takes when nothing costs anything."""
        return (self.first_s + self.tokens * self.gap_s) * 1000


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds; CPU is of the server process, user and system, per stream. RSS in MB."""

    name: str
    first_token_ms: float
    first_token_p95_ms: float
    total_ms: float
    total_p95_ms: float
    cpu_ms: float | None
    rss_mb: float | None


async def one_stream(
    http: aiohttp.ClientSession, subject: Subject, tokens: int = TOKENS
) -> tuple[float, float]:
    """Milliseconds to the first token and to the end; RuntimeError when any of it is missing."""
    body = {"model": subject.model, "stream": True, "messages": MESSAGES}
    began = time.perf_counter()
    first, tail = None, b""
    async with http.post(subject.url, json=body, headers=subject.headers) as reply:
        async for data in reply.content.iter_any():
            if first is None and WORD.encode() in data:
                first = time.perf_counter() - began
            tail = (tail + data)[-TAIL_BYTES:]
    if first is None:
        raise RuntimeError(f"{subject.name} gave no token (status {reply.status})")
    if WORDS[(tokens - 1) % len(WORDS)].encode() not in tail:
        raise RuntimeError(f"{subject.name} did not give all of the answer")
    return first * 1000, (time.perf_counter() - began) * 1000


async def trial(subject: Subject) -> str | None:
    """Why this subject cannot be measured; None when it streams."""
    try:
        async with asyncio.timeout(TRIAL_S), aiohttp.ClientSession() as http:
            await one_stream(http, subject)
    except (TimeoutError, RuntimeError, aiohttp.ClientError) as error:
        return str(error) or type(error).__name__
    return None


def run(subjects: Sequence[Subject], scenario: Scenario, stub: StubProcess) -> list[Result]:
    """Every subject in every round, in turn; of each figure the median over the rounds."""
    stub.pace(scenario.first_s, scenario.gap_s, scenario.tokens)
    rounds = [
        [asyncio.run(_measure(s, scenario)) for s in subjects] for _ in range(scenario.rounds)
    ]
    return [_median([one[i] for one in rounds]) for i in range(len(subjects))]


async def _measure(subject: Subject, scenario: Scenario) -> Result:
    times: list[tuple[float, float]] = []
    users = scenario.users
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=users)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        tokens = scenario.tokens
        warm = (one_stream(http, subject, tokens) for _ in range(min(users, WARM_UP)))
        await asyncio.gather(*warm)
        before = _cpu_ms(subject.pid)
        for _ in range(scenario.streams // users):
            turns = (one_stream(http, subject, tokens) for _ in range(users))
            times += await asyncio.gather(*turns)
        cpu = (_cpu_ms(subject.pid) - before) / len(times)
    firsts, totals = (sorted(column) for column in zip(*times, strict=True))
    measured = subject.pid is not None
    return Result(
        subject.name,
        statistics.median(firsts),
        _p95(firsts),
        statistics.median(totals),
        _p95(totals),
        cpu if measured else None,
        _rss_mb(subject.pid) if measured else None,
    )


def _p95(ordered: Sequence[float]) -> float:
    return ordered[max(int(len(ordered) * 0.95) - 1, 0)]


def _median(results: Sequence[Result]) -> Result:
    columns = [asdict(result) for result in results]
    figures = {}
    for name in columns[0].keys() - {"name"}:
        values = [column[name] for column in columns if column[name] is not None]
        figures[name] = statistics.median(values) if values else None
    return Result(name=results[0].name, **figures)


def _cpu_ms(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1000


def _rss_mb(pid: int | None) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def table(title: str, results: Sequence[Result]) -> None:
    """The first result is what the others are compared with."""
    base = results[0]
    print(f"\n{title}")
    print(
        f"  {'':14}{'TTFT p50':>12}{'p95':>12}{'added':>11}{'total':>12}{'added':>11}{'ratio':>8}"
        f"{'CPU/stream':>13}{'RSS':>9}"
    )
    for r in results:
        print(
            f"  {r.name:14}{r.first_token_ms:9.1f} ms{r.first_token_p95_ms:9.1f} ms"
            f"{r.first_token_ms - base.first_token_ms:+8.1f} ms{r.total_ms:9.1f} ms"
            f"{r.total_ms - base.total_ms:+8.1f} ms{r.total_ms / base.total_ms:8.2f}"
            f"{_figure(r.cpu_ms, 'ms', 1):>13}{_figure(r.rss_mb, 'MB', 0):>9}"
        )


def _figure(value: float | None, unit: str, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f} {unit}"
