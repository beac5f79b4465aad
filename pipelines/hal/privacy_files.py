"""What the privacy gate keeps on disk: this machine's key, and the hashes of allowed values.

Knows files, and nothing of texts. Both files are the user's alone to read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from .errors import ConfigError

# As long as the hash that it keys.
KEY_BYTES = 32
_HASH_DIGITS = 64


def load_key(path: Path) -> bytes:
    """The key of this machine; made on first use. Raises ConfigError.

    With another key the placeholders of running chats change, and allowed values count again.
    """
    try:
        return _usable(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _create(path, secrets.token_hex(KEY_BYTES) + "\n")
        return _usable(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _usable(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise ConfigError(
            f"{path.name} in HAL_DATA_DIR is not a key.", "Delete it to have a new one made."
        )
    return key


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path.name} in HAL_DATA_DIR cannot be read or written ({error.strerror}).",
        "Check the rights of that folder.",
    )


def _create(path: Path, text: str) -> None:
    """All of it or nothing, and never over what another process has just made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    _write(new, text)
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    except OSError:  # some network and container file systems have no links
        new.replace(path)
    new.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def load_allowed(path: Path) -> frozenset[str]:
    """The hashes; none when there is no file. Lines that are none are left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()  # stricter, and `hal doctor` counts them
    words = (line.strip() for line in lines)
    return frozenset(word for word in words if len(word) == _HASH_DIGITS and word.isalnum())


def save_allowed(path: Path, hashes: Iterable[str]) -> None:
    """Replace the file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    _write(new, "".join(f"{line}\n" for line in sorted(hashes)))
    new.replace(path)


def modified(path: Path) -> float:
    """When the file was last changed; 0.0 when there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
