"""Versions of prompts in the data folder: kept by their hash, chosen by one pointer per prompt.

    prompts/<name>/versions/<sha12>.md      the prompt, byte for byte; never written over
    prompts/<name>/versions/<sha12>.json    where it comes from: parent, run, scores, model digest
    prompts/<name>/ACTIVE                   which one is in force, since when, and what was before
    prompts/<name>/LOCK                     held while the pointer is read and written anew

Every file is whole or not there: written beside, made durable, renamed. A process that is killed at
any moment leaves the old state or the new one. Without a pointer the shipped prompt is in force.
A server that takes a canary back and a person who applies a version see each other's change.
Knows nothing of what prompts are for, nor who is asked before one is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from .errors import ConfigError, HalError
from .file_lock import exclusive
from .prompt_pointer import (
    SHIPPED,
    VERSION_DIGITS,
    Former,
    Pointer,
    is_version,
    parsed,
    without_canary,
)
from .prompts import Prompt, load_prompt, parse_prompt
from .whole_file import write_whole

# What can be taken back; one a week is a year.
MAX_HISTORY = 52
# The lock is held for a few writes to the disk, some milliseconds each; a disk that is slow to
# spin up takes seconds.
LOCK_RETRY_S, LOCK_PATIENCE_S = 0.02, 10.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class NoSuchVersion(ConfigError):
    """There is no such version here, or what is there is not what its name says."""

    code = "no_such_version"


class VersionsBusy(HalError):
    """Another process holds the lock, and does not let go."""

    code = "versions_busy"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a version comes from. `model_digest`: the classifier that it was tested with; for
    another one it has to be tested again. `at` is unix seconds.
    """

    parent: str
    at: float
    run: str = ""
    proposer: str = ""
    model: str = ""
    model_digest: str = ""
    note: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)


def version_of(text: str) -> str:
    """The name of these bytes."""
    return sha256(text.encode()).hexdigest()[:VERSION_DIGITS]


