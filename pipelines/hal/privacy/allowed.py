"""The values that the user does not count as private, by hash.

Pure. A file of them tells nobody what they are: each line is the HMAC of a kind and a value under
this machine's key. Knows no file.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256

from .kinds import Kind
from .values import normalise


def value_hash(key: bytes, kind: Kind, value: str) -> str:
    """64 hexadecimal digits, the same for every spelling of the value; for lists and for the log.

    Keyed: a plain hash of a phone number is found again by trying all numbers.
    """
    text = f"{kind.value}:{normalise(kind, value)}"
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()


class AllowedValues:
    """An `Allow` (see detect.py)."""

    def __init__(self, key: bytes, hashes: Iterable[str] = ()) -> None:
        self._key = key
        self._hashes = frozenset(hashes)

    def __call__(self, kind: Kind, value: str) -> bool:
        return bool(self._hashes) and value_hash(self._key, kind, value) in self._hashes

    def __len__(self) -> int:
        return len(self._hashes)
