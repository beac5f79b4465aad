"""Asks a local model which of two answers is better, with each of them shown first once.

One forward pass a question: the most likely of the label tokens, or constrained JSON where the
server has no log-probabilities, as the classifier is asked. Knows no log and no command, and not
what a verdict is worth: that is `judging.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from string import Template

from ...errors import BadReply, ConfigError
from ...prompts import Prompt
from ...routing.classify import TEMPLATE_TOKENS, ClassifierModel
from ...routing.excerpt import MIN_BYTES, excerpt, shorten
from ...routing.labels import label_logprobs, probabilities
from ...routing.question import EARLIER, Question
from ...sizes import BYTES_PER_TOKEN, conversation_tokens
from ...types import Message
from .judging import CLOUD, LOCAL, TIE, UNSURE, Verdict, combined
from .shadow_pairs import AnswerPair

PROMPT = "judge_pair"
# Of the window: the question with what was said before it; the answers share the rest.
QUESTION_SHARE = 0.25
# Two answers of a page each. More would fit a large window, and take a small machine minutes.
READS_TOKENS = 6_000
# Less likely than the other two words together is no verdict: a model that is too small holds all
# three for about equally likely.
LEAST_P = 0.5
# A digest tells versions of a model apart by its first characters, as `ollama list` shows it.
DIGEST_CHARS = 12
# Nobody can write it into an answer: it is made of the answer itself.
MARK_CHARS = 8
A, B = "A", "B"
# In an example: the message, answer A, answer B; all on one line.
EXAMPLE_PARTS = " || "


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """The prompt, told apart into what the model reads. `shown` are the examples, filled in: the
    same before every pair, so that a server reads them once."""

    question: Question
    shown: tuple[Message, ...]

    @classmethod
    def from_prompt(cls, prompt: Prompt) -> JudgePrompt:
        """Raises ConfigError for a prompt without its parts, labels or placeholders."""
        question = Question.from_prompt(prompt)
        if set(question.labels.values()) != {A, B, TIE.upper()}:
            raise ConfigError(f"Prompt {prompt.name} needs the labels a=A b=B tie=TIE.")
        shown = [Message("system", question.system)]
        for example in question.examples:
            parts = example.question.split(EXAMPLE_PARTS)
            if len(parts) != 3:
                raise ConfigError(f"Prompt {prompt.name}: an example is 'label | q || A || B'.")
            shown += [
                _asked(question, *parts),
                Message("assistant", question.labels[example.label]),
            ]
        return cls(question, tuple(shown))

    @property
    def fixed_tokens(self) -> int:
        """What is read before anything of the pair."""
        return conversation_tokens((*self.shown, _asked(self.question, "", "", "")))

    def messages(self, asked: str, earlier: str, first: str, second: str) -> tuple[Message, ...]:
        """The pair behind the examples, with `first` as answer A."""
        return (*self.shown, _asked(self.question, asked, first, second, earlier))


def _asked(question: Question, asked: str, first: str, second: str, earlier: str = "") -> Message:
    texts = {"question": asked, "answer_a": first, "answer_b": second}
    mark = sha256("\0".join(texts.values()).encode("utf-8", "replace")).hexdigest()
    said = f"{EARLIER}{earlier}" if earlier else ""
    try:
        # In one pass: what an answer says of placeholders is not looked at.
        text = Template(question.user).substitute(texts, mark=mark[:MARK_CHARS], earlier=said)
    except (KeyError, ValueError) as error:
        name = question.prompt.name
        raise ConfigError(f"Prompt {name}: placeholder {error} cannot be filled.") from None
    return Message("user", text.strip())


class Judge:
    """One model with one prompt. `window_tokens`: what the model is loaded with in service."""

    def __init__(
        self, model: ClassifierModel, name: str, prompt: Prompt, window_tokens: int
    ) -> None:
        self.name, self.prompt = name, prompt
        self._model, self._window = model, window_tokens
        self._asks = JudgePrompt.from_prompt(prompt)
        self._has_logprobs = True

    async def version(self) -> str:
        """Who exactly judges: the model's digest and the prompt. Raises ProviderError."""
        digest = (await self._model.digest(self.name)).removeprefix("sha256:")
        return f"{digest[:DIGEST_CHARS]} {self.prompt.id}".strip()

    async def verdict(self, pair: AnswerPair) -> Verdict:
        """Of both orders. Raises ProviderError, BadReply among them."""
        local_first = await self._says(pair, pair.local, pair.cloud)
        cloud_first = await self._says(pair, pair.cloud, pair.local)
        return combined(
            {A: LOCAL, B: CLOUD}.get(local_first, local_first),
            {A: CLOUD, B: LOCAL}.get(cloud_first, cloud_first),
        )

    async def _says(self, pair: AnswerPair, first: str, second: str) -> str:
        """A, B, TIE or UNSURE."""
        messages = self._messages(pair, first, second)
        found = await self._probabilities(messages) if self._has_logprobs else None
        if found is None:
            label = await self._structured(messages)
        else:
            label = max(found, key=lambda each: found[each])
            if found[label] < LEAST_P:
                return UNSURE
        meaning = self._asks.question.labels[label]
        return meaning if meaning in (A, B) else TIE

    def _messages(self, pair: AnswerPair, first: str, second: str) -> tuple[Message, ...]:
        room = min(self._window, READS_TOKENS) - self._asks.fixed_tokens - TEMPLATE_TOKENS
        history = [Message(role, text) for role, text in pair.earlier]
        read = excerpt(pair.question, history, int(room * QUESTION_SHARE))
        each = max(MIN_BYTES, int(room * (1 - QUESTION_SHARE) * BYTES_PER_TOKEN / 2))
        return self._asks.messages(
            read.question, read.earlier, shorten(first, each), shorten(second, each)
        )

    async def _probabilities(self, messages: tuple[Message, ...]) -> dict[str, float] | None:
        tokens = await self._model.first_token(self.name, messages, num_ctx=self._window)
        if tokens is None:
            self._has_logprobs = False
            return None
        found = label_logprobs(tokens, tuple(self._asks.question.labels))
        if found is None:
            raise BadReply(f"{self.name} answered something else than A, B or TIE.")
        return probabilities(found)

    async def _structured(self, messages: tuple[Message, ...]) -> str:
        schema = self._asks.question.schema
        reply = await self._model.structured(self.name, messages, schema, num_ctx=self._window)
        label = str(reply.get("label"))
        if label not in self._asks.question.labels:
            raise BadReply(f"{self.name} answered something else than A, B or TIE.")
        return label
