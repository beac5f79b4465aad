"""What has been written so far of a filtered answer, as far as the next sign depends on it.

Pure. Sees to it that two pieces, between which something was removed, make nothing new: no link, no
image, no tag, no address.
"""

from __future__ import annotations

import re

# More than any mark at the start of a line, and than any beginning of an address.
LINE_CHARS = 80
_LEAD = re.compile(r"[\s>*+\-.)0-9]*")
_LABEL = re.compile(r"[\s>*+\-.)0-9]*\[[^\[\]]*\]")
_BEGINNING = re.compile(r"(?:https?:?/?|htt?|h|ftp?:?/?|f|w{1,3})\Z", re.IGNORECASE)
_ADDRESSES = ("http://", "https://", "ftp://", "www.")
_BEFORE_NOTHING = frozenset(" \t\n.,;:!?)]}…。，、；：！？）」』”’")


class Written:
    """`line`: the line as it is so far, its first characters; `last`: the end of the text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._gap = False
        self._had_space = False
        self.line = ""
        self.last = ""

    @property
    def leads(self) -> bool:
        """Whether the line has only signs so far that may stand before a block of Markdown."""
        return bool(_LEAD.fullmatch(self.line))

    @property
    def is_blank(self) -> bool:
        return len(self.line) < LINE_CHARS and not self.line.strip()

    def put(self, text: str) -> None:
        if self._gap and text.startswith(" ") and (not self.line or self.last.endswith(" ")):
            text = text[1:]  # one space is enough on both sides of what is gone
            self._gap = self._had_space = False
        if text.startswith(":") and _LABEL.fullmatch(self.line):
            # It would make a definition: every [n] a link to what follows.
            text = text.lstrip(":")
        if not text:
            return
        if self._needs_space(text):
            text = f" {text}"
        self._gap = self._had_space = False
        self.put_as_it_is(text)

    def put_own(self, text: str) -> None:
        """Something that we spell: a backslash before it must not make another thing of it."""
        self.put(f" {text}" if self.last.endswith("\\") and text[:1] != " " else text)

    def put_as_it_is(self, text: str) -> None:
        self._pieces.append(text)
        _, newline, line = text.rpartition("\n")
        if newline:
            self.line = line[:LINE_CHARS]
        elif len(self.line) < LINE_CHARS:
            self.line = (self.line + text)[:LINE_CHARS]
        self.last = (self.last + text[-LINE_CHARS:])[-8:]

    def leave_out(self, *, had_space: bool = False) -> None:
        """Something was removed here; `had_space`: with the space in front of it."""
        self._gap = True
        self._had_space = self._had_space or had_space

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _needs_space(self, text: str) -> bool:
        last, first = self.last[-1:], text[0]
        if (last == "!" and first == "[") or (last == "]" and first == "("):
            return True
        if last == "<" and (first.isalpha() or first in "/!?"):
            return True
        if not self._gap or not last or not self.line or last.isspace() or first.isspace():
            return False
        if self._had_space and first not in _BEFORE_NOTHING:
            return True
        return self._makes_something(last, text)

    def _makes_something(self, last: str, text: str) -> bool:
        first = text[0]
        if last in "\\<[(":
            return True
        if last == first and last in "`~$:":
            return True
        if (last == "]" and first in ":[") or (last.isdigit() and first in "]0123456789"):
            return True
        found = _BEGINNING.search(self.last)
        if found is None:
            return False
        # Every beginning that ends here, the longest first: "ww" may be the end of "www" or of "w".
        begun = found.group().lower()
        joined = (begun[at:] + first.lower() for at in range(len(begun)))
        return any(address.startswith(j) for j in joined for address in _ADDRESSES)
