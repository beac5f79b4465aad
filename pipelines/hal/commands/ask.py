"""`hal ask`: one turn in the terminal, by the same core as in Open WebUI.

Prints the answer as it comes; what was decided goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..openwebui import read_turn
from ..runtime import Runtime
from ..source_events import source_list
from ..types import Chunk, Decided, Failure, Sources, Status, Summary, Text
from ..wire import decision_of, usage_of
from .core import running_core


def run(args: argparse.Namespace) -> int:
    """0 when the turn was answered, 1 when it failed."""
    text = sys.stdin.read() if args.text == "-" else args.text
    with running_core(args.model, args.engine) as runtime:
        show = _Collected() if args.json else _Printed()
        runtime.submit(_answer(runtime, text, show)).result()
        return show.end()


async def _answer(runtime: Runtime, text: str, show: _Printed | _Collected) -> None:
    turn = read_turn({"stream": True}, [{"role": "user", "content": text}])
    async for chunk in runtime.answer(turn, []):
        show.take(chunk)


class _Printed:
    """Text for people."""

    def __init__(self) -> None:
        self._code = 0
        self._sources = ""

    def take(self, chunk: Chunk) -> None:
        if isinstance(chunk, Text):
            print(chunk.text, end="", flush=True)
        elif isinstance(chunk, Status):
            print(f"[{chunk.text}]", file=sys.stderr, flush=True)
        elif isinstance(chunk, Sources) and chunk.sources:
            self._sources = f"\n{source_list(chunk.sources)}\n"
        elif isinstance(chunk, Failure):
            print(f"hal ask: {chunk.message}", file=sys.stderr)
            self._code = 1

    def end(self) -> int:
        print(f"\n{self._sources}", end="")
        return self._code


class _Collected:
    """One JSON object: answer, decision, usage, or the error."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._said: dict[str, Any] = {}

    def take(self, chunk: Chunk) -> None:
        if isinstance(chunk, Text):
            self._text.append(chunk.text)
        elif isinstance(chunk, Decided):
            self._said["decision"] = decision_of(chunk)
        elif isinstance(chunk, Sources):
            self._said["sources"] = [
                {"number": s.number, "title": s.title, "url": s.url} for s in chunk.sources
            ]
        elif isinstance(chunk, Summary):
            self._said["usage"] = usage_of(chunk)
        elif isinstance(chunk, Failure):
            self._said["error"] = {"message": chunk.message, "code": chunk.code}

    def end(self) -> int:
        print(json.dumps({"answer": "".join(self._text), **self._said}, ensure_ascii=False))
        return 1 if "error" in self._said else 0
