"""A question to the classifier: a prompt whose answer is one label, said in one token.

Pure. Knows the prompt file's form (`labels` in the front matter, `# system` and `# user` parts),
not what the labels are good for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError
from ..prompts import Prompt
from ..sizes import text_tokens
from ..types import Message

SYSTEM, USER = "# system\n", "\n# user\n"


@dataclass(frozen=True, slots=True)
class Question:
    """`labels` maps the token to its meaning, in the order of the prompt: A -> SIMPLE, ..."""

    prompt: Prompt
    labels: dict[str, str]
    system: str
    user: str

    @classmethod
    def from_prompt(cls, prompt: Prompt) -> Question:
        body = prompt.body
        if not body.startswith(SYSTEM) or USER not in body or "$conversation" not in body:
            raise ConfigError(
                f"Prompt {prompt.name} needs a '# system' and a '# user' part with $conversation."
            )
        system, _, user = body.removeprefix(SYSTEM).partition(USER)
        return cls(prompt, _labels(prompt), system.strip(), user.strip())

    @property
    def fixed_tokens(self) -> int:
        """What the prompt takes without the conversation."""
        return text_tokens(self.system) + text_tokens(self.user)

    def messages(self, conversation: str) -> tuple[Message, ...]:
        return (
            Message("system", self.system),
            Message("user", self.user.replace("$conversation", conversation)),
        )

    @property
    def schema(self) -> dict[str, object]:
        """For a server without log-probabilities: the label as constrained JSON."""
        label = {"type": "string", "enum": list(self.labels)}
        return {"type": "object", "properties": {"label": label}, "required": ["label"]}


def _labels(prompt: Prompt) -> dict[str, str]:
    pairs = [pair.split("=", 1) for pair in prompt.meta.get("labels", "").split()]
    labels = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    if len(labels) < 2:
        raise ConfigError(
            f"Prompt {prompt.name}: front matter needs labels, such as 'labels: A=X B=Y'."
        )
    return labels
