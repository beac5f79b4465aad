"""What of an answer reaches the reader after a search: its text, its numbers, and no foreign link.

Pure. However the text is cut, the same comes out. Pages are written by strangers, and a model may
do what they ask: so images and tags go, links stay only where they lead to a source of this answer,
and citations get the one spelling that is drawn. Code is left alone where it surely is code.
At most `HOLD_CHARS` are held back, and that only inside of a link that has begun.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .links import (
    DESTINATION_CHARS,
    TEXT_CHARS,
    closing_bracket,
    destination,
    host_of,
    is_token,
    plain,
    plain_inside,
)
from .marks import MARK_CHARS, may_become_parenthesis, read_mark, read_parenthesis
from .outward import Outward
from .walk import WAIT

HOLD_CHARS = TEXT_CHARS + DESTINATION_CHARS

_WIDE = re.compile(rf"[【［〔]([^【】［］〔〕\n]{{1,{MARK_CHARS}}})[】］〕]")
_WIDE_BEGINS = re.compile(rf"[【［〔][^【】［］〔〕\n]{{0,{MARK_CHARS}}}\Z")
_DEFINITION = re.compile(
    r"[ \t]{0,8}(?:<[^<>\n]{0,2000}>|[^\s<][^\s]{0,2000})[ \t]{0,8}"
    r"(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|\([^()\n]{0,200}\))?[ \t]{0,8}"
)
_IS_ADDRESS = re.compile(
    r"[ \t]{0,8}<?(?:[a-z][a-z0-9+.-]{0,30}:|[^\s]{0,300}[/.#])", re.IGNORECASE
)


class AnswerFilter(Outward):
    """One for each answer; `feed` the pieces, then `flush`, also after an error.

    `count`: how many sources there are; `urls`: the addresses that may be linked to. `cited` are
    the numbers that the answer used, `invalid` how often it used one that there is not.
    """

    def __init__(self, count: int, urls: Collection[str]) -> None:
        super().__init__(
            urls,
            {
                "[": self._bracket,
                " ": self._space,
                "]": self._closing,
                "(": self._parenthesis,
                "【": self._wide,
                "［": self._wide,
                "〔": self._wide,
            },
        )
        self._count = count
        # A bracket is open that its line did not close: a label may end on a later line.
        self._is_loose = False
        self.cited: set[int] = set()
        self.invalid = 0

    def _paragraph_ends(self) -> None:
        self._is_loose = False

    def _space(self, buffer: str, at: int) -> int:
        """A space before a bracket: it goes when the bracket goes."""
        if self._lacks(buffer, at, 2):
            return WAIT
        after = buffer[at + 1 : at + 2]
        if after == "(":
            return self._parenthesis(buffer, at)
        return self._bracket(buffer, at) if after == "[" else self._wide(buffer, at)

    def _bracket(self, buffer: str, at: int) -> int:
        start = at + (buffer[at] == " ")
        end = closing_bracket(buffer, start)
        if end == WAIT and not self._is_last:
            return WAIT
        if end is None or end == WAIT:
            self._is_loose = True
            return self._begin(buffer, at, start)
        if self._lacks(buffer, end, 2):
            return WAIT
        if buffer[end + 1 : end + 2] == "(":
            link = destination(buffer, end + 1)
            if link == ("", WAIT) and not self._is_last:
                return WAIT
            if link is not None and link[1] != WAIT:
                self._link(buffer[at:start], buffer[start + 1 : end], link[0])
                return link[1]
        return self._group(buffer, at, start, end)

    def _begin(self, buffer: str, at: int, start: int) -> int:
        """The bracket as text; what is inside of it comes next."""
        self._out.put(buffer[at : start + 1])
        return start + 1

    def _group(self, buffer: str, at: int, start: int, end: int) -> int:
        """Something in brackets that is no link."""
        inside, space = plain_inside(buffer[start + 1 : end]), buffer[at:start]
        leads, has_colon = self._out.leads, buffer[end + 1 : end + 2] == ":"
        if self._fences.is_listed or is_token(inside):
            self._is_loose = self._is_loose or (leads and has_colon)
            return self._begin(buffer, at, start)
        if numbers := read_mark(inside):
            self._mark(numbers, space)
            return end + 1
        if inside.isdecimal():  # a year: in brackets it would be drawn as a source
            self._out.put(f"{space}({inside})")
            return end + 1
        if leads and has_colon and "[" not in inside:  # a label has no brackets in it
            return self._definition(buffer, start, end)
        return self._begin(buffer, at, start)

    def _definition(self, buffer: str, start: int, end: int) -> int:
        """`[label]: address` goes with its line; `[Note]: text` loses its brackets."""
        limit = end + 2 + DESTINATION_CHARS
        newline = buffer.find("\n", end, limit)
        if newline < 0 and self._lacks(buffer, end + 2, DESTINATION_CHARS):
            return WAIT
        line_end = min(len(buffer), limit) if newline < 0 else newline
        rest = buffer[end + 2 : line_end]
        if _DEFINITION.fullmatch(rest) and _IS_ADDRESS.match(rest):
            self._out.leave_out()
            return line_end
        self._out.put(f"{plain(buffer[start + 1 : end], self._allowed)}:")
        return end + 2

    def _closing(self, buffer: str, at: int) -> int:
        if not self._is_loose:
            return self._one(buffer, at)
        if self._lacks(buffer, at, 2):
            return WAIT
        # The label of a definition may run over lines: a space before the colon ends it.
        self._out.put("] " if buffer[at + 1 : at + 2] == ":" else "]")
        return at + 1

    def _link(self, space: str, text: str, address: str) -> None:
        if numbers := read_mark(plain_inside(text)):
            self._mark(numbers, space)
            return
        shown, spelling = plain(text, self._allowed), self._allowed.spelling(address)
        if spelling:
            self._out.put_own(f"{space}[{shown or host_of(spelling)}]({spelling})")
        elif shown:
            self._out.put(space + shown)
        else:
            self._out.leave_out(had_space=bool(space))

    def _mark(self, numbers: tuple[int, ...], space: str) -> None:
        valid = [number for number in numbers if 1 <= number <= self._count]
        self.cited.update(valid)
        self.invalid += len(numbers) - len(valid)
        if valid:
            self._out.put_own(space + "".join(f"[{number}]" for number in valid))
        else:
            self._out.leave_out(had_space=bool(space))

    def _wide(self, buffer: str, at: int) -> int:
        start = at + (buffer[at] == " ")
        found = _WIDE.match(buffer, start)
        if found is None:
            if not self._is_last and _WIDE_BEGINS.match(buffer, start):
                return WAIT
            return self._begin(buffer, at, start)
        numbers = () if self._fences.is_listed else read_mark(found[1].strip())
        if not numbers:
            return self._begin(buffer, at, start)
        self._mark(numbers, buffer[at:start])
        return found.end()

    def _parenthesis(self, buffer: str, at: int) -> int:
        start = at + (buffer[at] == " ")
        numbers, end = read_parenthesis(buffer, start)
        if numbers and not self._fences.is_listed:
            self._mark(numbers, buffer[at:start])
            return end
        if not self._is_last and may_become_parenthesis(buffer[start : start + MARK_CHARS]):
            return WAIT
        return self._begin(buffer, at, start)
