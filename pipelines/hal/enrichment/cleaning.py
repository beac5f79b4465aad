"""Makes text from the web harmless as text: nothing invisible, nothing that a chat template reads.

Pure. It cannot tell a true sentence from an instruction: that the material is quoted is said by
the prompt. Nothing visible is lost: what could pass for a control mark of a chat is broken up.
"""

from __future__ import annotations

import re

from .invisible import visible

# A title is one line in a list.
TITLE_CHARS = 120

# <|im_end|>, and DeepSeek's with its fullwidth bars; </s>, <start_of_turn>, <<SYS>>, <think>.
_ANGLE = re.compile(r"<(?=[|｜/<!?A-Za-z])")
# [INST], [/INST], [TOOL_CALLS] and whatever else a vocabulary spells that way.
_SQUARE = re.compile(r"\[(/?[A-Z][A-Z_]{1,30}|gMASK|sop|eop)\]")
# Alpaca's headings, Vicuna's and Claude's speakers: at the start of a line only.
_HEADING = re.compile(
    r"^[ \t]{0,8}#{1,6}[ \t]{0,8}(?=(?:instruction|response|input|system|user|assistant)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_SPEAKER = re.compile(
    r"^([ \t]{0,8}(?:human|assistant|system|user))[ \t]{0,4}:", re.IGNORECASE | re.MULTILINE
)
# The page's own footnotes would pass for our numbers.
_FOOTNOTE = re.compile(r"(?<!\[)\[\d{1,3}\]")
_SPACES = re.compile(r"\s{1,1000}")


def clean_text(text: str) -> str:
    """The text as it may be quoted and shown; a text that is clean stays as it is."""
    text = _FOOTNOTE.sub("", visible(text))
    text = _SQUARE.sub(r"[ \1 ]", text)
    text = _HEADING.sub("", text)
    text = _SPEAKER.sub(r"\1 -", text)
    return _ANGLE.sub("< ", text).strip()


def clean_title(title: str) -> str:
    """One line of at most TITLE_CHARS without what Markdown or a template could read."""
    line = _SPACES.sub(" ", clean_text(title[: 8 * TITLE_CHARS]))
    line = re.sub(r"[\[\]<>`{}【】［］]", "", line)
    line = _SPACES.sub(" ", line).strip()
    return line if len(line) <= TITLE_CHARS else f"{line[: TITLE_CHARS - 1].rstrip()}…"


def escaped(text: str) -> str:
    """The text with no character that could end a quoted block or begin a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escaped_attribute(text: str) -> str:
    """The same for a value between double quotes."""
    return escaped(text).replace('"', "&quot;").replace("'", "&#39;").replace("\n", " ")
