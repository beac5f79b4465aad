"""The house with a scripted SearXNG and a small scripted web, for the tests of turns that search.

Each test has words and pages of its own (`topic`, `publish`): what was found and read is kept for
a while, and must not be found in another test. The classifier's model writes queries as it is told
by `rewrite_to`; by default it repeats the question.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.servers import RecordedRequest, Say, Steps, last_user_text
from tests.servers.searxng import Entry, SearxngServer
from tests.servers.web import Answer, WebServer, article, page

from .house import Body, House
from .logbook import Row
from .questions import is_rewrite

_QUOTED = re.compile(r'"""(.*)"""', re.DOTALL)
# What search words are made of; no letter that could make a number or an address of them.
_LETTERS = "bdfgklmnprst"
_topic_numbers = itertools.count(1)


def topic() -> str:
    """A word that no other test searches for, and that means nothing to anybody."""
    number, letters = next(_topic_numbers), ""
    while number:
        number, place = divmod(number, len(_LETTERS))
        letters += f"{_LETTERS[place]}o"
    return f"vel{letters}rin"


def question(word: str) -> str:
    return f"When was the {word} bridge opened?"


def repeated(body: Body) -> Steps:
    found = _QUOTED.search(last_user_text(body))
    return rewriting(found[1] if found else "nothing")


def rewriting(*queries: str, freshness: str = "any", language: str = "") -> Steps:
    """Without a language, or little that is found would be searched for once more in all."""
    reply = {"queries": list(queries), "freshness": freshness, "language": language}
    return [Say(json.dumps(reply))]


class SearchingHouse(House):
    """`web` and `other` are two sites, so that two pages of each may be read."""

    def __init__(self, folder: Path, *, valves: Mapping[str, object] | None = None) -> None:
        self.searxng, self.web, self.other = SearxngServer(), WebServer(), WebServer()
        self._outside = ExitStack()
        self._env: dict[str, str] = {}
        super().__init__(folder, valves={"SPECULATE": False, **(valves or {})})

    def start(self) -> Self:
        with ExitStack() as stack:
            for server in (self.searxng, self.web, self.other):
                stack.enter_context(server)
            folder, interpreter, valves, key, copy, _ = self._make
            self._make = (folder, interpreter, valves, key, copy, self._addresses())
            super().start()
            self._outside = stack.pop_all()
        return self

    def _addresses(self) -> dict[str, str]:
        # "localhost" is another site than 127.0.0.1, and as good for the reader.
        hosts = f"127.0.0.1:{self.web.port} localhost:{self.other.port}"
        return {"HAL_SEARXNG_URL": self.searxng.url, "HAL_SEARCH_LOCAL_HOSTS": hosts}

    def stop(self) -> None:
        super().stop()
        self._outside.close()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        super().__exit__(kind, exc, tb)
        self._outside.__exit__(kind, exc, tb)

    def reset(self) -> None:
        super().reset()
        self.searxng.entries.clear()
        self.searxng.planned.clear()
        self.searxng.always = None
        for server in (self.searxng, self.web, self.other):
            server.forget()

    def reset_scripts(self) -> None:
        super().reset_scripts()
        self.ollama.when(is_rewrite, repeated)

    def rewrite_to(self, *queries: str, **more: str) -> None:
        self.ollama.when(is_rewrite, rewriting(*queries, **more))

    @property
    def asked_pages(self) -> list[RecordedRequest]:
        return [*self.web.requests, *self.other.requests]

    def publish(
        self,
        word: str,
        count: int = 1,
        *,
        text: str = "",
        title: str = "",
        answer: Answer | None = None,
        **entry: Any,
    ) -> list[str]:
        """So many pages about this word, in the web and in the index; their addresses."""
        urls = []
        for number in range(1, count + 1):
            is_other = number > 2
            server = self.other if is_other else self.web
            path = f"/{word}/{len(self.searxng.entries) + 1}"
            host = "localhost" if is_other else "127.0.0.1"
            url = f"http://{host}:{server.port}{path}"
            named = title or f"The {word} bridge, part {number}"
            body = text or f"The {word} bridge number {number} was opened by its builders. {path}"
            server.pages[path] = answer or page(article(f"{body} " * 3, named))
            snippet = {"content": f"About the {word} bridge, {number}."} | entry
            self.searxng.entries.append(Entry(url, named, **snippet))
            urls.append(url)
        return urls


def lookup(house: SearchingHouse) -> Row:
    """The row of the last turn's search, with its detail read."""
    (row,) = house.log.of_turn("lookup", house.logged()["id"])
    return row | {"detail": json.loads(row["detail"]), "cited": json.loads(row["cited"])}


def egress(house: SearchingHouse) -> list[tuple[str, str, str]]:
    """Purpose, provider and host of all that the last turn has sent, in order."""
    rows = house.log.of_turn("egress", house.logged()["id"])
    return [(row["purpose"], row["provider"], row["host"]) for row in rows]


def searched_nothing(house: SearchingHouse) -> bool:
    return (house.searxng.requests, house.asked_pages) == ([], [])
