"""Writes a text as a Python literal that reads like the text itself.

Pure. Knows what may not stand in such a literal as it is, and nothing of what the texts say.
"""

from __future__ import annotations

import ast
import re

# Open WebUI replaces these beginnings of imports wherever they stand in a Function
# (`replace_imports` in its utils/plugin.py), in texts as well: here two literals make one of them.
_REPLACED = ("utils", "apps", "main", "config")
_CUT = re.compile(f"(?<=from )(?={'|'.join(_REPLACED)})")
_QUOTES = "'''"


def literal(text: str) -> str:
    """The expression, over as many lines as the text has. Raises ValueError for what cannot be
    written so: in a source file a carriage return is a line feed, and a NUL an error."""
    if "\r" in text or "\0" in text:
        raise ValueError("a text with a carriage return or a NUL cannot be written as it is")
    pieces = [piece for part in _between_quotes(text) for piece in _CUT.split(part)]
    quoted = [_quoted(piece) for piece in pieces if piece] or ["''"]
    written = quoted[0] if len(quoted) == 1 else f"({''.join(quoted)})"
    if ast.literal_eval(written) != text:
        raise ValueError("the text does not come out of its literal")
    return written


def _between_quotes(text: str) -> list[str]:
    first, *others = text.split(_QUOTES)
    return [first, *(part for other in others for part in (_QUOTES, other))]


def _quoted(piece: str) -> str:
    if piece == _QUOTES:
        return f'"{_QUOTES}"'
    # Neither may stand before the closing quotes; no file of ours ends so.
    return repr(piece) if piece.endswith(("\\", "'")) else f"r{_QUOTES}{piece}{_QUOTES}"
