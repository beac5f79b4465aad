"""What may leave the machine, from what was found in all that would travel.

Pure. Knows tiers, modes and the user's word; recognises nothing itself and knows no target. What
hangs on a conversation (a file, an image, what a tool returned) counts as private by itself, unless
the settings allow it: an image cannot be read here, and a document says more than its identifiers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..settings import PrivacySettings
from ..types import Findings, Message, PrivacyWord, Turn
from .computed import has_to_compute
from .kinds import TIERS, WORDS, Kind, Span, Tier
from .trace_forms import decoded
from .values import normalise

Find = Callable[[str], Sequence[Span]]

# A document or a picture that is named after somebody: "lena@firm.de.pdf" is read as an address
# once it ends where the name does. No endings of code: "lodash@4.17.min.js" is a package.
_FILE_ENDING = re.compile(
    r"(?i)(?<=\w)\.(?:txt|pdf|docx?|odt|rtf|md|csv|xlsx?|ods|pptx?|odp|eml|msg|vcf|ics|log|zip"
    r"|png|jpe?g|gif|webp|heic|tiff?)(?!\w)"
)

# Said by the user, so that no setting takes them back.
COMMANDED = frozenset({"/local turn", "/private turn"})
PRIVATE, PUBLIC = "you said /private", "you said /public"
HARD_BEFORE = "a key, account or identity number earlier in this chat"


def inspect(turn: Turn, find: Find, rules: PrivacySettings, *, was_hard: bool = False) -> Findings:
    """What is private in this turn and its whole history, and what follows from it.

    `was_hard`: something HARD was in this chat before, and the user has not said since that it may
    leave. Raises what `find` raises.
    """
    if turn.privacy is PrivacyWord.PUBLIC:
        return Findings(is_private=True, is_open=True, reasons=(PUBLIC,))
    kinds = {} if rules.mode == "off" else kinds_in(texts_of(turn), find)
    tier = max((TIERS[kind] for kind in kinds), default=None)
    masked = rules.mode == "scrub" and tier is not None and tier is not Tier.HARD
    reasons = [*_said(turn), *_attached(turn, rules)]
    if tier is Tier.HARD or (tier is Tier.CONTACT and not masked):
        reasons.append(f"{words(kinds, above=Tier.SOFT)} found")
    elif was_hard and rules.mode != "off":
        reasons.append(HARD_BEFORE)
    elif masked and has_to_compute(turn.question, kinds):
        reasons.append(f"the answer needs the {words(kinds)} itself")
    return Findings(
        must_stay_local=bool(reasons),
        reasons=tuple(reasons),
        kinds={kind.value: count for kind, count in kinds.items()},
        is_private=bool(reasons) or (tier is not None and tier > Tier.SOFT),
        is_hard=tier is Tier.HARD,
        scrub=masked and not reasons,
        is_open=rules.mode == "off",
        no_search=is_silent(turn),
    )


def is_silent(turn: Turn) -> bool:
    """Whether not even a cleaned query may leave: the user has said that this chat stays."""
    return bool(COMMANDED & {*turn.attachments})


def texts_of(turn: Turn) -> Iterator[str]:
    """Every text that would travel: messages, tool calls, the tools' descriptions, stop words."""
    for message in turn.messages:
        yield from texts_of_message(message)
    for tool in turn.tools:
        yield json.dumps(tool, ensure_ascii=False, default=str)
    yield from turn.parameters.stop
    if turn.parameters.response_format is not None:
        yield json.dumps(turn.parameters.response_format, ensure_ascii=False, default=str)


def texts_of_message(message: Message) -> Iterator[str]:
    """The texts of one message; a link to an image is one, an image in it is not."""
    yield message.text
    for call in message.tool_calls:
        yield call.arguments
    yield from links(message)


def links(message: Message) -> Iterator[str]:
    """The addresses of its images."""
    yield from (url for url in message.images if not url.startswith("data:"))


def kinds_in(texts: Iterable[str], find: Find) -> dict[Kind, int]:
    """How many different values of each kind, the most private kind first.

    Each text is read as it stands, and with the escapes of JSON, URLs and HTML undone.
    """
    values = {value for text in texts if text for value in _values_in(text, find)}
    counts = Counter(kind for kind, _ in values)
    return dict(sorted(counts.items(), key=lambda pair: (-TIERS[pair[0]], pair[0])))


def _values_in(text: str, find: Find) -> set[tuple[Kind, str]]:
    """A line end that JSON writes as two characters puts a letter before a number, a URL hides the
    sign of an address, and a file's ending hangs on its name. What is found in both readings counts
    as it is meant."""
    written, undone = _found(text, find), _FILE_ENDING.sub(" ", decoded(text))
    if undone == text:
        return written
    meant = _found(undone, find)
    kinds = {kind for kind, _ in meant}
    return meant | {value for value in written if value[0] not in kinds}


def _found(text: str, find: Find) -> set[tuple[Kind, str]]:
    spans = find(text)
    return {(span.kind, normalise(span.kind, text[span.start : span.end])) for span in spans}


def words(kinds: Mapping[Kind, int], *, above: Tier | None = None) -> str:
    """ "card number, phone number (2)": types and counts, never a value."""
    shown = ((k, n) for k, n in kinds.items() if above is None or TIERS[k] > above)
    return ", ".join(WORDS[kind] + (f" ({count})" if count > 1 else "") for kind, count in shown)


def words_of_names(kinds: Mapping[str, int]) -> str:
    """The same for kinds by their names, as findings and the log have them."""
    return words({Kind(name): count for name, count in kinds.items() if name in set(Kind)})


def _said(turn: Turn) -> list[str]:
    return [PRIVATE] if turn.privacy is PrivacyWord.PRIVATE else []


def _attached(turn: Turn, rules: PrivacySettings) -> list[str]:
    kept = [kind for kind in turn.attachments if kind in COMMANDED or not rules.attachments]
    if turn.privacy is PrivacyWord.PRIVATE and "/private turn" in kept:
        kept.remove("/private turn")  # it is this one
    return [f"{kind} in this chat" for kind in kept]
