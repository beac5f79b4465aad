"""A calibration as a JSON file: written, read, checked.

The border between the file and `calibration.py`; knows no arithmetic. Infinite thresholds stand in
it as "never" and "always", because JSON has no infinity.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from .calibration import Calibration, Choice, DraftChoice

FORMAT = "hal-router-calibration"
# Counts up when a file of before can no longer be read.
FILE_VERSION = 1
# Twenty choices are some kilobytes; more is another file.
LARGEST_FILE_BYTES = 2**20
_WORDS = {"never": inf, "always": -inf}


class BadCalibration(Exception):
    """A calibration that cannot be used; the message says why and what to do."""


def _read_amount(value: object) -> object:
    return _WORDS.get(value, value) if isinstance(value, str) else value


def _write_amount(value: float) -> float | str:
    return next((word for word, amount in _WORDS.items() if amount == value), value)


_Amount = Annotated[
    float, BeforeValidator(_read_amount), PlainSerializer(_write_amount, when_used="json")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Draft(_Strict):
    low: _Amount
    threshold: _Amount
    drafted: float
    escalated: float
    cloud_share: float
    quality: float
    worst_case: float
    high: _Amount | None = None


class _Choice(_Strict):
    target: float | None
    threshold: _Amount
    cloud_share: float
    quality: float
    worst_case: float
    margin: _Amount = inf
    sure_share: float = 0.0
    draft: _Draft | None = None


class _File(_Strict):
    format: Literal["hal-router-calibration"] = "hal-router-calibration"
    version: Literal[1] = 1
    router_id: str
    local_model: str
    local_digest: str
    cloud_model: str
    choices: tuple[_Choice, ...]
    fixed: _Choice | None
    turns: int
    since: str
    until: str
    labels: dict[str, int]
    made_at: str


def dump_calibration(calibration: Calibration) -> str:
    """The file's text."""
    content = _File.model_validate(asdict(calibration)).model_dump(mode="json")
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def parse_calibration(text: str) -> Calibration:
    """Raises BadCalibration."""
    try:
        found = _File.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadCalibration(
            f"The router's calibration is not usable ({where}: {first['msg']}). "
            "Make it anew: hal router calibrate"
        ) from error
    fields = {name: getattr(found, name) for name in _File.model_fields}
    for name in ("format", "version"):
        del fields[name]
    return Calibration(
        **{
            **fields,
            "choices": tuple(map(_choice, found.choices)),
            "fixed": _choice(found.fixed) if found.fixed else None,
        }
    )


def load_calibration(path: Path) -> Calibration:
    """Raises BadCalibration, also when the file is missing or too large."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadCalibration(f"{path.name} is larger than any calibration.")
        return parse_calibration(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadCalibration(
            f"{path.name} cannot be read ({type(error).__name__}). Make it: hal router calibrate"
        ) from error


def _choice(found: _Choice) -> Choice:
    plain: dict[str, Any] = found.model_dump()
    draft = plain.pop("draft")
    return Choice(**plain, draft=DraftChoice(**draft) if draft else None)
