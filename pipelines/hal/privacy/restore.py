"""Puts the values back where the tokens are, in a whole text or piece by piece.

Pure. However a text is cut, what comes out is the same: only what may still become a token is held
back, at most 64 characters, and everything else leaves at once. A number that the vault does not
know passes through and is counted. Knows nothing of choices or channels: one `Restorer` for each
stream of text.
"""

from __future__ import annotations

from urllib.parse import quote

from .json_text import JsonString, literals, may_be_json, written
from .tokens import CONTEXT_CHARS, Token
from .vault import Vault


class Restorer:
    """One per stream; `feed` the pieces, then `flush`, also after an error or a cancel."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._grammar = vault.grammar()
        self._before = ""
        self._held = ""
        self.restored = 0
        self.unknown = 0

    @property
    def held_chars(self) -> int:
        return len(self._held)

    def feed(self, text: str) -> str:
        """What can leave now."""
        if self._grammar is None or not text:
            return text
        return self._run(text, is_last=False)

    def flush(self) -> str:
        """What was held back; afterwards a new text may begin."""
        last = self._run("", is_last=True)
        self._before = ""
        return last

    def whole(self, text: str) -> str:
        """The same as `feed` and `flush` at the start of a text."""
        return self._run(text, is_last=True)

    def _run(self, text: str, *, is_last: bool) -> str:
        grammar = self._grammar
        if grammar is None:
            return text
        buffer = self._before + self._held + text
        at = len(self._before)
        end = len(buffer) if is_last else grammar.pending_from(buffer, at)
        out: list[str] = []
        found = grammar.find(buffer, at)
        while found is not None and found.start() < end:
            spelling = found.group()
            out += buffer[at : found.start()], self._value(grammar.read(spelling), spelling)
            at = found.end()
            if at > end:  # it ends in the beginning of another; no bracket of today does
                end = grammar.pending_from(buffer, at)
            found = grammar.find(buffer, at)
        out.append(buffer[at:end])
        self._held = buffer[end:]
        self._before = buffer[max(0, end - CONTEXT_CHARS) : end]
        return "".join(out)

    def _value(self, token: Token, spelling: str) -> str:
        """The value; the spelling itself if there is none."""
        value = self._vault.value_of(token.type_name, token.number, token.part)
        if value is None:
            self.unknown += 1
            return spelling
        self.restored += 1
        # In brackets written for a URL the value has to be written for one too.
        value = quote(value, safe="@") if spelling.startswith("%") else value
        return value + token.ending


def restore(text: str, vault: Vault) -> str:
    """A whole text with its values."""
    return Restorer(vault).whole(text)


def restore_json(text: str, vault: Vault) -> str:
    """The arguments of a tool call with their values; what is in a JSON string is escaped for it.

    Strings without a token, and all that is not a string, stay as they are, letter by letter. A
    text that is not JSON is restored as text.
    """
    if not may_be_json(text):
        return restore(text, vault)
    out: list[str] = []
    at = 0
    for literal in literals(text):
        out += restore(text[at : literal.start], vault), _restored_literal(literal, text, vault)
        at = literal.end
    return "".join(out) + restore(text[at:], vault)


def _restored_literal(literal: JsonString, text: str, vault: Vault) -> str:
    as_is = text[literal.start : literal.end]
    if not as_is:
        return as_is
    value = restore(literal.value, vault)
    return as_is if value == literal.value else written(value, as_is)
