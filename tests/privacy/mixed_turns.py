"""Mixes what must never leave with what may leave masked, and with what may leave as it is.

Endless, and the same for the same seed. The HARD values come from `generate`; here are the ones of
the other tiers, in English, in the same positions, and turns that hold nothing private at all.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from hal.privacy.kinds import TIERS, Kind, Tier
from tests.harness import openwebui
from tests.harness.openwebui import Json, WebUITurn

from . import hard_values as make
from .carriers import CARRIERS
from .generate import POSITIONS, PrivateTurn, _Told, generate

HARMLESS = "nothing private"
# Of ten turns one holds nothing, so that a recorder that is not reached at all shows.
_PER_TEN = ("harmless", *["hard"] * 5, *["contact"] * 4)

_MONTHS = ("March", "June", "August", "October")
_STREETS = ("Maple Street", "Station Road", "Church Lane", "Victoria Avenue")
_GIVEN = ("Laura", "Peter", "Martina", "Stephen", "Monica", "Gerald")
_SURNAMES = ("Hoffmann", "Kowalski", "Fitzgerald", "Lindqvist", "Moretti", "Gutierrez")


@dataclass(frozen=True, slots=True)
class _Sort:
    kind: Kind
    sentence: str
    make: make.Maker


def _email(rng: Random) -> str:
    return f"{make.some(rng, make.LOWER, 7)}.{make.some(rng, make.LOWER, 6)}@meridian-data.net"


def _phone(rng: Random) -> str:
    """A Berlin number, or a British mobile one."""
    if rng.random() < 0.5:
        return f"+49 30 {rng.randint(20_000_000, 89_999_999)}"
    return f"+44 7{rng.choice('4578')}{make.digits(rng, 2)} {make.digits(rng, 6)}"


def _address(rng: Random) -> str:
    house, zip_code = rng.randint(2, 998), rng.randint(10_000, 99_000)
    return f"{house} {rng.choice(_STREETS)}, Springfield, IL {zip_code}"


def _born(rng: Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(_MONTHS)} {rng.randint(1941, 2005)}"


def _ip(rng: Random) -> str:
    """In a range that belongs to somebody, and to nobody's documentation."""
    return f"93.{rng.randint(180, 220)}.{rng.randint(1, 254)}.{rng.randint(1, 254)}"


def _mac(rng: Random) -> str:
    return ":".join(("3c", "22", "fb", *(f"{rng.randrange(256):02x}" for _ in range(3))))


def _plate(rng: Random) -> str:
    place = rng.choice(("B", "M", "HH", "K"))
    return f"{place}-{make.some(rng, make.UPPER, 2)} {rng.randint(1000, 9999)}"


def _name(rng: Random) -> str:
    return f"{rng.choice(_GIVEN)} {rng.choice(_SURNAMES)}"


SORTS: Mapping[str, _Sort] = {
    "e-mail": _Sort(Kind.EMAIL, "my e-mail address is {}", _email),
    "phone": _Sort(Kind.PHONE, "my phone number is {}", _phone),
    "address": _Sort(Kind.ADDRESS, "I live at {}", _address),
    "birth": _Sort(Kind.DOB, "my date of birth is {}", _born),
    "IP": _Sort(Kind.IP, "my server is {}", _ip),
    "MAC": _Sort(Kind.MAC, "my laptop is {}", _mac),
    "plate": _Sort(Kind.PLATE, "my car has the licence plate {}", _plate),
    "name": _Sort(Kind.PERSON, "my name is {}", _name),
}


def tier_of(turn: PrivateTurn) -> Tier | None:
    return max((TIERS[kind] for kind, _ in turn.values), default=None)


def mixed(seed: int = 0) -> Iterator[PrivateTurn]:
    """Half HARD, four in ten CONTACT or a name, one in ten harmless; a third with `/cloud`."""
    rng = Random(f"mixed {seed}")  # not the stream of `generate`: chats would share an id
    sources = {
        "harmless": _harmless(rng),
        "hard": generate(seed),
        "contact": _contact(rng),
    }
    while True:
        for name in rng.sample(_PER_TEN, len(_PER_TEN)):
            turn = next(sources[name])
            yield with_cloud_command(turn) if rng.random() < 1 / 3 else turn


def _contact(rng: Random) -> Iterator[PrivateTurn]:
    pairs = list(itertools.product(SORTS, POSITIONS))
    while True:
        rng.shuffle(pairs)
        for name, position in pairs:
            sort = SORTS[name]
            value = sort.make(rng)
            sentence = sort.sentence.format(value)
            told = _Told(
                value,
                f"{sentence[0].upper()}{sentence[1:]}",
                CARRIERS["en"],
                _chat_id(rng),
                tools=False,
            )
            turn = POSITIONS[position](told)
            yield PrivateTurn(turn, ((sort.kind, value),), position, name, "en")


def _harmless(rng: Random) -> Iterator[PrivateTurn]:
    for language in itertools.cycle(CARRIERS):
        # No two alike, or the answer to the second would come from the cache.
        ask = f"{CARRIERS[language].ask} {make.some(rng, make.LOWER, 5)}"
        turn = openwebui.chat_turn(ask, chat_id=_chat_id(rng), tools=False)
        yield PrivateTurn(turn, (), HARMLESS, "none", language)


def _chat_id(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def with_cloud_command(private: PrivateTurn) -> PrivateTurn:
    """The same with `/cloud` as its first word; a background task has no commands."""
    turn = private.turn
    said = str(turn.metadata["user_message"]["content"])
    if "task" in turn.metadata or said.startswith("/"):
        return private
    commanded = f"/cloud {said}"
    user_message = {**turn.metadata["user_message"], "content": commanded}
    last = max(at for at, message in enumerate(turn.messages) if message["role"] == "user")
    messages = [
        _reworded(message, said, commanded) if at == last else message
        for at, message in enumerate(turn.messages)
    ]
    metadata = {**turn.metadata, "user_message": user_message}
    return replace(private, turn=WebUITurn(messages, metadata, turn.stream, turn.extra))


def _reworded(message: Json, said: str, commanded: str) -> Json:
    """The user's words stand at the end: before them is what Open WebUI has put there."""
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": content.removesuffix(said) + commanded}
    parts = [{**p, "text": commanded} if p.get("text") == said else p for p in content]
    return {**message, "content": parts}
