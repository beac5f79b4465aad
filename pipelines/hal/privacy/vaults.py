"""The vaults of all chats: in memory, for a while, and not too many.

Pure: the clock is passed in. A vault that was dropped costs nothing but work, because its nonce
comes from the key and the chat, and its numbers from the history. Knows nothing of texts but
whether they hold something that reads like a token.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NoReturn

from .tokens import nonce_for, occurs
from .vault import Vault

# A pause over lunch; the next turn after it scrubs its history once more.
TTL_S = 2 * 3600.0
# At some hundred values each this is less than 100 MB.
VAULTS = 512


class Vaults:
    """One vault per user and chat. `key` is the server's; `clock` gives seconds."""

    def __init__(
        self,
        key: bytes,
        clock: Callable[[], float],
        *,
        ttl_s: float = TTL_S,
        limit: int = VAULTS,
    ) -> None:
        self._key = key
        self._clock = clock
        self._ttl_s = ttl_s
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], tuple[float, Vault]] = OrderedDict()

    def vault_for(self, user_id: str, chat_id: str, texts: Sequence[str]) -> Vault:
        """The vault of this chat, whose whole history is `texts`.

        A new one when there is none, when it is too old, or when a text now holds its nonce.
        """
        now = self._clock()
        self._drop_old(now)
        _, vault = self._kept.pop((user_id, chat_id), (now, None))
        if vault is None or occurs(vault.nonce, texts):
            whose = f"{len(user_id)}:{user_id}:{chat_id}"
            vault = Vault(nonce_for(self._key, whose, lambda nonce: occurs(nonce, texts)))
        self._kept[user_id, chat_id] = (now, vault)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return vault

    def forget(self, user_id: str, chat_id: str) -> None:
        self._kept.pop((user_id, chat_id), None)

    def _drop_old(self, now: float) -> None:
        """The least recently used one is the first."""
        while self._kept:
            key, (used, _) = next(iter(self._kept.items()))
            if now - used <= self._ttl_s:
                return
            del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<Vaults of {len(self)} chats>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("vaults stay in memory")
