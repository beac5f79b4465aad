"""What the model that writes queries is shown, and what its reply means.

Pure. Knows the form of `prompts/rewrite.md`: a `# system` part, `# examples` with one line each
(`query; query | freshness | language | what was said earlier >>> message`), a `# user` part. A
query that it reads from a reply is neither cleaned nor free of what is private.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from string import Template

from ..errors import ConfigError
from ..prompts import Prompt
from ..routing.excerpt import excerpt
from ..sizes import conversation_tokens
from ..types import Message, Turn
from .operators import MAX_QUERIES
from .types import Freshness, Search

# What "it" and "there" mean was said just before; more is work for a small model, and other topics.
EARLIER_TURNS = 4
# Room for the template of the chat model around our text.
TEMPLATE_TOKENS = 32
# As much as the engine lets a reply take; two queries take a third of it.
REPLY_TOKENS = 200

# The day of the examples, in this year: any will do.
_EXAMPLE_DAY = (5, 20)

# ISO 639-1, as SearXNG takes it; another word would be answered with a 400.
_LANGUAGES = """
    af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fil fr ga gl gu he hi hr hu hy
    id is it ja ka kk km kn ko ku lo lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru si
    sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
LANGUAGES = frozenset(_LANGUAGES.split())

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MAX_QUERIES,
        },
        "freshness": {"type": "string", "enum": [*Freshness]},
        "language": {"type": "string"},
    },
    "required": ["queries", "freshness", "language"],
}

_SYSTEM, _EXAMPLES, _USER = "# system\n", "\n# examples\n", "\n# user\n"
_AFTER, _NEXT_SPEAKER = ">>>", " Assistant:"
# What earlier turns carry beside the words: files, sources of a search, thoughts of a model.
_BLOCK = re.compile(
    r"<(/?)(?:attached_files|context|sources?(?:-\w{1,32})?|details)\b[^<>]{0,400}>"
)


@dataclass(frozen=True, slots=True)
class RewritePrompt:
    """The parts of the prompt; `$date`, `$year` and `$question` stand in them."""

    prompt: Prompt
    system: str
    examples: tuple[tuple[str, str, str], ...]
    user: str

    @classmethod
    def from_prompt(cls, prompt: Prompt) -> RewritePrompt:
        """Raises ConfigError for a prompt without these parts, or with a line that is none."""
        head, _, user = prompt.body.partition(_USER)
        system, _, examples = head.removeprefix(_SYSTEM).partition(_EXAMPLES)
        if not head.startswith(_SYSTEM) or not examples or "$question" not in user:
            raise ConfigError(
                f"Prompt {prompt.name} needs '# system', '# examples' and '# user' with $question."
            )
        return cls(prompt, system.strip(), tuple(_examples(prompt.name, examples)), user.strip())

    def messages(self, turn: Turn, today: date, reads_tokens: int) -> tuple[Message, ...]:
        """The conversation for the model, about `reads_tokens` long with room for its reply."""
        shown = self._shown(today)
        used = conversation_tokens(shown) + conversation_tokens((self._asked("", "", today),))
        room = reads_tokens - used - TEMPLATE_TOKENS - REPLY_TOKENS
        read = excerpt(turn.question, _earlier(turn), room)
        return (*shown, self._asked(read.question, read.earlier, today))

    def _shown(self, today: date) -> tuple[Message, ...]:
        """The same words for a whole year: the model keeps what it has read of them."""
        then = date(today.year, *_EXAMPLE_DAY)
        turns = (
            message
            for earlier, question, reply in self.examples
            for message in (
                self._asked(question, earlier, then),
                Message("assistant", _filled(reply, today)),
            )
        )
        return (Message("system", _filled(self.system, today)), *turns)

    def _asked(self, question: str, earlier: str, today: date) -> Message:
        said = f"Earlier in this chat:\n{earlier}\n\n" if earlier else ""
        return Message("user", said + _filled(self.user, today, question=question))


def read_queries(reply: Mapping[str, object]) -> Search | None:
    """What the model wants searched, as it wrote it; None when there is no query in it."""
    raw = reply.get("queries")
    queries = [text for text in raw if isinstance(text, str)] if isinstance(raw, list) else []
    if not any(query.strip() for query in queries):
        return None
    return Search(tuple(queries), _freshness(reply.get("freshness")), _language(reply))


def _freshness(value: object) -> Freshness:
    known = {kind.value: kind for kind in Freshness}
    return known.get(value, Freshness.ANY) if isinstance(value, str) else Freshness.ANY


def _language(reply: Mapping[str, object]) -> str:
    value = reply.get("language")
    code = value.strip().lower()[:5].partition("-")[0] if isinstance(value, str) else ""
    return code if code in LANGUAGES else ""


def _filled(text: str, today: date, **values: str) -> str:
    told = {"date": f"{today:%A}, {today.isoformat()}", "year": str(today.year)}
    return Template(text).safe_substitute(told | values)


def _examples(name: str, text: str) -> Iterator[tuple[str, str, str]]:
    """(what was said earlier, the message, the reply) of each line."""
    for line in filter(None, map(str.strip, text.splitlines())):
        fields = [field.strip() for field in line.split("|", 3)]
        if len(fields) != 4 or fields[1] not in {*Freshness}:
            raise ConfigError(f"Prompt {name}: not an example: {line!r}.")
        queries = [query.strip() for query in fields[0].split(";")]
        reply = {"queries": queries, "freshness": fields[1], "language": fields[2]}
        earlier, _, message = fields[3].rpartition(_AFTER)
        said = earlier.strip().replace(_NEXT_SPEAKER, "\nAssistant:")
        yield said, message.strip(), json.dumps(reply, ensure_ascii=False)


def _earlier(turn: Turn) -> Sequence[Message]:
    """The turns before this one, without what hangs on them."""
    last = max((i for i, m in enumerate(turn.messages) if m.role == "user"), default=0)
    before = [message for message in turn.messages[:last] if message.role in {"user", "assistant"}]
    asked_at = [i for i, message in enumerate(before) if message.role == "user"]
    start = asked_at[-EARLIER_TURNS] if len(asked_at) >= EARLIER_TURNS else 0
    return [replace(message, text=without_blocks(message.text)) for message in before[start:]]


def without_blocks(text: str) -> str:
    """A message without files, sources and thoughts; one that is not closed goes to the end."""
    kept, depth, at = [], 0, 0
    for tag in _BLOCK.finditer(text):
        if depth == 0:
            kept.append(text[at : tag.start()])
        depth = max(0, depth - 1) if tag[1] else depth + 1
        at = tag.end()
    if depth == 0:
        kept.append(text[at:])
    return "".join(kept).strip()
