"""The private values of one chat and the tokens that stand for them, in memory only.

Pure. Numbers are given in the order of first appearance, so scrubbing the history from its start
gives the same tokens again after a restart. A value has one token however it is spelled, and comes
back in the spelling that was seen first. A bare first or last name shares the number of the person
and has a token of its own (`[[PERSON_7K2_1_LAST]]`), because it has to come back bare; where two
people share a name the bare one belongs to the first. No value is in a `repr`, in an error or in a
pickle.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import NoReturn

from ..errors import NotSent
from .kinds import Kind
from .mentions import Known, Mentions
from .name_parts import parts
from .tokens import LITERAL, TYPE_NAMES, LookAlikes, TokenGrammar, format_token
from .values import normalise

# A chat with more is a data set: looking for all its values in all its texts would take seconds.
VALUES = 2000


class VaultFull(NotSent):
    """There are more private values in this chat than one can mask. It has to stay local."""

    code = "vault_full"


class Vault:
    """Value to token and back, for one chat."""

    def __init__(self, nonce: str, *, limit: int = VALUES) -> None:
        self.nonce = nonce
        self.look_alikes = LookAlikes(nonce)
        self.mentions = Mentions()
        self._limit = limit
        self._tokens: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, int, str], str] = {}
        self._last: dict[str, int] = {}
        self._lone: dict[str, int] = {}
        self._grammar: TokenGrammar | None = None

    def token_for(self, kind: Kind, value: str) -> str:
        """The token of this value; a new one if it was not seen before. Raises VaultFull."""
        key = (kind.value, _key(kind, value))
        known = self._tokens.get(key)
        if known is not None:
            return known
        if kind is Kind.PERSON:
            return self._person(key, value)
        token = self._keep(key, TYPE_NAMES[kind], self._next(TYPE_NAMES[kind]), "", value)
        self.mentions.add(Known(value, token, kind))
        return token

    def literal_for(self, text: str) -> str:
        """A token for text that only looks like one. Raises VaultFull."""
        key = (LITERAL, text)
        return self._tokens.get(key) or self._keep(key, LITERAL, self._next(LITERAL), "", text)

    def value_of(self, type_name: str, number: int, part: str = "") -> str | None:
        """The value as it was first spelled. A part that a person does not have is the person."""
        value = self._values.get((type_name, number, part))
        return self._values.get((type_name, number, "")) if value is None else value

    def grammar(self) -> TokenGrammar | None:
        """The spellings of the tokens that exist; None when there are none."""
        if self._grammar is None and self._last:
            self._grammar = TokenGrammar(self.nonce, self._last.keys())
        return self._grammar

    def __len__(self) -> int:
        return sum(self._last.values())

    def __repr__(self) -> str:
        return f"<Vault of {len(self)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault stays in memory")

    def _person(self, key: tuple[str, str], name: str) -> str:
        """A new spelling of a name: of somebody who was called by one word so far, or a new one."""
        found = parts(name)
        number = self._known_by_one_word(found)
        if number is None:
            number = self._next("PERSON")
            token = self._keep_name(key, number, "", name)
            if found.keys() <= {"LAST"}:
                self._lone[_key(Kind.PERSON, found.get("LAST", name))] = number
        else:
            token = self._keep_name(key, number, "FULL", name)
        for part, bare in found.items():
            bare_key = (Kind.PERSON.value, _key(Kind.PERSON, bare))
            taken = ("PERSON", number, part) in self._values
            if bare_key not in self._tokens and not taken:
                self._keep_name(bare_key, number, part, bare)
        return token

    def _known_by_one_word(self, found: Mapping[str, str]) -> int | None:
        """Müller was mentioned; this is Jürgen Müller."""
        for part in ("LAST", "FIRST"):
            number = self._lone.get(_key(Kind.PERSON, found.get(part, "")))
            if number is not None and ("PERSON", number, "FULL") not in self._values:
                return number
        return None

    def _keep_name(self, key: tuple[str, str], number: int, part: str, name: str) -> str:
        token = self._keep(key, "PERSON", number, part, name)
        self.mentions.add(Known(name, token, Kind.PERSON))
        return token

    def _next(self, type_name: str) -> int:
        if len(self) >= self._limit:
            raise VaultFull("This chat holds too many private values to mask them all.")
        if type_name not in self._last:
            self._grammar = None
        self._last[type_name] = self._last.get(type_name, 0) + 1
        return self._last[type_name]

    def _keep(
        self, key: tuple[str, str], type_name: str, number: int, part: str, value: str
    ) -> str:
        token = format_token(type_name, self.nonce, number, part)
        self._tokens[key] = token
        self._values[type_name, number, part] = value
        return token


def _key(kind: Kind, value: str) -> str:
    """What makes two spellings one value; the value itself where that would lose a letter.

    A number's form keeps ASCII only: two Cyrillic plates would become one.
    """
    plain = normalise(kind, value)
    folded = unicodedata.normalize("NFKC", value).casefold()
    lost = not value.isascii() and _alphanumerics(plain) < _alphanumerics(value)
    return folded if lost or not plain else plain


def _alphanumerics(text: str) -> int:
    return sum(1 for char in text if char.isalnum())
