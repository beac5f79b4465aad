"""The privacy data sets, and which of their rows are left out while rules are written.

Held out are whole templates (of the chat turns and of presidio-research), whole rules (gitleaks),
whole languages (nl, pt and sv of the chat turns), and single rows of the other sets. Rules are
never tuned to a held-out row: its text is not looked at, only its score.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

SETS = ("chat", "presidio", "plbench", "gitleaks", "arena_neg", "pupa")
HELD_OUT_LANGUAGES = ("nl", "pt", "sv")
_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data"


def folder() -> Path | None:
    """Where the privacy data lies; None when it is not there."""
    found = Path(os.environ.get("HAL_BENCH_DATA") or _DEFAULT) / "privacy"
    return found if found.is_dir() else None


def rows(name: str, *, held_out: bool | None = None) -> Iterator[dict[str, Any]]:
    """The rows of one set; `held_out` picks a half, None takes both."""
    base = folder()
    if base is None:
        raise FileNotFoundError("no privacy data: set HAL_BENCH_DATA to the folder that holds it")
    with gzip.open(base / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if held_out is None or is_held_out(name, row) is held_out:
                yield row


def is_held_out(name: str, row: dict[str, Any]) -> bool:
    """Whether the rules must not have seen this row; a quarter of each set, and the languages."""
    if name == "chat":
        template = str(row["id"]).split("-")[1]
        return row["lang"] in HELD_OUT_LANGUAGES or _quarter(f"chat-{template}")
    if name == "presidio":
        return _quarter(row["tpl"])
    if name == "gitleaks":
        return _quarter(row["rule"])
    return _quarter(row["id"])


def _quarter(key: str) -> bool:
    return sha256(key.encode()).digest()[0] % 4 == 0
