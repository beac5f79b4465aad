"""Bring a model file to this machine: an override, the cache, the publisher, or packages.

It does not know how a source works, nor what the file is used for. Whatever the source, a file is
used only when its SHA-256 is the publisher's, and it appears in the cache under its name only then.

The only state of an interrupted download is the length of `NAME.partial`: every source hands out
the same bytes, so any of them can go on where another stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..file_lock import exclusive
from .catalogue import Model, find, overridden
from .errors import HashMismatch, ModelUnavailable
from .progress import Progress, Step, silent
from .sources import DEFAULT_SOURCES, Source, SourceFailed

OVERRIDE_VARIABLE = "HAL_EMBEDDED_MODEL"
_BLOCK = 1 << 20  # 1 MiB

_Update = Callable[[bytes], None]
_Progressed = tuple[int, str]


def cache_folder() -> Path:
    """Return where model files are kept: `$HAL_DATA_DIR/models`, else the user's cache."""
    if data := os.environ.get("HAL_DATA_DIR"):
        return Path(data).expanduser() / "models"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "hal-auto" / "models"


def override() -> Path | None:
    """Return the user's own file from HAL_EMBEDDED_MODEL, or None; raises ModelUnavailable."""
    value = os.environ.get(OVERRIDE_VARIABLE)
    if not value:
        return None
    path = Path(value).expanduser()
    if not path.is_file():
        raise ModelUnavailable(path.name, f"{OVERRIDE_VARIABLE}={value} is not a file.")
    return path


def own_file(model: Model) -> Path | None:
    """Return the user's own file, if it stands for this model: it answers, and seldom embeds."""
    return None if model.only_embeds else override()


def cached(model: Model, folder: Path) -> Path | None:
    """Return the verified file, or None; cheap, because the marker saves hashing it again."""
    path = folder / model.file_name
    try:
        marker = json.loads(_marker(path).read_text(encoding="utf-8"))
        unchanged = path.stat().st_size == model.size_bytes
    except (OSError, ValueError):
        return None
    return path if unchanged and marker == _seal(model) else None


def ensure_model(
    model: Model | str,
    cache_dir: Path | None = None,
    progress: Progress = silent,
    sources: Sequence[Source] = DEFAULT_SOURCES,
) -> Path:
    """Return the path of a verified model file, fetching it when it is not here.

    `progress` may raise to stop the download; what came so far is kept. Raises ModelNotFound,
    ModelUnavailable, HashMismatch.
    """
    wanted = find(model) if isinstance(model, str) else model
    own = own_file(wanted)
    if own is not None:
        return own
    folder = cache_dir if cache_dir is not None else cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return cached(wanted, folder) or _fetch_locked(wanted, folder, progress, sources)
    except OSError as error:
        raise ModelUnavailable(wanted.name, f"cannot write to {folder} ({error}).") from error


def ensure_first_available(
    names: Sequence[str],
    cache_dir: Path | None = None,
    progress: Progress = silent,
    sources: Sequence[Source] = DEFAULT_SOURCES,
) -> tuple[Model, Path]:
    """Return the first model of `names` that can be had; raises the last one's ModelUnavailable."""
    for name, alternative in zip(names, [*names[1:], None], strict=True):
        model = find(name)
        try:
            path = ensure_model(model, cache_dir, progress, sources)
        except ModelUnavailable as error:
            if alternative is None:
                raise
            progress(Step(f"{error}\nUsing {alternative} instead, which answers worse."))
        else:
            return (overridden(model, path) if own_file(model) else model), path
    raise ModelUnavailable("(none)", "no model was named.")


def _fetch_locked(
    model: Model, folder: Path, progress: Progress, sources: Sequence[Source]
) -> Path:
    def waiting() -> None:
        progress(Step(f"another process is fetching {model.name}: waiting for it"))

    path = folder / model.file_name
    with exclusive(path.with_name(f"{path.name}.lock"), waiting):
        here = cached(model, folder)  # by the process that we waited for
        if here is not None:
            return here
        partial = path.with_name(f"{path.name}.partial")
        if path.exists():  # a file that somebody laid here, or whose marker was lost
            path.replace(partial)
        _Download(model, partial, progress).run(sources)
        partial.replace(path)
        _marker(path).write_text(json.dumps(_seal(model)), encoding="utf-8")
    return path


@dataclass(slots=True)
class _Download:
    """One attempt to complete one file; `shown_bytes` only grows, so that the bar does not jump."""

    model: Model
    partial: Path
    progress: Progress
    shown_bytes: int = 0

    def run(self, sources: Sequence[Source]) -> None:
        """Complete the partial file and check it; raises ModelUnavailable, HashMismatch."""
        digest = hashlib.sha256()
        failures: list[str] = []
        with self.partial.open("a+b") as out:
            written = _absorb(out, digest.update)
            for source in sources:
                if written >= self.model.size_bytes:
                    break
                written, failure = self._from(source, out, digest.update, written)
                failures += [f"{source.name}: {failure}"] if failure else []
        if written < self.model.size_bytes:
            raise ModelUnavailable(self.model.name, f"no source has it ({'; '.join(failures)}).")
        self._check(digest.hexdigest(), written)

    def _from(self, source: Source, out: IO[bytes], update: _Update, written: int) -> _Progressed:
        """Append what one source gives; returns the new length and why it stopped, if it did."""
        self.progress(Step(f"fetching {self.model.name} from: {source.name}"))

        def on_wire(extra_bytes: int) -> None:
            self._show(written + extra_bytes)

        try:
            for chunk in source.chunks(self.model, written, on_wire):
                out.write(chunk)
                update(chunk)
                written += len(chunk)
                self._show(written)
                if written > self.model.size_bytes:  # never fill a disk with something else
                    break
        except SourceFailed as error:
            self.progress(Step(f"{source.name}: {error}"))
            return written, str(error)
        return written, "" if written >= self.model.size_bytes else "ended too early"

    def _show(self, completed_bytes: int) -> None:
        total = self.model.size_bytes
        self.shown_bytes = min(total, max(self.shown_bytes, completed_bytes))
        digest = f"sha256:{self.model.sha256}"
        self.progress(Step(f"pulling {self.model.sha256[:12]}", digest, self.shown_bytes, total))

    def _check(self, found: str, written: int) -> None:
        """Refuse, and throw away, whatever is not the publisher's file."""
        self.progress(Step("verifying sha256 digest"))
        if found == self.model.sha256 and written == self.model.size_bytes:
            return
        self.partial.unlink()
        raise HashMismatch(
            self.model.name,
            f"what came is not the publisher's file (sha256 {found[:12]}..., expected "
            f"{self.model.sha256[:12]}...), so it was thrown away.",
        )


def _absorb(out: IO[bytes], update: _Update) -> int:
    """Hash what an earlier run left in the file; returns its length."""
    out.seek(0)
    length = 0
    while block := out.read(_BLOCK):
        update(block)
        length += len(block)
    return length


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.ok")


def _seal(model: Model) -> dict[str, int | str]:
    return {"size": model.size_bytes, "sha256": model.sha256}
