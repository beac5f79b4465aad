"""The classifier of a turn, in the version of the prompts that its conversation has.

Makes one classifier for each pair of questions in use, because each has a bias of its own to take
off. Takes a canary back when the log speaks against it. Knows no rule of either: `live_prompts` and
`canary` do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic, time

from .canary import Tally, does_harm
from .live_prompts import InForce, LivePrompts
from .prompts import Prompt
from .routing.classify import Classifier, Questions
from .routing.decide import Verdict
from .sessions.reader import SessionReader
from .types import Turn

logger = logging.getLogger("hal.prompts")

# Both prompts with a canary make four pairs; twice that outlives a change while turns run.
MAX_CLASSIFIERS = 8
# Complaints come minutes after a turn; a look costs some milliseconds in a thread.
WATCH_S = 60.0

# A complaint counts unless the same source has said something else of the same kind since.
_TURNS = """
SELECT turn.rowid AS n, chat_id, prompt_id,
    EXISTS (
        SELECT 1 FROM score AS said WHERE said.turn_id = turn.id AND said.value < 0
        AND NOT EXISTS (
            SELECT 1 FROM score AS later WHERE later.turn_id = said.turn_id
            AND later.name = said.name AND later.source = said.source
            AND later.created_at > said.created_at
        )
    ) AS is_bad
FROM turn WHERE turn.rowid > ? AND started_at >= ? AND chat_id IS NOT NULL
    AND source IN ('classifier', 'learned', 'sticky') ORDER BY turn.rowid LIMIT ?
"""


class VersionedClassifier:
    """`make` builds a classifier; `seen` is told each prompt that comes into use."""

    def __init__(
        self,
        live: LivePrompts,
        make: Callable[[Questions], Classifier],
        seen: Callable[[Prompt], None],
        reader: SessionReader,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._live, self._make, self._seen = live, make, seen
        self._reader, self._clock = reader, clock
        self._made: dict[str, Classifier] = {}
        self._watched_at = clock()
        self._watching: asyncio.Task[None] | None = None

    @property
    def questions(self) -> Questions:
        """In the versions that are in force for everybody."""
        return self._live.questions(None)

    async def classify(self, turn: Turn) -> Verdict:
        """As `Classifier.classify`."""
        self._watch()
        return await self._classifier(self._live.questions(turn.chat_id)).classify(turn)

    async def warm(self) -> None:
        await self._classifier(self.questions).warm()

    def _classifier(self, questions: Questions) -> Classifier:
        prompts = questions.difficulty.prompt, questions.search.prompt
        key = " ".join(prompt.id for prompt in prompts)
        if key not in self._made:
            if len(self._made) >= MAX_CLASSIFIERS:
                del self._made[next(iter(self._made))]
            self._made[key] = self._make(questions)
            for prompt in prompts:
                self._seen(prompt)
        return self._made[key]

    def _watch(self) -> None:
        """Look after the canaries from time to time, beside the turn."""
        if self._clock() - self._watched_at < WATCH_S or not self._live.canaries:
            return
        self._watched_at = self._clock()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._look_after())

    async def _look_after(self) -> None:
        for one in self._live.canaries:
            try:
                await asyncio.to_thread(self._judge, one)
            except Exception as error:  # noqa: BLE001 - a look that fails costs no turn
                logger.warning("the canary was not looked after (%s)", type(error).__name__)

    def _judge(self, one: InForce) -> None:
        pointer, name = one.pointer, one.active.prompt.name
        assert one.canary is not None  # noqa: S101  (`canaries` has no other)
        tally = tally_of(self._reader, one.canary.prompt.id, pointer.canary_since)
        if does_harm(tally, pointer.share):
            words = (
                f"taken back by itself: {tally.canary_bad} of {tally.canary} conversations went"
                f" wrong, against {tally.active_bad} of {tally.active} (at {time():.0f})"
            )
            self._live.store.end_canary(name, pointer.canary, pointer.canary_since, words)
            logger.warning("version %s of %s %s", pointer.canary, name, words)


def tally_of(reader: SessionReader, prompt_id: str, since: float) -> Tally:
    """Conversations since then, by whether this prompt decided in them. Raises LogUnreadable."""
    chats: dict[str, tuple[bool, bool]] = {}
    for row in reader.pages(_TURNS, since):
        is_canary, is_bad = chats.get(row["chat_id"], (False, False))
        is_canary |= prompt_id in (row["prompt_id"] or "").split()
        chats[row["chat_id"]] = is_canary, is_bad or bool(row["is_bad"])
    mine = [bad for is_canary, bad in chats.values() if is_canary]
    others = [bad for is_canary, bad in chats.values() if not is_canary]
    return Tally(len(mine), sum(mine), len(others), sum(others))
