"""What is searched for: the model's queries or the user's own words, and nothing private."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment.asked import (
    LANGUAGES,
    SCHEMA,
)
from hal.enrichment.operators import MAX_QUERIES, MAX_WORDS
from hal.enrichment.types import Freshness, Search
from hal.errors import Timeout
from hal.gateway.providers.ollama_models import LocalModels
from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind
from hal.prompts import load_prompt
from hal.settings import PrivacySettings
from hal.shield import PrivacyState, Shield
from hal.types import Message
from tests.core.things import DEFAULTS, fixed, json_values, run
from tests.privacy.sentences import SENTENCES, value_of
from tests.servers import OllamaModel, OllamaServer, Say, Sleep

from .rewriting import queries, rewritten

EMAIL, CARD = value_of(Kind.EMAIL), value_of(Kind.CREDIT_CARD)


class Endless:
    async def structured(self, *args: Any, **options: Any) -> Mapping[str, object]:
        await asyncio.Event().wait()
        return {}


def shield(folder: Path, mode: str = "scrub") -> Shield:
    state = PrivacyState(replace(DEFAULTS.log, data_dir=folder))
    return Shield(state, PrivacySettings(mode, attachments=False), load_prompt("placeholders"))


# --- what comes back ----------------------------------------------------------------------------


def test_the_model_writes_the_queries() -> None:
    reply = queries("chess news", "chess world cup 2026", freshness="week", language="en")
    assert rewritten(reply) == Search(
        ("chess news", "chess world cup 2026"), Freshness.WEEK, "en", "model"
    )


REPLIES: dict[str, tuple[dict[str, Any], Search]] = {
    "twice the same": (queries("chess", "Chess "), Search(("chess",), language="en")),
    "three": (queries("a b", "c d", "e f"), Search(("a b", "c d"), language="en")),
    "too long": (queries("word " * 30), Search((" ".join(["word"] * MAX_WORDS),), language="en")),
    "operators": (queries("!!g chess :de", "<3"), Search(("chess",), language="en")),
    "control characters": (queries("chess\x00\n news"), Search(("chess news",), language="en")),
    "an unknown age": (queries("chess", freshness="hour"), Search(("chess",), language="en")),
    "an age that is no word": (
        {"queries": ["chess"], "freshness": ["day"], "language": "en"},
        Search(("chess",), language="en"),
    ),
    "a region": (queries("chess", language="pt-BR"), Search(("chess",), language="pt")),
    "a language by name": (queries("chess", language="English"), Search(("chess",))),
    "no language": (queries("chess", language=""), Search(("chess",))),
    "an invented language": (queries("chess", language="xx"), Search(("chess",))),
    "no text among texts": ({"queries": ["chess", 7, None]}, Search(("chess",))),
}


@pytest.mark.parametrize(("reply", "expected"), REPLIES.values(), ids=REPLIES)
def test_what_a_reply_means(reply: dict[str, Any], expected: Search) -> None:
    assert rewritten(reply) == expected


FAILURES: dict[str, tuple[Any, str]] = {
    "no answer in time": (Endless(), "timeout"),
    "an error of the server": (Timeout("too slow"), "timeout"),
    "a mistake of ours": (KeyError("x"), "internal"),
    "no query": (queries(), "no_query"),
    "an empty query": (queries(" "), "no_query"),
    "no list": ({"queries": "chess"}, "no_query"),
    "nothing": ({}, "no_query"),
    "only operators": (queries("!!g", ":de"), "emptied"),
}


@pytest.mark.parametrize(("reply", "why"), FAILURES.values(), ids=FAILURES)
def test_else_the_users_own_words(reply: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    asked = "Hello! Which chess news are there?"
    search = rewritten(reply, asked, deadline_s=0.05)
    assert search == Search(("Which chess news are there?",), by=why)
    assert ("rewriting failed" in caplog.text) == (why == "internal")


@fixed
@given(st.dictionaries(st.sampled_from(["queries", "freshness", "language"]), json_values))
def test_any_reply_is_read(reply: dict[str, Any]) -> None:
    search = rewritten(json.loads(json.dumps(reply)))
    assert len(search.queries) <= MAX_QUERIES
    assert all(search.queries)
    assert search.language in {"", *LANGUAGES}


# --- what is private ----------------------------------------------------------------------------


def test_nothing_private_is_searched(tmp_path: Path) -> None:
    gate = shield(tmp_path)
    reply = queries(f"chess rules {EMAIL}", f"card {CARD} limit")
    assert rewritten(reply, clean=gate.clean_query).queries == ("chess rules", "card limit")


def test_the_users_own_words_are_cleaned_before_they_are_cut(tmp_path: Path) -> None:
    asked = f"please tell me at {EMAIL} what one two three four five six seven chess costs?"
    search = rewritten(Timeout(""), asked, clean=shield(tmp_path).clean_query)
    assert search.queries[0].endswith("chess costs?")
    digits = SENTENCES[Kind.CREDIT_CARD] + " one two three four five six seven eight nine ten?"
    search = rewritten(Timeout(""), digits, clean=shield(tmp_path).clean_query)
    assert not any(char.isdigit() for char in "".join(search.queries))


def test_nothing_left_is_no_search(tmp_path: Path) -> None:
    search = rewritten(queries(EMAIL), f"Who is {EMAIL}?", clean=shield(tmp_path).clean_query)
    assert search == Search((), Freshness.ANY, "", "emptied")


def test_what_hides_an_address_does_not_help(tmp_path: Path) -> None:
    user, _, host = EMAIL.partition("@")
    hidden = [f"{user}\u200b@{host} chess", f"{user}@ !x {host} chess", f"{user}!!@{host} chess"]
    for text in hidden:
        search = rewritten(queries(text), clean=shield(tmp_path).clean_query)
        assert EMAIL not in " ".join(search.queries)
        assert not search.queries or search.queries[0].endswith("chess")


def test_a_text_that_never_comes_to_rest_is_not_searched() -> None:
    async def growing(query: str, said: str, mode: str | None) -> str:
        return f"{query}x"

    assert rewritten(queries("chess"), clean=growing) == Search((), by="emptied")


def test_a_check_that_fails_lets_nothing_pass(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str) -> list[Any]:
        raise ValueError(text)

    gate = shield(tmp_path)
    gate.state.detector = Detector(finders=[broken])
    assert run(gate.clean_query("chess", "chess")) == ""
    assert "chess" not in caplog.text
    assert rewritten(queries("chess"), clean=gate.clean_query).queries == ()


def test_a_gate_that_is_off_lets_all_pass(tmp_path: Path) -> None:
    assert run(shield(tmp_path, "off").clean_query(f" {EMAIL} ", "")) == EMAIL


@pytest.mark.parametrize("mode", ["local", "scrub"])
def test_a_name_that_the_user_quotes_is_searched(tmp_path: Path, mode: str) -> None:
    gate = shield(tmp_path, mode)
    said = 'What films has "Tom Hanks" made with Peter Schmidt?'
    assert run(gate.clean_query("Tom Hanks films", said)) == "Tom Hanks films"
    told = f"{said} He is {EMAIL}."
    assert run(gate.clean_query("Tom Hanks films", told)) == "Tom Hanks films"
    assert run(gate.clean_query("Peter Schmidt films", told)) == "films"


def test_a_name_by_itself_is_searched(tmp_path: Path) -> None:
    """Half of what people look up is about somebody; beside an address it is somebody they know."""
    gate = shield(tmp_path)
    assert run(gate.clean_query("Tom Hanks films", "Tom Hanks films?")) == "Tom Hanks films"
    assert run(gate.clean_query("Tom Hanks films", f"Tom Hanks, {EMAIL}?")) == "films"


# --- the wire ---


class Wired:
    """The model call as it is made in a turn."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def structured(
        self,
        model: str,
        messages: tuple[Message, ...],
        schema: Mapping[str, Any],
        *,
        num_ctx: int,
    ) -> Mapping[str, object]:
        client = ollama.AsyncClient(self._url)
        try:
            return await LocalModels(client).structured(
                model, messages, schema, num_ctx=num_ctx, keep_alive="5m"
            )
        finally:
            await client.close()


def test_ollama_is_asked_with_the_schema() -> None:
    with OllamaServer(models=[OllamaModel("small:4b")]) as server:
        server.answer([Say(json.dumps(queries("chess news", freshness="day")))])
        assert rewritten(Wired(server.url)).queries == ("chess news",)
        sent = server.requests[-1].json
        assert sent["format"] == SCHEMA
        assert sent["options"]["temperature"] == 0
        server.answer([Say("no json")])
        assert rewritten(Wired(server.url)).by == "bad_reply"
        server.answer([Sleep(5.0), Say("{}")])
        assert rewritten(Wired(server.url), deadline_s=0.2).by == "timeout"
