"""What no proposal may do, whoever made it: checked on the text alone, before any model reads it.

Pure but for the detector that comes in. Each guard answers with what is wrong, "" for nothing. What
is known to go wrong is in the fact sheet on improvement, section 2: placeholders and labels lost,
reasoning taken for a prompt, users' words copied, prompts that grow. That a prompt always says the
same label shows in the gate, not here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from string import Template

from ...errors import HalError
from ...privacy.policy import Find
from ...prompts import Prompt, parse_prompt, placeholders
from ...routing.question import Question
from .gate import allowed_chars
from .phrases import Phrases

# A share of use outside of it is no share, but a label switched off.
LEAST_RATE, MOST_RATE = 0.02, 0.96
# What a rule or an example repeats once in good faith.
MAX_SAME_LINES = 2
# A model that turns in circles writes the same three words again and again.
MAX_RUNS = 6
_FREE_KEYS = frozenset({"version", "base_rates"})

_THINKING = re.compile(r"(?i)</?\s{0,3}(?:think|thinking|reasoning|scratchpad|analysis)\b")
_CONTROL_TOKENS = re.compile(
    r"<\|[\w ]{1,40}\|?>|\[/?INST\]|</?s>|<</?SYS>>|<(?:start|end)_of_turn>|<extra_id_\d{1,3}>"
)
_MARKUP = re.compile(r"<!--|-->|</?[a-zA-Z][\w-]{0,20}(?:\s[^<>]{0,200})?/?>")
_ADDRESS = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.|\b[a-z0-9-]{1,40}\.(?:com|org|net|io|ai|dev|app|de|co)\b"
)
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_PREAMBLE = re.compile(
    r"(?i)^\W{0,3}(?:sure|certainly|of course|here(?:'s| is| are)|okay|the (?:new|improved|revised)"
    r" (?:prompt|instruction)|as an ai|i (?:have|'ve) )"
)
_OVERRIDE = re.compile(
    r"(?i)\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instructions?|rules?|above|previous|prompt)\b"
    r"|\b(?:private|privacy|personal data|secrets?|passwords?)\b.{0,60}\b(?:send|cloud|hard|yes)\b"
)
_WORDS = re.compile(r"\w+")
_END = re.compile(r"[.!?:)\]\"'”’»…。]$")


@dataclass(frozen=True, slots=True)
class Proposed:
    """A file that wants to take the place of `parent`."""

    parent: Prompt
    text: str
    phrases: Phrases
    find: Find

    @property
    def prompt(self) -> Prompt:
        return parse_prompt(self.parent.name, self.text)

    @property
    def old(self) -> Question:
        return Question.from_prompt(self.parent)

    @property
    def new(self) -> Question:
        return Question.from_prompt(self.prompt)

    @property
    def added(self) -> str:
        """The lines that the parent does not have: only they can bring something in."""
        known = set(self.parent.text.splitlines())
        return "\n".join(line for line in self.text.splitlines() if line not in known)


Guard = Callable[[Proposed], str]


def refusal(proposed: Proposed, guards: Iterable[Guard]) -> str:
    """Why this text may not become a version; "" when nothing speaks against it."""
    for guard in guards:
        try:
            reason = guard(proposed)
        except HalError as error:  # no prompt at all, or a detector that cannot look
            reason = error.sentence
        if reason:
            return reason
    return ""


def _says_something(proposed: Proposed) -> str:
    return "" if proposed.text.strip() else "it is empty"


def _shows_its_characters(proposed: Proposed) -> str:
    return "it holds invisible or control characters" if _HIDDEN.search(proposed.text) else ""


def _has_no_reasoning(proposed: Proposed) -> str:
    return "it holds the reasoning of the model" if _THINKING.search(proposed.text) else ""


def _has_no_control_tokens(proposed: Proposed) -> str:
    return "it holds tokens of a chat template" if _CONTROL_TOKENS.search(proposed.added) else ""


def _has_no_markup(proposed: Proposed) -> str:
    text = proposed.added
    return "it holds markup or a code fence" if _MARKUP.search(text) or "```" in text else ""


def _is_a_question(proposed: Proposed) -> str:
    """Raises ConfigError in its own words for what cannot be read."""
    old, new = proposed.old, proposed.new
    if new.labels != old.labels:
        return "the labels or their meanings changed"
    if new.user != old.user:
        return "the part around the user's message changed"
    return ""


def _keeps_its_head(proposed: Proposed) -> str:
    old, new = dict(proposed.parent.meta), dict(proposed.prompt.meta)
    changed = {k for k in {*old, *new} if old.get(k) != new.get(k)} - _FREE_KEYS
    return f"the front matter changed: {', '.join(sorted(changed))}" if changed else ""


def _keeps_its_rates(proposed: Proposed) -> str:
    wrong = [r for r in proposed.new.base_rates.values() if not LEAST_RATE <= r <= MOST_RATE]
    return "a label is as good as switched off by its base rate" if wrong else ""


def _keeps_placeholders(proposed: Proposed) -> str:
    wanted = placeholders(proposed.parent.text)
    if placeholders(proposed.text) != wanted:
        names = ", ".join(f"${name} {n}×" for name, n in wanted.items())
        return f"the placeholders changed: wanted are {names}"
    return ""


def _names_its_labels(proposed: Proposed) -> str:
    words = set(_WORDS.findall(proposed.new.system.lower()))
    lost = [label for label in proposed.new.labels if label.lower() not in words]
    return f"the rules do not name the label {', '.join(lost)}" if lost else ""


def _is_complete(proposed: Proposed) -> str:
    """A reply that ran into its limit ends in the middle of a sentence."""
    last = proposed.new.system.rstrip()
    return "" if last == proposed.old.system or _END.search(last) else "the rules break off"


def _is_no_reply(proposed: Proposed) -> str:
    if _PREAMBLE.search(proposed.new.system):
        return "it begins like a reply, not like a prompt"
    return ""


def _obeys(proposed: Proposed) -> str:
    hit = _OVERRIDE.search(proposed.added)
    return "it speaks about ignoring rules or about what is private" if hit else ""


def _balances_examples(proposed: Proposed) -> str:
    shown = [example.label for example in proposed.new.examples]
    if shown and set(shown) != set(proposed.new.labels):
        return "the examples do not show every label"
    return ""


def _does_not_contradict_itself(proposed: Proposed) -> str:
    labels: dict[tuple[str, str], str] = {}
    for example in proposed.new.examples:
        key = (example.earlier, example.question.lower())
        if labels.setdefault(key, example.label) != example.label:
            return "the same example has two labels"
    return ""


def _stays_small(proposed: Proposed) -> str:
    limit = allowed_chars(len(proposed.parent.text))
    return f"it is longer than {limit} characters" if len(proposed.text) > limit else ""


def _does_not_repeat(proposed: Proposed) -> str:
    lines = Counter(line for line in proposed.text.splitlines() if line.strip())
    if max(lines.values()) > MAX_SAME_LINES:
        return "it repeats a line"
    words = _WORDS.findall(proposed.added.lower())
    runs = Counter(zip(words, words[1:], words[2:], strict=False))
    return "it turns in circles" if max(runs.values(), default=0) > MAX_RUNS else ""


def _has_no_address(proposed: Proposed) -> str:
    return "it holds an address" if _ADDRESS.search(proposed.added) else ""


def _has_nothing_private(proposed: Proposed) -> str:
    kinds = {str(span.kind) for span in proposed.find(proposed.added)}
    return f"it holds something private: {', '.join(sorted(kinds))}" if kinds else ""


def _copies_nobody(proposed: Proposed) -> str:
    if proposed.phrases.are_in(proposed.added):
        return "it copies words of a user"
    return ""


def _ends_its_lines(proposed: Proposed) -> str:
    """As `_is_complete`, for lines that were added."""
    cut = [line for line in proposed.added.splitlines() if line.strip() and not _END.search(line)]
    return "a rule breaks off" if cut else ""


def _can_be_filled(proposed: Proposed) -> str:
    """A lone dollar would break every turn that fills the placeholders."""
    return "" if Template(proposed.text).is_valid() else "a dollar sign begins no placeholder"


# What can be seen without reading comes first: what is no prompt has no parts.
_FORM: tuple[Guard, ...] = (
    *(_says_something, _shows_its_characters, _has_no_reasoning, _stays_small),
    *(_has_no_control_tokens, _has_no_markup, _keeps_placeholders),
)
_WORDING: tuple[Guard, ...] = (
    *(_obeys, _does_not_repeat, _has_nothing_private, _has_no_address, _copies_nobody),
)
# For a question, whose parts are known, and for instructions to which rules are added.
GUARDS: tuple[Guard, ...] = (
    *(*_FORM, _is_a_question, _keeps_its_head, _keeps_its_rates, _names_its_labels),
    *(_is_no_reply, _is_complete, _balances_examples, _does_not_contradict_itself, *_WORDING),
)
RULE_GUARDS: tuple[Guard, ...] = (
    *(*_FORM, _can_be_filled, _keeps_its_head, _ends_its_lines, *_WORDING),
)


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """The guards with what they need to know of this machine; one per run."""

    phrases: Phrases
    find: Find
    guards: tuple[Guard, ...] = GUARDS

    @classmethod
    def of(cls, texts: Iterable[str], find: Find, guards: tuple[Guard, ...] = GUARDS) -> Gatekeeper:
        """`texts` are all that users said, also in cases that nobody may learn from."""
        return cls(Phrases.of(texts), find, guards)

    def refusal(self, parent: Prompt, text: str) -> str:
        return refusal(Proposed(parent, text, self.phrases, self.find), self.guards)
