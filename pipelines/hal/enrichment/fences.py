"""Whether a line of an answer is inside a block of code, where a renderer shows all as it is.

Pure. It says "code" only where every renderer agrees: a fence at the very start of a line, with no
other block around it that could end first. After anything doubtful nothing counts as code any
more, so that a text cannot make the filter and the renderer disagree; the code is then shown all
the same, only without its links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MIN_RUN = 3
# More signs than any fence has, and the longest line that may open one (a language, a file name).
MAX_RUN = 100
LINE_CHARS = 300

# A language, a file name, a line number. What else stands there may be something else to somebody:
# the head of a table, a picture.
_INFO = re.compile(r"[\w \t+#.,:=\"'/{}-]{0,300}")
_FENCE_SIGNS = "`~ \t"
_CLOSES = re.compile(r" {0,3}(`{3,100}|~{3,100})([`~]{0,100}[ \t]{0,100})")


@dataclass(frozen=True, slots=True)
class _Fence:
    sign: str
    length: int
    indent: int = 0


class Fences:
    """`is_code`: the text is inside a fence. `is_listed`: it may be, as in an item of a list."""

    def __init__(self) -> None:
        self._sure: _Fence | None = None
        self._listed: _Fence | None = None
        self._is_trusted = True
        self._dollars = 0
        self._in_display = False

    @property
    def is_code(self) -> bool:
        return self._sure is not None

    @property
    def is_listed(self) -> bool:
        return self._listed is not None

    def distrust(self) -> None:
        """A block has begun that may swallow a fence: from here on nothing counts as code."""
        self._is_trusted = False

    def double_dollar(self) -> None:
        self._dollars += 1

    def display(self, *, begins: bool) -> None:
        r"""`\\[` or `\\]`: a formula may run over lines, and over a fence."""
        self._in_display = begins

    def end_line(self, line: str) -> None:
        """A line outside of sure code is complete."""
        listed = self._listed
        if listed and line.strip() and len(line) - len(line.lstrip(" ")) < listed.indent:
            # Its item has ended, and the code with it, or it never was in one.
            self._listed = None
            self.distrust()

    def mark(self, before: str, run: str, rest: str) -> bool:
        """A line `before` + `run` of three or more + `rest`. True when sure code begins here."""
        if before.strip(" "):  # behind the mark of a quote or of an item
            self.distrust()
        elif before:
            self._mark_listed(_Fence(run[0], len(run), len(before)), rest)
        else:
            if self._listed or self._dollars % 2 or self._in_display or not _INFO.fullmatch(rest):
                self.distrust()
            if self._is_trusted:
                self._sure = _Fence(run[0], len(run))
        return self._sure is not None

    def _mark_listed(self, fence: _Fence, rest: str) -> None:
        listed = self._listed
        if listed is None:
            self._listed = fence
            return
        closes = fence.sign == listed.sign and fence.length >= listed.length and not rest.strip()
        self._listed = None
        if not closes or fence.indent != listed.indent:
            self.distrust()

    def may_close(self, beginning: str) -> bool:
        """Whether more text could make this beginning of a line the end of the code."""
        return len(beginning) < LINE_CHARS and not beginning.strip(_FENCE_SIGNS)

    def close(self, line: str) -> None:
        """A whole line of sure code, or its first LINE_CHARS: the code is over if it says so."""
        found, fence = _CLOSES.fullmatch(line), self._sure
        if len(line) >= LINE_CHARS and not line.strip(_FENCE_SIGNS):
            self._sure = None
            self.distrust()
        elif found and fence and found[1][0] == fence.sign and len(found[1]) >= fence.length:
            self._sure = None
            if found[2].strip(" "):  # to some a fence, to others a line of code
                self.distrust()
