"""What stands between a turn and whatever leaves the machine: inspects, masks, looks once more.

Puts the pure parts of `privacy` together with this machine's key, the user's list of allowed
values and a thread for long texts. Decides nothing: `privacy.policy` does. Whatever breaks in here
keeps a turn local, and no message of an error is passed on, because it may quote a text.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TypeVar

from .errors import ConfigError, EgressRefused
from .name_model import NameModel
from .privacy import last_look, policy
from .privacy.allowed import AllowedValues, value_hash
from .privacy.detect import Detector
from .privacy.kinds import Kind, Span, Tier
from .privacy.masked import Masked, mask
from .privacy.name_lists import NameLists
from .privacy.ner import added, load
from .privacy.queries import clean_query
from .privacy.vaults import Vaults
from .privacy_files import KEY_BYTES, load_allowed, load_key, modified
from .prompts import Prompt
from .settings import LogSettings, PrivacySettings
from .types import Evidence, Findings, Plan, Turn

logger = logging.getLogger("hal.privacy")

# About 10 ms of detection; more would hold up the tokens of all other turns.
INLINE_CHARS = 4000
# A name that was found may hold the marks around it.
_MARKS = "\"'“”„«»‘’"
FAILED = "the check for private data failed"

T = TypeVar("T")


class PrivacyState:
    """One per runtime: what outlives a change of settings. Nothing of it is ever written down."""

    def __init__(self, log: LogSettings) -> None:
        self._problems: tuple[str, ...] = ()
        self.key = self._key(log)
        self.vaults = Vaults(self.key, monotonic)
        self._path, self._changed_at = log.allowed_values, 0.0
        self._allowed = AllowedValues(self.key)
        names = NameLists.load()
        self.detector = Detector(names, allow=self.allows)
        self.name_model = NameModel(partial(load, names))

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self._problems, *self.name_model.warnings)

    def refresh(self) -> None:
        """Take over what the user has allowed since, or takes back."""
        changed_at = modified(self._path)
        if changed_at != self._changed_at:
            self._allowed = AllowedValues(self.key, load_allowed(self._path))
            self._changed_at = changed_at

    def allows(self, kind: Kind, value: str) -> bool:
        """Whether the user does not count this value as private."""
        return self._allowed(kind, value)

    def _key(self, log: LogSettings) -> bytes:
        try:
            return load_key(log.privacy_key)
        except ConfigError as error:
            # Detection needs none: the gate works, with placeholders that change at a restart.
            self._problems = (error.sentence,)
            logger.warning("%s", error.sentence)
            return secrets.token_bytes(KEY_BYTES)


@dataclass(frozen=True, slots=True)
class Shield:
    """One per settings. `explanation` is the prompt that tells a model what placeholders are."""

    state: PrivacyState
    rules: PrivacySettings
    explanation: Prompt

    async def inspect(self, turn: Turn, *, was_hard: bool) -> Findings:
        """What is private in all that would travel. Never raises: who cannot look says private."""
        self.state.refresh()
        rules = self.rules.no_looser_than(turn.privacy_mode)
        work = partial(policy.inspect, turn, self._find, rules, was_hard=was_hard)
        try:
            findings = await _run(work, _chars(turn))
        except Exception as error:  # noqa: BLE001 - see the module's words
            logger.error("%s (%s)", FAILED, type(error).__name__)  # noqa: TRY400
            return Findings(
                must_stay_local=True, reasons=(FAILED,), is_private=True, no_search=True
            )
        if rules.asks_for_names and not (findings.must_stay_local or findings.is_open):
            # The model is asked only when a cloud target is: until then it may have a name to mask.
            return replace(findings, scrub=True)
        return findings

    async def warm(self) -> None:
        """Load the name model where the settings ask for it, before the first turn does."""
        self.state.name_model.is_wanted = self.rules.asks_for_names
        if self.rules.asks_for_names:
            await asyncio.to_thread(self.state.name_model.prepare)

    def masking(self, turn: Turn, evidence: Evidence) -> Masking:
        """What makes the turn as a cloud target may see it: once, and only when it is asked for."""
        make = partial(self._mask, turn, evidence)
        # The name model takes 20 ms for 1,000 characters.
        return Masking(make, _chars(turn), in_thread=self.rules.asks_for_names)

    def _mask(self, turn: Turn, evidence: Evidence) -> Masked:
        texts = [*policy.texts_of(turn), evidence.instructions, evidence.question]
        # A call without a chat has nothing to go on with.
        chat = turn.chat_id or f"turn:{turn.id}"
        vault = self.state.vaults.vault_for(turn.user_id or "", chat, texts)
        try:
            return mask(turn, evidence, self._find_to_mask, vault, self.explanation)
        except EgressRefused:
            raise
        except Exception as error:  # noqa: BLE001 - see the module's words
            logger.error("masking failed (%s)", type(error).__name__)  # noqa: TRY400
            raise EgressRefused(f"Nothing was sent: {FAILED}.") from None

    async def last_look(self, body: bytes, plan: Plan) -> dict[str, int]:
        """HARD and CONTACT values in the final bytes, by kind. Raises EgressRefused."""
        if self.rules.mode == "off" and not plan.scrub:  # a user may ask for masks all the same
            return {}
        try:
            found = await _run(partial(last_look.look, body, plan, self._find), len(body))
        except EgressRefused:
            raise
        except Exception as error:  # noqa: BLE001 - see the module's words
            logger.error("%s (%s)", FAILED, type(error).__name__)  # noqa: TRY400
            if plan.is_open:
                return {}
            raise EgressRefused(f"Nothing was sent: {FAILED}.") from None
        return {kind.value: count for kind, count in found.items()}

    async def clean_query(self, query: str, said: str = "", mode: str | None = None) -> str:
        """What of a query a search engine may see; "" when nothing is left, or nobody can look.

        `said`: the user's own words. A name that stands in quotation marks there may be searched
        for, also when a model has lost the marks. `mode`: the user's own, `Turn.privacy_mode`.
        """
        if self.rules.no_looser_than(mode).mode == "off":
            return query.strip()
        try:
            self.state.refresh()
            return await _run(partial(self._cleaned, query, said), len(query) + len(said))
        except Exception as error:  # noqa: BLE001 - see the module's words
            logger.error("%s (%s)", FAILED, type(error).__name__)  # noqa: TRY400
            return ""

    def _cleaned(self, query: str, said: str) -> str:
        """A name by itself may be searched for: half of what people look up is about somebody.
        Beside an address or a number it is somebody whom the user knows."""
        spans = self._find(said)
        if all(span.tier is Tier.SOFT for span in (*spans, *self._find(query))):
            return query.strip()
        kept = clean_query(said, spans)
        names = (
            said[span.start : span.end].strip(_MARKS) for span in spans if span.tier is Tier.SOFT
        )
        return clean_query(query, self._find(query), [name for name in names if name in kept])

    def hashes(self, values: Sequence[tuple[Kind, str]]) -> tuple[str, ...]:
        """For the log: what tells two values apart, and nobody what they are."""
        hashes = (value_hash(self.state.key, kind, value) for kind, value in values)
        return tuple(dict.fromkeys(hashes))

    def _find(self, text: str) -> Sequence[Span]:
        return self.state.detector.find(text)

    def _find_to_mask(self, text: str) -> Sequence[Span]:
        """Also the names that only the model knows; nothing but the masking asks for those."""
        spans = self.state.detector.find(text)
        if not self.rules.asks_for_names:
            return spans
        found = self.state.name_model.find(text)
        allows = self.state.allows
        return added(
            spans, [one for one in found if not allows(one.kind, text[one.start : one.end])]
        )


@dataclass(slots=True)
class Masking:
    """A `privacy.masked.Masking`: `make` raises EgressRefused alone."""

    make: Callable[[], Masked]
    chars: int
    in_thread: bool = False
    made: Masked | None = None

    async def prepare(self) -> None:
        if self.made is None:
            work = asyncio.to_thread(self.make) if self.in_thread else _run(self.make, self.chars)
            self.made = await work


def _chars(turn: Turn) -> int:
    return sum(len(text) for text in policy.texts_of(turn))


async def _run(work: Callable[[], T], chars: int) -> T:
    """Long texts in a thread, so that other turns' tokens do not wait for them."""
    return await asyncio.to_thread(work) if chars > INLINE_CHARS else work()
