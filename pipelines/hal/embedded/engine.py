"""Own the workers: start one when a model is asked for, end it when nobody has used it for a while.

It does not know Ollama's protocol nor what is asked of a model. Everything here runs on one event
loop, so that no state needs a lock except the slow step, loading.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .durations import FOREVER_S
from .errors import EngineFailed, WorkerGone
from .library import Served
from .upstream import Upstream, open_session

_WORKER = Path(__file__).with_name("worker.py")
_LOAD_TIMEOUT_S = 300.0  # Ollama's OLLAMA_LOAD_TIMEOUT; a cold disk is the slow case
_EMBED_TEXTS_AT_ONCE = 1  # each slot costs memory, and texts come in one request anyway


def default_threads() -> int:
    """Return one thread less than there are cores.

    llama.cpp's threads spin while they wait for each other: with one on every core, any other busy
    process costs a factor of ten (2.2 against 26.6 tokens a second, measured on two cores).
    """
    override = os.environ.get("HAL_EMBEDDED_THREADS", "")
    return int(override) if override.isdigit() and int(override) else max(1, _cores() - 1)


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))  # a container may have fewer than the machine
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How models run. `context_tokens` is for each of the `parallel` requests."""

    threads: int = field(default_factory=default_threads)
    parallel: int = 2  # one conversation and one classification; more only share the same cores
    context_tokens: int = 4096  # as nemotron-mini, and 50 MB a request with the 0.5B model
    keep_alive_s: float = 300.0  # Ollama's five minutes


@dataclass(frozen=True, slots=True)
class Key:
    """Which worker: a model file generates text or makes embeddings, llama.cpp cannot do both."""

    file: Path
    embedding: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to one slot of a loaded model, for one request."""

    upstream: Upstream
    context_tokens: int
    load_ns: int


@dataclass(frozen=True, slots=True)
class Running:
    """One loaded model, for `/api/ps`."""

    served: Served
    context_tokens: int
    expires_at: datetime


@dataclass(slots=True)
class _Resident:
    """A worker and who uses it; `busy` counts those who wait for a slot, too."""

    names: dict[str, Served]  # as it was asked for: its own name, aliases
    process: asyncio.subprocess.Process
    upstream: Upstream
    context_tokens: int
    slots: asyncio.Semaphore
    keep_alive_s: float
    busy: int = 0
    idle_since: float = 0.0  # wall clock, seconds
    timer: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def expires_at(self) -> datetime:
        since = time.time() if self.busy else self.idle_since
        stay = min(self.keep_alive_s, timedelta(days=36_500).total_seconds())  # Ollama's "for ever"
        return datetime.fromtimestamp(since, UTC) + timedelta(seconds=stay)


class Engine:
    """Models on demand. Make it inside the event loop, and close it there."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self._session = open_session()
        self._residents: dict[Key, _Resident] = {}
        self._loading: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def lease(
        self, served: Served, keep_alive_s: float, *, embedding: bool = False
    ) -> AsyncIterator[Lease]:
        """Load the model if need be, wait for a free slot, first come first served, and hold it."""
        started = time.monotonic_ns()
        key = Key(served.path, embedding)
        async with self._loading[key]:  # those who come while it loads wait for the same worker
            resident, fresh = await self._resident(key, served)
            resident.busy += 1
            resident.names[served.name] = served
        load_ns = time.monotonic_ns() - started if fresh else 0
        _stop_timer(resident)
        resident.keep_alive_s = keep_alive_s
        try:
            async with resident.slots:
                yield Lease(resident.upstream, resident.context_tokens, load_ns)
        except WorkerGone:
            # Before the caller hears of it: the system tells us of the death only a little later.
            self._end(key, resident)
            raise
        finally:
            resident.busy -= 1
            self._settle(key, resident)

    def release(self, served: Served) -> None:
        """Unload a model as soon as nobody uses it."""
        for key in (Key(served.path), Key(served.path, embedding=True)):
            resident = self._residents.get(key)
            if resident is not None:
                resident.keep_alive_s = 0.0
                self._settle(key, resident)

    def running(self) -> list[Running]:
        """Return the loaded models, once under each name that they were asked for."""
        loaded = {
            name: Running(served, resident.context_tokens, resident.expires_at())
            for resident in self._residents.values()
            if resident.alive
            for name, served in resident.names.items()
        }
        return list(loaded.values())

    async def close(self) -> None:
        """End all workers now."""
        residents = list(self._residents.values())
        self._residents.clear()
        for resident in residents:
            _stop_timer(resident)
            _kill(resident.process)
        await asyncio.gather(*(resident.process.wait() for resident in residents))
        await self._session.close()

    async def _resident(self, key: Key, served: Served) -> tuple[_Resident, bool]:
        """Return the worker and whether it was started just now."""
        found = self._residents.get(key)
        if found is not None and found.alive:
            return found, False
        made = await self._load(key, served)
        self._residents[key] = made
        return made, True

    async def _load(self, key: Key, served: Served) -> _Resident:
        parallel = _EMBED_TEXTS_AT_ONCE if key.embedding else self.settings.parallel
        context_tokens = min(self.settings.context_tokens, served.model.context_length)
        api_key = secrets.token_hex(16)
        orders = {
            "path": str(served.path),
            "threads": self.settings.threads,
            "parallel": parallel,
            "context_tokens": context_tokens,
            "embedding": key.embedding,
            "api_key": api_key,
        }
        process, url = await _start_worker(orders)
        return _Resident(
            names={},
            process=process,
            upstream=Upstream(self._session, url, api_key),
            context_tokens=context_tokens,
            slots=asyncio.Semaphore(parallel),
            keep_alive_s=self.settings.keep_alive_s,
        )

    def _settle(self, key: Key, resident: _Resident) -> None:
        """Decide what becomes of a worker that may have fallen idle."""
        if resident.busy:
            return
        _stop_timer(resident)
        resident.idle_since = time.time()
        if resident.keep_alive_s <= 0 or not resident.alive:
            self._end(key, resident)
        elif resident.keep_alive_s < FOREVER_S:
            loop = asyncio.get_running_loop()
            resident.timer = loop.call_later(resident.keep_alive_s, self._end, key, resident)

    def _end(self, key: Key, resident: _Resident) -> None:
        if self._residents.get(key) is resident:
            del self._residents[key]
        _kill(resident.process)


async def _start_worker(orders: dict[str, Any]) -> tuple[asyncio.subprocess.Process, str]:
    """Return the process and its address once the model is loaded; raises EngineFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # without it this folder would come first on the worker's path
        str(_WORKER),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        return process, await asyncio.wait_for(_greet(process, orders), _LOAD_TIMEOUT_S)
    except BaseException as error:
        _kill(process)  # also when the one who asked for the model has gone
        if isinstance(error, TimeoutError):
            raise EngineFailed("timed out waiting for the model to load") from error
        raise


async def _greet(process: asyncio.subprocess.Process, orders: dict[str, Any]) -> str:
    if process.stdin is None or process.stdout is None:
        raise EngineFailed("the model's process has no pipes")
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    line = await process.stdout.readline()
    answer = json.loads(line) if line.strip() else {"error": "its process ended; see stderr"}
    if "url" not in answer:
        raise EngineFailed(f"llama.cpp could not load {orders['path']}: {answer['error']}")
    return str(answer["url"])


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a worker at once: it has nothing to save."""
    if process.returncode is None:
        process.kill()


def _stop_timer(resident: _Resident) -> None:
    if resident.timer is not None:
        resident.timer.cancel()
        resident.timer = None
