"""What the tests of rewriting share: a model call that is answered by the test."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hal.enrichment.asked import (
    RewritePrompt,
)
from hal.enrichment.rewrite import Reader, Rewriter
from hal.enrichment.types import Search
from hal.prompts import load_prompt
from hal.types import Message, Turn
from tests.core.things import run, turn

TODAY = date(2026, 11, 27)
PROMPT = RewritePrompt.from_prompt(load_prompt("rewrite"))
READER = Reader("small:4b", 4096, 4096)


class Calls:
    """The model call, answered by a reply or an error."""

    def __init__(self, reply: Mapping[str, Any] | Exception) -> None:
        self.reply = reply
        self.asked: list[tuple[Message, ...]] = []

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, object],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]:
        self.asked.append(messages)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def queries(*texts: str, freshness: str = "any", language: str = "en") -> dict[str, Any]:
    return {"queries": [*texts], "freshness": freshness, "language": language}


async def as_it_is(query: str, said: str, mode: str | None) -> str:
    return query


def rewritten(reply: Any, asked: Turn | str = "Which chess news?", **options: Any) -> Search:
    calls = Calls(reply) if isinstance(reply, Mapping | Exception) else reply
    asked = turn(asked) if isinstance(asked, str) else asked
    clean = options.pop("clean", as_it_is)
    return run(Rewriter(calls, READER, PROMPT, clean, **options).rewrite(asked, TODAY))
