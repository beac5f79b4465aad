"""Characters that a reader does not see and a model does: removed from what a page says.

Pure. Also drops the joiners that Persian and some scripts of India use inside words: the words stay
readable, and a joiner is as good a hiding place as any other.
"""

from __future__ import annotations

import re

# Controls but tab and line break, soft hyphen, joiners and zero-width characters, marks and
# isolates of the reading direction, invisible operators, variation selectors (they can carry
# bytes), annotation marks, tag characters (a second ASCII that shows nothing), lone surrogates.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")


def visible(text: str) -> str:
    """The text without them; every kind of line break becomes a plain one."""
    return _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text))


def one_line(text: str, limit: int) -> str:
    """As `visible`, on one line of at most `limit` characters: for titles."""
    return _SPACES.sub(" ", visible(text)).strip()[:limit]
