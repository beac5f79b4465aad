"""The model that thinks about failures, behind a latch: it may be asked so often, and its first
failure ends the asking.

What it says comes as an object of a JSON schema, so that reasoning cannot be taken for a prompt.
Optimisers are known to swallow the errors of a reflector and to hand the seed back as if all had
gone well; the latch remembers the first one, and whoever runs the optimiser asks for it. Knows no
client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....errors import HalError
from ....prompts import Prompt
from ..cases import Case

# Text and schema in, an object of the schema out. Raises HalError.
Reflect = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

# Of a message, what shows the reflector its kind.
SHOWN_CHARS = 300
# The critique comes first, so that the rules are written from it (after TextGrad, arXiv 2406.07496,
# whose gradients are such words); in one answer it costs no reflection. Nobody keeps it: it may
# repeat what a user has said.
RULES = {
    "type": "object",
    "properties": {"critique": {"type": "string"}, "rules": {"type": "string"}},
    "required": ["critique", "rules"],
}
BULLETS = {
    "type": "object",
    "properties": {"bullets": {"type": "array", "items": {"type": "string"}, "maxItems": 3}},
    "required": ["bullets"],
}


class ReflectionFailed(HalError):
    """The model that reflects failed: there is no proposal, and so no verdict."""

    code = "reflection"


class ReflectionsSpent(HalError):
    """It was asked as often as it may be."""

    code = "reflections_spent"


class Latch:
    """`reflect`, at most `limit` times and never again after a failure."""

    def __init__(self, reflect: Reflect, limit: int) -> None:
        self._reflect = reflect
        self.left = limit
        self.asked = 0
        self.error: HalError | None = None

    @property
    def is_closed(self) -> bool:
        return self.error is not None or self.left <= 0

    def __call__(self, text: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ReflectionFailed or ReflectionsSpent."""
        if self.error is not None:
            raise self.error
        if self.left <= 0:
            raise ReflectionsSpent("All reflections of this run are used up.")
        self.left -= 1
        self.asked += 1
        try:
            return self._reflect(text, schema)
        except HalError as error:
            self.error = ReflectionFailed(
                f"The model that reflects failed: {error}", error.remedy or "Nothing was proposed."
            )
            raise self.error from error

    def raise_error(self) -> None:
        """Whatever an optimiser has made of it."""
        if self.error is not None:
            raise self.error


def rewrite(
    reflect: Reflect,
    instructions: Prompt,
    rules: str,
    cases: Sequence[Case],
    chosen: Mapping[str, str],
) -> str:
    """A new text for the rules of a prompt, from what it decides wrongly (and rightly)."""
    shown = "\n".join(_line(case, chosen[case.id]) for case in cases)
    reply = reflect(instructions.render(rules=rules, cases=shown), RULES)
    return str(reply.get("rules", "")).strip()


def bullets(
    reflect: Reflect,
    instructions: Prompt,
    rules: str,
    cases: Sequence[Case],
    chosen: Mapping[str, str],
) -> list[str]:
    """Up to three rules that could be added."""
    shown = "\n".join(_line(case, chosen[case.id]) for case in cases)
    reply = reflect(instructions.render(rules=rules, cases=shown), BULLETS)
    found = reply.get("bullets", [])
    return [" ".join(str(one).split()) for one in found][:3] if isinstance(found, list) else []


def _line(case: Case, chosen: str) -> str:
    """A case as quoted data: on one line, and with nothing that could end the quotation."""
    text = " ".join(case.question.split())[:SHOWN_CHARS].replace("<", "‹").replace(">", "›")
    verdict = "right" if chosen == case.expected else f"wrong, should be {case.expected}"
    return f"<message>{text}</message> decided {chosen}: {verdict}"
