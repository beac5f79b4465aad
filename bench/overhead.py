"""What hal-auto adds to a local answer: the stub itself, a plain pass-through, and hal-auto.

Side by side in one run on one machine: a stub upstream, the real Pipelines server with both
pipelines, and this process as the client. No classification (`/local`), session log on. Prints time
to first token with one user, and CPU of the server per 64-token stream with 64 users, and ratios.

Run: python bench/overhead.py [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "bench")]

from _stub import WORD, StubProcess  # noqa: E402
from tests.harness.pipelines import PipelinesServer  # noqa: E402

# 100 tokens a second after 50 ms: a 30B on a good card.
FIRST_S, GAP_S = 0.05, 0.01
USERS, ROUNDS = 64, 3
SINGLE_STREAMS, SINGLE_ROUNDS = 20, 3
MESSAGES = [{"role": "user", "content": "/local say some words"}]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: an address and a body. `pid` is whose CPU counts, None: nobody's."""

    name: str
    url: str
    model: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """Milliseconds; CPU is of the server process, user and system, per stream."""

    name: str
    first_token_ms: float
    first_token_p95_ms: float
    total_ms: float
    cpu_ms: float | None


async def _stream(http: aiohttp.ClientSession, subject: Subject) -> tuple[float, float]:
    body = {"model": subject.model, "stream": True, "messages": MESSAGES}
    began = time.perf_counter()
    first = None
    async with http.post(subject.url, json=body) as reply:
        async for data in reply.content.iter_any():
            if first is None and WORD.encode() in data:
                first = time.perf_counter() - began
    assert first is not None, f"{subject.name} gave no token"
    return first * 1000, (time.perf_counter() - began) * 1000


def _cpu_ms(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1000


async def _measure(subject: Subject, users: int, streams: int) -> Result:
    times: list[tuple[float, float]] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=users)) as http:
        await asyncio.gather(*(_stream(http, subject) for _ in range(min(users, 8))))
        before = _cpu_ms(subject.pid)
        for _ in range(streams // users):
            times += await asyncio.gather(*(_stream(http, subject) for _ in range(users)))
        cpu = (_cpu_ms(subject.pid) - before) / len(times)
    firsts = sorted(first for first, _ in times)
    return Result(
        subject.name,
        statistics.median(firsts),
        firsts[int(len(firsts) * 0.95) - 1],
        statistics.median(total for _, total in times),
        cpu if subject.pid else None,
    )


async def _rounds(subjects: Sequence[Subject], users: int, streams: int, n: int) -> list[Result]:
    """Every subject in every round, in turn; of each figure the median over the rounds."""
    rounds = [[await _measure(s, users, streams) for s in subjects] for _ in range(n)]
    return [_median([one[i] for one in rounds]) for i in range(len(subjects))]


def _median(results: Sequence[Result]) -> Result:
    cpus = [r.cpu_ms for r in results if r.cpu_ms is not None]
    return Result(
        results[0].name,
        statistics.median(r.first_token_ms for r in results),
        statistics.median(r.first_token_p95_ms for r in results),
        statistics.median(r.total_ms for r in results),
        statistics.median(cpus) if cpus else None,
    )


def _table(title: str, results: Sequence[Result]) -> None:
    base = results[0]
    print(f"\n{title}")
    print(f"  {'':14}{'TTFT p50':>10}{'p95':>9}{'added':>9}{'total':>9}{'CPU/stream':>12}")
    for r in results:
        cpu = f"{r.cpu_ms:9.1f} ms" if r.cpu_ms is not None else "          -"
        added = r.first_token_ms - base.first_token_ms
        print(
            f"  {r.name:14}{r.first_token_ms:8.1f} ms{r.first_token_p95_ms:6.1f} ms"
            f"{added:+6.1f} ms{r.total_ms:6.0f} ms{cpu:>12}"
        )


def _folder(root: Path) -> Path:
    """Both pipelines in one folder: the server loads every file in it."""
    shutil.copytree(REPO / "pipelines", root / "pipelines", ignore=_NO_LEFTOVERS)
    shutil.copytree(REPO / "prompts", root / "prompts")
    shutil.copy(REPO / "bench" / "pipelines" / "passthrough.py", root / "pipelines")
    return root / "pipelines" / "hal_auto.py"


_NO_LEFTOVERS = shutil.ignore_patterns("__pycache__", "hal_auto", "failed")


def _report(
    burst: Sequence[Result], alone: Sequence[Result], crowd: Sequence[Result]
) -> dict[str, object]:
    _table("One user, the whole answer at once", burst)
    _table(f"One user, first token at once, then {1 / GAP_S:.0f}/s", alone)
    _table(f"{USERS} users, 64 tokens at {1 / GAP_S:.0f}/s after {FIRST_S * 1000:.0f} ms", crowd)
    stub, plain, ours = alone
    ratios = {
        "added_first_token_ms": ours.first_token_ms - stub.first_token_ms,
        "added_first_token_vs_passthrough": (ours.first_token_ms - stub.first_token_ms)
        / (plain.first_token_ms - stub.first_token_ms),
        "cpu_ms_per_stream": crowd[2].cpu_ms,
        "cpu_vs_passthrough": (crowd[2].cpu_ms or 0) / (crowd[1].cpu_ms or 1),
    }
    print("\nhal-auto: " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    return {
        "burst": [*map(asdict, burst)],
        "one_user": [*map(asdict, alone)],
        "crowd": [*map(asdict, crowd)],
        "ratios": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, StubProcess() as stub:
        env = {
            "HAL_OLLAMA_BASE_URL": stub.url,
            "HAL_LOCAL_MODEL": "stub:1b",
            "HAL_CLASSIFIER_MODEL": "stub:1b",
            "BENCH_STUB_URL": stub.url,
            "GLOBAL_LOG_LEVEL": "WARNING",
        }
        source = _folder(Path(folder) / "code")
        with PipelinesServer(Path(folder) / "run", env=env, source=source, copy=True) as server:
            chat = f"{server.url}/chat/completions"
            subjects = [
                Subject("stub", f"{stub.url}/api/chat", "stub:1b", None),
                Subject("pass-through", chat, "passthrough", server.pid),
                Subject("hal-auto", chat, "hal.auto", server.pid),
            ]
            stub.pace(0.0, 0.0)
            burst = asyncio.run(_rounds(subjects, 1, SINGLE_STREAMS, SINGLE_ROUNDS))
            stub.pace(0.0, GAP_S)
            alone = asyncio.run(_rounds(subjects, 1, SINGLE_STREAMS, SINGLE_ROUNDS))
            stub.pace(FIRST_S, GAP_S)
            crowd = asyncio.run(_rounds(subjects, USERS, USERS * 2, ROUNDS))
    figures = _report(burst, alone, crowd)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