class VersionStore:
    """The versions below `root`, a folder that need not exist. `folders` are the shipped prompts.

    Methods that change something raise OSError when the disk does not take it, and VersionsBusy
    when another process is at it for too long.
    """

    def __init__(self, root: Path, folders: tuple[Traversable, ...] | None = None) -> None:
        self._root, self._folders = root, folders

    def shipped(self, name: str) -> Prompt:
        """Raises ConfigError when it is missing."""
        return load_prompt(name, self._folders)

    def pointer_path(self, name: str) -> Path:
        return self._folder(name) / "ACTIVE"

    def pointer(self, name: str) -> Pointer:
        """Raises NoSuchVersion for a pointer that cannot be read."""
        path = self.pointer_path(name)
        try:
            return parsed(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Pointer()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NoSuchVersion(
                f"Which version of {name} is in force cannot be read ({type(error).__name__}).",
                f"The shipped prompt is used. Delete {path} to keep it so.",
            ) from error

    def load(self, name: str, version: str) -> Prompt:
        """The prompt, byte for byte. Raises NoSuchVersion, or ConfigError for a broken one."""
        if version == SHIPPED:
            return self.shipped(name)
        path = self._file(name, version, "md")
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise NoSuchVersion(
                f"Version {version} of {name} cannot be read.", "`hal improve show` lists them."
            ) from error
        if version_of(text) != version:
            raise NoSuchVersion(f"Version {version} of {name} was changed on the disk.")
        return parse_prompt(name, text)

    def manifest(self, name: str, version: str) -> Manifest | None:
        """None where nothing is known about it."""
        try:
            return Manifest(**json.loads(self._file(name, version, "json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def names(self) -> list[str]:
        """The prompts that have versions here."""
        return sorted(path.name for path in self._root.glob("*") if _NAME.fullmatch(path.name))

    def versions(self, name: str) -> list[str]:
        """In no order that means anything."""
        stems = (path.stem for path in (self._folder(name) / "versions").glob("*.md"))
        return sorted(stem for stem in stems if is_version(stem))

    def stage(self, name: str, text: str, manifest: Manifest) -> str:
        """Keep a version; nothing goes live. Returns its name; a second time changes nothing."""
        parse_prompt(name, text)
        version = version_of(text)
        known = self._file(name, version, "json")
        if not known.exists():  # before the text: a version that is there has its history
            write_whole(known, json.dumps(asdict(manifest), indent=1, sort_keys=True))
        path = self._file(name, version, "md")
        if not path.exists() or path.read_bytes() != text.encode():
            write_whole(path, text)
        return version

    def apply(self, name: str, version: str, at: float, why: str = "") -> Pointer:
        """Put a version in force for everybody; ends a canary."""
        self.load(name, version)
        with self._changing(name) as old:
            if version == old.active:
                return self._write(name, without_canary(old, why))
            former = Former(old.active, self._kept(name, old.active, at), at, why)
            history = (*old.history, former)[-MAX_HISTORY:]
            return self._write(name, Pointer(version, at, history=history, note=why))

    def try_out(self, name: str, version: str, share: float, at: float) -> Pointer:
        """Give a version a share of the conversations, beside the one in force."""
        self.load(name, version)
        with self._changing(name) as old:
            self._kept(name, old.active, at)
            new = replace(old, canary=version, share=share, canary_since=at, note="")
            return self._write(name, new)

    def end_canary(self, name: str, version: str, since: float, why: str) -> Pointer:
        """Take the share away again, unless another canary runs by now, or the same one anew."""
        with self._changing(name) as old:
            if (old.canary, old.canary_since) != (version, since):
                return old
            return self._write(name, without_canary(old, why))

    def rollback(self, name: str, at: float) -> Pointer:
        """End a running canary, or else put back what was in force before, byte for byte.

        Raises NoSuchVersion when there is nothing to go back to.
        """
        with self._changing(name) as old:
            if old.canary:
                return self._write(name, without_canary(old, "rolled back"))
            if not old.history:
                raise NoSuchVersion(f"There is no earlier version of {name} to go back to.")
            version = self._still(name, old.history[-1])
            self.load(name, version)
            note = f"was {old.active}"
            return self._write(name, Pointer(version, at, history=old.history[:-1], note=note))

    @contextmanager
    def _changing(self, name: str) -> Iterator[Pointer]:
        """The pointer as it is now; nobody else changes it until the block is left."""
        folder = self._folder(name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with exclusive(folder / "LOCK", retry_s=LOCK_RETRY_S, patience_s=LOCK_PATIENCE_S):
                yield self.pointer(name)
        except TimeoutError:
            raise VersionsBusy(
                f"Another process is changing the versions of {name}.", "Try again in a moment."
            ) from None

    def _still(self, name: str, former: Former) -> str:
        """An update may have brought another shipped prompt: then its kept bytes are meant."""
        if former.version != SHIPPED:
            return former.version
        return SHIPPED if version_of(self.shipped(name).text) == former.sha else former.sha

    def _kept(self, name: str, version: str, at: float) -> str:
        """The hash of this version, whose bytes are in the folder from now on."""
        if version != SHIPPED:
            return version
        return self.stage(name, self.shipped(name).text, Manifest("", at, note=SHIPPED))

    def _write(self, name: str, pointer: Pointer) -> Pointer:
        write_whole(self.pointer_path(name), json.dumps(asdict(pointer), indent=1))
        return pointer

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NoSuchVersion(f"{name!r} is no name of a prompt.")
        return self._root / name

    def _file(self, name: str, version: str, suffix: str) -> Path:
        if not is_version(version):
            raise NoSuchVersion(
                f"{version!r} is no version of {name}.", "`hal improve show` lists them."
            )
        return self._folder(name) / "versions" / f"{version}.{suffix}"
