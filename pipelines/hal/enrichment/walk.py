"""Walks over an answer as it streams: what is code is left alone, everything else asked about.

Pure. Knows lines, fences and inline code of Markdown; what is done about the other signs is for who
inherits from it. However the text is cut, each sign is met once, with what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .fences import LINE_CHARS, MAX_RUN, MIN_RUN, Fences
from .written import Written

# "What begins here cannot be judged before more has come."
WAIT = -1
# Inline code is a name or a command; what is longer is filtered as text.
SPAN_CHARS = 400

_TRIGGER = re.compile(
    r"[\n\[\]!<(\\`~$【［〔]| (?=[\[【［〔(])|https?:|ftp:|www\.|:::", re.IGNORECASE
)
_PENDING = re.compile(r"(?: |:{1,2}|h(?:t(?:t(?:ps?)?)?)?|ft?p?|w{1,3})\Z", re.IGNORECASE)
# As many characters as that can match, and one.
_PENDING_CHARS = 6
_RUN = re.compile(rf"`{{1,{MAX_RUN}}}|~{{1,{MAX_RUN}}}")
# Signs with which something else can begin or end inside of it: a cell, a formula, a crossed-out
# text. Such a span is filtered as text.
_DOUBTFUL = re.compile(r"[`|$~\\}]")

# A formula with this name may run over blank lines, and over a fence.
_EQUATION = "\\begin{equation}"

Handler = Callable[[str, int], int]


class Walker:
    """`signs`: what deals with a sign at a place of the buffer and says where it ends, or WAIT."""

    def __init__(self, signs: Mapping[str, Handler]) -> None:
        self._fences = Fences()
        self._out = Written()
        self._held = ""
        self._is_last = False
        # A lone backtick may pair with a later one: until the paragraph ends, no inline code.
        self._is_stray = False
        # The rest of something that was too long to hold is coming.
        self._is_skipping = False
        self._signs: dict[str, Handler] = {
            "\n": self._newline,
            "`": self._run_of_signs,
            "~": self._run_of_signs,
            "\\": self._backslash,
            "$": self._dollar,
            ":::": self._colons,
            **signs,
        }

    @property
    def held_chars(self) -> int:
        return len(self._held)

    def feed(self, text: str) -> str:
        """What can leave now."""
        text = text.replace("\r", "")  # to a renderer the end of a line; with \n, one of two
        is_open = self._held or self._is_skipping or self._fences.is_code
        if text and not is_open and not _TRIGGER.search(text) and not _PENDING.search(text):
            self._out.put(text)
            return self._out.take()
        return self._run(text, is_last=False)

    def flush(self) -> str:
        """What was held back; more may follow, as a new piece of the same text."""
        return self._run("", is_last=True)

    def _run(self, text: str, *, is_last: bool) -> str:
        self._is_last = is_last
        buffer = self._held + text
        at = 0
        while at < len(buffer):
            after = self._step(buffer, at)
            if after == WAIT:
                break
            at = after
        self._held = buffer[at:]
        return self._out.take()

    def _step(self, buffer: str, at: int) -> int:
        """Deal with what begins here; where it ends, or WAIT when that cannot be said yet."""
        if self._is_skipping:
            return self._skip(buffer, at)
        if self._fences.is_code:
            return self._code(buffer, at)
        found = _TRIGGER.search(buffer, at)
        if found is None or found.start() > at:
            return self._plain(buffer, at, len(buffer) if found is None else found.start())
        sign = found.group()
        handler = self._signs[sign if len(sign) == 1 or sign == ":::" else "address"]
        return handler(buffer, at)

    def _skip(self, buffer: str, at: int) -> int:
        raise NotImplementedError

    def _plain(self, buffer: str, at: int, end: int) -> int:
        if end == len(buffer) and not self._is_last:
            pending = _PENDING.search(buffer, max(at, end - _PENDING_CHARS))
            end = pending.start() if pending else end
        self._out.put(buffer[at:end])
        return end if end > at else WAIT

    def _lacks(self, buffer: str, at: int, chars: int) -> bool:
        """Whether so many characters are not there yet, and may still come."""
        return not self._is_last and len(buffer) - at < chars

    def _one(self, buffer: str, at: int) -> int:
        self._out.put(buffer[at])
        return at + 1

    def _newline(self, buffer: str, at: int) -> int:
        self._fences.end_line(self._out.line)
        if self._out.is_blank:
            self._is_stray = False
            self._paragraph_ends()
        return self._one(buffer, at)

    def _paragraph_ends(self) -> None:
        """A blank line: nothing before it can have to do with anything after it."""

    def _code(self, buffer: str, at: int) -> int:
        newline = buffer.find("\n", at)
        end = len(buffer) if newline < 0 else newline
        line = buffer[at:end][:LINE_CHARS]
        if not self._out.line:
            is_whole = newline >= 0 or self._is_last or len(line) == LINE_CHARS
            if is_whole:
                self._fences.close(line)
            elif self._fences.may_close(line):
                return WAIT
        self._out.put_as_it_is(buffer[at : end + 1])
        return min(end + 1, len(buffer))

    def _run_of_signs(self, buffer: str, at: int) -> int:
        found = _RUN.match(buffer, at)
        run = found.group() if found else buffer[at]
        if len(run) < MAX_RUN and self._lacks(buffer, at, len(run) + 1):
            return WAIT
        if len(run) >= MIN_RUN and self._out.leads:
            return self._fence(buffer, at, run)
        return self._span(buffer, at, run)

    def _fence(self, buffer: str, at: int, run: str) -> int:
        end = buffer.find("\n", at, at + LINE_CHARS)
        if end < 0 and self._lacks(buffer, at, LINE_CHARS):
            return WAIT
        rest = buffer[at + len(run) : end] if end >= 0 else "`"
        if run[0] == "`" and "`" in rest:
            # No fence as it stands; but what is removed behind it may make it one. The longest
            # lines count here too: at the end of all it makes no difference.
            self._fences.distrust()
            return self._span(buffer, at, run)
        if not self._fences.mark(self._out.line, run, rest):
            return self._stray(run, at)
        self._out.put_as_it_is(buffer[at : end + 1])
        return end + 1

    def _span(self, buffer: str, at: int, run: str) -> int:
        """Inline code, if its end is on this line and nothing in it is in doubt."""
        start, n = at + len(run), len(run)
        if run[0] != "`" or n > 1 or self._is_stray:
            return self._stray(run, at)
        limit = start + SPAN_CHARS
        newline = buffer.find("\n", start, limit)
        end = buffer.find("`", start, limit if newline < 0 else newline)
        if end < 0:
            is_open = newline < 0 and self._lacks(buffer, start, SPAN_CHARS)
            return WAIT if is_open else self._stray(run, at)
        if self._lacks(buffer, end, 2):
            return WAIT
        inside = buffer[start:end]
        if not inside or buffer[end + 1 : end + 2] == "`" or _DOUBTFUL.search(inside):
            return self._stray(run, at)
        self._out.put(buffer[at])
        self._out.put_as_it_is(buffer[start : end + 1])
        return end + 1

    def _stray(self, run: str, at: int) -> int:
        self._is_stray = self._is_stray or run[0] == "`"
        self._out.put(run)
        return at + len(run)

    def _backslash(self, buffer: str, at: int) -> int:
        if self._lacks(buffer, at, len(_EQUATION)) and _EQUATION.startswith(buffer[at:]):
            return WAIT
        after = buffer[at + 1 : at + 2]
        if buffer.startswith(_EQUATION, at):
            self._fences.distrust()
        elif after in "[]":
            self._fences.display(begins=after == "[")
        elif after in "\\`":
            self._out.put(buffer[at : at + 2])
            return at + 2
        return self._one(buffer, at)

    def _dollar(self, buffer: str, at: int) -> int:
        if self._lacks(buffer, at, 2):
            return WAIT
        if buffer[at + 1 : at + 2] != "$":
            return self._one(buffer, at)
        self._fences.double_dollar()
        self._out.put("$$")
        return at + 2

    def _colons(self, buffer: str, at: int) -> int:
        self._fences.distrust()
        self._out.put(buffer[at : at + 3])
        return at + 3
