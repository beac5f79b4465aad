"""The name model of the extra `ner` for one runtime: loaded once, asked by one thread at a time.

Blocks while it loads and while it reads: never to be called on the loop. Keeps what it found under
a digest of the text, never the text. Without the model it finds nothing, and says so in
`warnings`. Knows no turn and no policy.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from .privacy.detect import CACHE_ENTRIES
from .privacy.found import Found
from .privacy.ner import Ner, NerUnavailable

logger = logging.getLogger("hal.privacy")


class NameModel:
    """`is_wanted` by the settings in force; a warning about it is of interest only then.

    `load` may take seconds and raises NerUnavailable.
    """

    def __init__(self, load: Callable[[], Ner]) -> None:
        self.is_wanted = False
        self._load = load
        self._lock = threading.Lock()
        self._ner: Ner | None = None
        self._problem: NerUnavailable | None = None
        self._cache: OrderedDict[bytes, tuple[Found, ...]] = OrderedDict()

    @property
    def warnings(self) -> tuple[str, ...]:
        problem = self._problem
        if problem is None or not self.is_wanted:
            return ()
        return (f"Names are masked by the rules alone. {problem.sentence}",)

    def prepare(self) -> None:
        """Load it; where that failed before, try again: it may have been installed since."""
        with self._lock:
            self._problem = None
            self._loaded()

    def find(self, text: str) -> tuple[Found, ...]:
        """Persons, left to right. Waits for a model that is being loaded."""
        # 16 bytes: two texts of a lifetime of chats do not share a digest.
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            ner = self._loaded()
            if ner is None:
                return ()
            found = self._cache.get(key)
            if found is None:
                found = self._cache[key] = tuple(ner.find(text))
                if len(self._cache) > CACHE_ENTRIES:
                    self._cache.popitem(last=False)
            else:
                self._cache.move_to_end(key)
            return found

    def _loaded(self) -> Ner | None:
        if self._ner is None and self._problem is None:
            try:
                self._ner = self._load()
            except NerUnavailable as error:
                self._problem = error
                logger.warning("%s", error.sentence)
        return self._ner
