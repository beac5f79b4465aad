"""Golden transcripts: an answer as it went over the wire, with what differs each time masked."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.harness import Answer

FOLDER = Path(__file__).parent / "golden"
# Set it to write the transcripts anew; read the difference before it is committed.
WRITE = "HAL_WRITE_GOLDEN"
_MASKS = (
    (re.compile(r'"id": ?"(chatcmpl-|hal\.auto-)[0-9a-f-]+"'), r'"id": "\1ID"'),
    (re.compile(r'"created": ?\d+'), '"created": 0'),
    (re.compile(r'"(hal_\w+_ms)": ?\d+'), r'"\1": 0'),
    (re.compile(r"\b\d+\.\d s\b"), "0.0 s"),
)


def transcript(answer: Answer) -> str:
    """The body, line by line, masked. How a text was cut into pieces is a matter of timing: pieces
    of one kind that follow each other are joined."""
    lines: list[str] = []
    before: Any = None
    for line in filter(None, answer.raw.decode().splitlines()):
        payload = _payload(line)
        if before is not None and _delta(payload).keys() == _delta(before).keys() != set():
            for name, text in _delta(before).items():
                _delta(payload)[name] = text + _delta(payload)[name]
            lines.pop()
        before = payload if _is_text(payload) else None
        lines.append(_line(payload) if payload else line)
    return "\n".join(_masked(line) for line in lines) + "\n"


def check(name: str, answer: Answer) -> None:
    """Compare with the stored transcript of that name."""
    path = FOLDER / f"{name}.txt"
    found = transcript(answer)
    if os.environ.get(WRITE):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found.splitlines() == path.read_text(encoding="utf-8").splitlines()


def _payload(line: str) -> Any:
    data = line.removeprefix("data: ")
    return json.loads(data) if data != line and data != "[DONE]" else None


def _line(payload: Any) -> str:
    return f"data: {json.dumps(payload, ensure_ascii=False)}"


def _delta(payload: Any) -> dict[str, str]:
    choices = (payload or {}).get("choices") or [{}]
    delta: dict[str, str] = choices[0].get("delta") or {}
    return delta


def _is_text(payload: Any) -> bool:
    return len(_delta(payload)) == 1 and _delta(payload).keys() <= {"content", "reasoning_content"}


def _masked(line: str) -> str:
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line
