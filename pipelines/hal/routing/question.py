"""A question to the classifier: a prompt whose answer is one label, said in one token.

Pure. Knows the prompt file's form (`labels` in the front matter, `# system`, `# examples` and
`# user` parts), not what the labels are good for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError
from ..prompts import Prompt
from ..sizes import conversation_tokens
from ..types import Message

SYSTEM, EXAMPLES, USER = "# system\n", "\n# examples\n", "\n# user\n"
PLACEHOLDER = "$question"
# In an example: what was said earlier, then the message; all on one line.
AFTER, NEXT_SPEAKER = ">>>", " Assistant:"
EARLIER = "Earlier in this conversation, for context only:\n"


@dataclass(frozen=True, slots=True)
class Example:
    """A message with its label; `earlier` is what was said before it, "" for nothing."""

    question: str
    label: str
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """`labels` maps the word to its meaning, in the order of the prompt: easy -> SIMPLE, ...

    `examples` are shown to the model as turns that it has already answered.
    `base_rates` say how common each label is in use; they add up to 1.
    """

    prompt: Prompt
    labels: dict[str, str]
    base_rates: dict[str, float]
    system: str
    examples: tuple[Example, ...]
    user: str

    @classmethod
    def from_prompt(cls, prompt: Prompt) -> Question:
        """Raises ConfigError for a prompt without these parts."""
        body = prompt.body
        if not body.startswith(SYSTEM) or USER not in body or PLACEHOLDER not in body:
            raise ConfigError(
                f"Prompt {prompt.name} needs a '# system' and a '# user' part with {PLACEHOLDER}."
            )
        head, _, user = body.removeprefix(SYSTEM).partition(USER)
        system, _, examples = head.partition(EXAMPLES)
        labels = _labels(prompt)
        return cls(
            prompt=prompt,
            labels=labels,
            base_rates=_base_rates(prompt, labels),
            system=system.strip(),
            examples=_examples(prompt, examples, labels),
            user=user.strip(),
        )

    @property
    def fixed_tokens(self) -> int:
        """What the prompt takes without the conversation."""
        return conversation_tokens(self.messages(""))

    def messages(self, question: str, earlier: str = "") -> tuple[Message, ...]:
        """The turns to show; what was said earlier comes first, so that the question stands where
        it stands in the examples."""
        shown = (
            message
            for example in self.examples
            for message in (
                self._asked(example.question, example.earlier),
                Message("assistant", example.label),
            )
        )
        return (Message("system", self.system), *shown, self._asked(question, earlier))

    def _asked(self, question: str, earlier: str) -> Message:
        asked = self.user.replace(PLACEHOLDER, question)
        return Message("user", f"{EARLIER}{earlier}\n\n{asked}" if earlier else asked)

    @property
    def schema(self) -> dict[str, object]:
        """For a server without log-probabilities: the label as constrained JSON."""
        label = {"type": "string", "enum": list(self.labels)}
        return {"type": "object", "properties": {"label": label}, "required": ["label"]}


def _examples(prompt: Prompt, text: str, labels: dict[str, str]) -> tuple[Example, ...]:
    """Lines of `label | message`, or `label | what was said earlier >>> message`."""
    examples = []
    for line in filter(None, map(str.strip, text.splitlines())):
        label, separator, rest = line.partition("|")
        if not separator or label.strip() not in labels:
            raise ConfigError(f"Prompt {prompt.name}: not an example: {line!r}.")
        earlier, _, message = rest.rpartition(AFTER)
        said = earlier.strip().replace(NEXT_SPEAKER, "\nAssistant:")
        examples.append(Example(message.strip(), label.strip(), said))
    return tuple(examples)


def _pairs(prompt: Prompt, key: str) -> dict[str, str]:
    """`key: a=x b=y` in the front matter."""
    words = prompt.meta.get(key, "").split()
    if not all("=" in word for word in words):
        raise ConfigError(f"Prompt {prompt.name}: {key} must read 'word=value word=value'.")
    return dict(word.split("=", 1) for word in words)


def _labels(prompt: Prompt) -> dict[str, str]:
    labels = _pairs(prompt, "labels")
    if len(labels) < 2:
        raise ConfigError(f"Prompt {prompt.name}: front matter needs labels, as 'labels: a=X b=Y'.")
    return labels


def _base_rates(prompt: Prompt, labels: dict[str, str]) -> dict[str, float]:
    told = _pairs(prompt, "base_rates") or dict.fromkeys(labels, "1")
    try:
        rates = {label: float(told[label]) for label in labels}
    except (KeyError, ValueError):
        rates = {}
    if not rates or min(rates.values()) <= 0:
        raise ConfigError(f"Prompt {prompt.name}: base_rates must give each label a share above 0.")
    return {label: rate / sum(rates.values()) for label, rate in rates.items()}
