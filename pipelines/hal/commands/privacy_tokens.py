"""`hal privacy scrub|restore`: tokens for what is private, and the values back, by hand.

The map holds the values in clear: only its owner may read it, and who scrubs without one cannot
restore. Bytes that are no UTF-8 pass through as they are.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..errors import ConfigError, HalError
from ..privacy.detect import Detector
from ..privacy.kinds import Kind
from ..privacy.restore import Restorer
from ..privacy.scrub import scrub as scrubbed
from ..privacy.tokens import nonce_for, occurs
from ..privacy.vault import Vault, VaultFull
from ..privacy_files import load_key
from .stored import settings_in_force

# `--chat` promises the same tokens in each run, also where no server has made a key yet.
_KEY_OF_CHATS = b"hal privacy scrub --chat"
_LITERAL = "TEXT"


class _RecordedVault(Vault):
    """Remembers what it was asked for, so that asking once more gives the same tokens."""

    def __init__(self, nonce: str) -> None:
        super().__init__(nonce)
        self.record: dict[tuple[str, str], str] = {}

    def token_for(self, kind: Kind, value: str) -> str:
        token = super().token_for(kind, value)
        return self.record.setdefault((kind.value, value), token)

    def literal_for(self, text: str) -> str:
        token = super().literal_for(text)
        return self.record.setdefault((_LITERAL, text), token)


def scrub(detector: Detector, chat: str | None, file: str | None) -> int:
    """Always 0; raises HalError, with nothing on stdout, when it cannot be done."""
    text = _read_stdin()
    spans = detector.find(text)
    known = Path(file) if file is not None else None
    vault = _load(known) if known is not None and known.exists() else _new_vault(chat, text)
    try:
        result = scrubbed(text, spans, vault)
    except VaultFull as error:
        raise HalError("There is too much private in this text to mask all of it.") from error
    if known is not None:
        _save(known, vault)
    _write_stdout(result.text)
    total = ", ".join(f"{count} {kind.value}" for kind, count in result.counts.items())
    print(f"hal privacy scrub: masked {total or 'nothing'}", file=sys.stderr)
    return 0


def restore(file: str) -> int:
    """0 when every token was known, 1 when some were not and stand as they came."""
    restorer = Restorer(_load(Path(file)))
    _write_stdout(restorer.feed(_read_stdin()) + restorer.flush())
    words = f"restored {restorer.restored}, unknown {restorer.unknown}"
    print(f"hal privacy restore: {words}", file=sys.stderr)
    return 1 if restorer.unknown else 0


def _new_vault(chat: str | None, text: str) -> _RecordedVault:
    key = os.urandom(32) if chat is None else _key_of_chats()
    return _RecordedVault(nonce_for(key, chat or "", lambda nonce: occurs(nonce, [text])))


def _key_of_chats() -> bytes:
    """This machine's, where it has one: then a token cannot be told from the chat's name."""
    path = settings_in_force(os.environ).log.privacy_key
    return load_key(path) if path.exists() else _KEY_OF_CHATS


def _load(file: Path) -> _RecordedVault:
    """The vault once more, by asking it for the same values in the same order."""
    try:
        stored = json.loads(file.read_bytes())
        vault = _RecordedVault(stored["nonce"])
        if all(_ask(vault, name, value) == token for name, value, token in stored["values"]):
            return vault
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, VaultFull):
        pass  # the message could quote a value
    raise ConfigError(f"{file} is no map of this version.", "Scrub again, into a new file.")


def _ask(vault: _RecordedVault, name: str, value: str) -> str:
    return vault.literal_for(value) if name == _LITERAL else vault.token_for(Kind(name), value)


def _save(file: Path, vault: _RecordedVault) -> None:
    """Whole or not at all, and never readable for others, not even while it is written."""
    values = [[name, value, token] for (name, value), token in vault.record.items()]
    content: dict[str, Any] = {"nonce": vault.nonce, "values": values}
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            json.dump(content, out, indent=1)
        os.replace(temporary, file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error


def _read_stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _write_stdout(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
