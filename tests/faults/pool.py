"""Plays cases ahead of the tests that look at them: what only waits, waits together.

All cases of one fault run at once in threads of one process; some processes share the faults.
"""

from __future__ import annotations

import functools
import logging
import ssl
import traceback
import warnings
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from .case import Case, Result

PROCESSES = 4
RESULT_S = 55.0


class Pool:
    """Begins at once, with the fault that takes longest; the others in the order of the cases, in
    which they are asked for. `result` waits for one case.
    """

    def __init__(self, cases: Iterable[Case], longest: str) -> None:
        faults: dict[str, list[Case]] = {longest: []}
        for case in cases:
            faults.setdefault(case.fault, []).append(case)
        context = get_context("spawn")
        self._processes = ProcessPoolExecutor(PROCESSES, context, initializer=_prepare)
        self._groups: dict[str, Future[dict[Case, Result | str]]] = {
            fault: self._processes.submit(_run_all, group)
            for fault, group in faults.items()
            if group
        }

    def result(self, case: Case) -> Result:
        found = self._groups[case.fault].result(RESULT_S)[case]
        assert isinstance(found, Result), found
        return found

    def close(self) -> None:
        self._processes.shutdown(cancel_futures=True)


class _Problems(logging.Handler):
    """What was logged as an error: nobody expects one, whatever a server does."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record))


_problems = _Problems()


def _prepare() -> None:
    """Each process is as strict as the tests, and reads the certificates of the world once: every
    runtime has clients of its own, and that would be a fifth of its time."""
    warnings.simplefilter("error")
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    logging.getLogger().addHandler(_problems)


def _run_all(cases: list[Case]) -> dict[Case, Result | str]:
    _problems.seen.clear()
    with ThreadPoolExecutor(len(cases)) as threads:
        results = list(threads.map(_run, cases))
    logged = tuple(_problems.seen)
    return {case: _with(logged, result) for case, result in zip(cases, results, strict=True)}


def _with(problems: tuple[str, ...], result: Result | str) -> Result | str:
    return replace(result, problems=problems) if isinstance(result, Result) else result


def _run(case: Case) -> Result | str:
    from .household import run

    try:
        return run(case)
    except Exception:  # noqa: BLE001 - shown by the test of this case
        return traceback.format_exc()
