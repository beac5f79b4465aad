"""Makes chat requests of Open WebUI with one value in them that must never leave the machine.

Endless, and the same for the same seed. Every kind of value comes in every position and in nine
languages; whoever runs it searches what was sent for `values`.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hal.privacy.kinds import Kind
from tests.harness import openwebui
from tests.harness.openwebui import Json, WebUITurn

from . import hard_values as make
from .carriers import CARRIERS, Carrier

# The identity number of each language's country.
IDENTITY: Mapping[str, make.Maker] = {
    "en": make.ssn,
    "de": make.german_tax_id,
    "fr": make.french_nir,
    "es": make.spanish_dni,
    "it": make.italian_codice,
    "nl": make.dutch_bsn,
    "pl": make.polish_pesel,
    "pt": make.portuguese_nif,
    "sv": make.swedish_personnummer,
}


@dataclass(frozen=True, slots=True)
class _Sort:
    """One kind of value, and which words introduce it. No words: it speaks for itself."""

    kind: Kind
    words: str
    make: make.Maker | None = None  # None: by language


SORTS: Mapping[str, _Sort] = {
    "card": _Sort(Kind.CREDIT_CARD, "card", make.card),
    "IBAN": _Sort(Kind.IBAN, "iban", make.iban),
    "identity": _Sort(Kind.NATIONAL_ID, "identity"),
    "medical": _Sort(Kind.MRN, "medical", make.medical_record),
    "PEM": _Sort(Kind.SECRET, "key", make.pem),
    "JWT": _Sort(Kind.SECRET, "key", make.jwt),
    "URL": _Sort(Kind.URL_CRED, "", make.url_with_login),
    "Bitcoin": _Sort(Kind.CRYPTO, "wallet", make.bitcoin),
    "SegWit": _Sort(Kind.CRYPTO, "wallet", make.bitcoin_segwit),
    "Ethereum": _Sort(Kind.CRYPTO, "wallet", make.ethereum),
    **{f"{vendor} key": _Sort(Kind.SECRET, "key", maker) for vendor, maker in make.KEYS.items()},
}


@dataclass(frozen=True, slots=True)
class PrivateTurn:
    """A request, and what in it must not be seen outside."""

    turn: WebUITurn
    values: tuple[tuple[Kind, str], ...]
    position: str
    sort: str
    language: str

    @property
    def body(self) -> Json:
        """The body as it reaches the inlet hook, metadata included."""
        turn = self.turn
        body: dict[str, Any] = {"model": "hal.auto", "stream": turn.stream}
        return body | {"messages": turn.messages, **turn.extra, "metadata": turn.metadata}


@dataclass(frozen=True, slots=True)
class _Told:
    """What a position is filled with."""

    value: str
    sentence: str
    carrier: Carrier
    chat_id: str
    tools: bool


def generate(seed: int = 0) -> Iterator[PrivateTurn]:
    """Endless. One round has every sort of value in every position, in an order of its own."""
    rng = Random(seed)
    languages = itertools.cycle(CARRIERS)
    pairs = [pair for pair in itertools.product(SORTS, POSITIONS) if fits(*pair)]
    while True:
        rng.shuffle(pairs)
        for sort, position in pairs:
            yield _one(rng, sort, position, next(languages))


def fits(sort: str, position: str) -> bool:
    """A file's name holds no slash and no line end."""
    return position != "file name" or sort not in ("URL", "PEM")


def _one(rng: Random, sort: str, position: str, language: str) -> PrivateTurn:
    made, carrier = SORTS[sort], CARRIERS[language]
    value = (made.make or IDENTITY[language])(rng)
    words = getattr(carrier, made.words) if made.words else "{}"
    sentence = f"{words[0].upper()}{words[1:]}".format(value)
    chat_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    told = _Told(value, sentence, carrier, chat_id, tools=rng.random() < 0.5)
    turn = POSITIONS[position](told)
    return PrivateTurn(turn, ((made.kind, value),), position, sort, language)


def _this_turn(told: _Told) -> WebUITurn:
    text = f"{told.sentence}\n\n{told.carrier.ask}"
    return openwebui.chat_turn(text, chat_id=told.chat_id, tools=told.tools)


def _cloud_command(told: _Told) -> WebUITurn:
    text = f"/cloud {told.carrier.ask} {told.sentence}"
    return openwebui.chat_turn(text, chat_id=told.chat_id, tools=told.tools)


def _with_picture(told: _Told) -> WebUITurn:
    return openwebui.image_turn(f"{told.carrier.ask} {told.sentence}", chat_id=told.chat_id)


def _earlier_user_turn(told: _Told) -> WebUITurn:
    earlier = (told.sentence, told.carrier.thanks, "OK.", told.carrier.thanks)
    ask = told.carrier.ask
    return openwebui.chat_turn(ask, earlier, chat_id=told.chat_id, tools=told.tools)


def _assistant_turn(told: _Told) -> WebUITurn:
    earlier = (told.carrier.ask, f"{told.carrier.thanks} {told.sentence}.")
    ask = told.carrier.ask
    return openwebui.chat_turn(ask, earlier, chat_id=told.chat_id, tools=told.tools)


def _system_prompt(told: _Told) -> WebUITurn:
    return openwebui.chat_turn(
        told.carrier.ask, chat_id=told.chat_id, system=told.sentence, tools=told.tools
    )


def _context(told: _Told) -> WebUITurn:
    document = f"{told.carrier.thanks}\n{told.sentence}\n{told.carrier.thanks}"
    return openwebui.rag_turn(told.carrier.ask, document, chat_id=told.chat_id)


def _earlier_context(told: _Told) -> WebUITurn:
    """The document is in the history only, and travels all the same."""
    first = _context(told)
    turn = openwebui.chat_turn(told.carrier.ask, chat_id=told.chat_id, tools=told.tools)
    said = {"role": "assistant", "content": told.carrier.thanks}
    return replace(turn, messages=[*first.messages, said, *turn.messages])


def _file_name(told: _Told) -> WebUITurn:
    return openwebui.rag_turn(
        told.carrier.ask, told.carrier.thanks, chat_id=told.chat_id, name=f"{told.sentence}.txt"
    )


def _tool_arguments(told: _Told) -> WebUITurn:
    first = openwebui.chat_turn(told.carrier.ask, chat_id=told.chat_id)
    return openwebui.tool_round(first, "search_chats", {"query": told.sentence}, "[]")


def _tool_result(told: _Told) -> WebUITurn:
    first = openwebui.chat_turn(told.carrier.ask, chat_id=told.chat_id)
    return openwebui.tool_round(first, "search_chats", {"query": "x"}, told.sentence)


def _task(kind: str) -> Callable[[_Told], WebUITurn]:
    def make_task(told: _Told) -> WebUITurn:
        chat = openwebui.history(told.sentence, told.carrier.thanks)
        return openwebui.task(kind, chat, chat_id=told.chat_id)

    return make_task


POSITIONS: Mapping[str, Callable[[_Told], WebUITurn]] = {
    "this turn": _this_turn,
    "this turn, with /cloud": _cloud_command,
    "beside a picture": _with_picture,
    "earlier user turn": _earlier_user_turn,
    "assistant turn": _assistant_turn,
    "system prompt": _system_prompt,
    "context": _context,
    "earlier context": _earlier_context,
    "file name": _file_name,
    "tool call arguments": _tool_arguments,
    "tool result": _tool_result,
    "title task": _task("title_generation"),
    "tags task": _task("tags_generation"),
    "query task": _task("query_generation"),
}
