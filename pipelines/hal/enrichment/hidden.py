"""Which parts of an HTML page its reader does not see, from the attributes of its elements alone.

Pure: knows inline styles and attributes, and neither style sheets nor scripts. Text that only a
style sheet hides, or that a script hides later, is taken for visible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# A style attribute that is longer says nothing about being hidden that the first part does not.
_MAX_STYLE_CHARS = 2000
# Fewer pixels to the left or above could be an ornament; nobody scrolls there.
_OFF_SCREEN = 200
# Scripts stay: some say when a page was written, and none of them is text for the extractor.
_NEVER_SHOWN = frozenset({"template", "noscript"})
# What style sheets have called text for screen readers alone for ten years.
_FOR_SCREEN_READERS = frozenset({"sr-only", "visually-hidden", "screen-reader-text"})

_COMMENT = re.compile(r"/\*[^*]{0,200}\*/")
_NUMBER = re.compile(r"(-?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9}))(%|[a-z]{0,4})")
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,1(?:\.0{1,9})?)?\)")
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}
# Of 255: a difference that no eye makes letters of.
_SAME_COLOR = 16
_SAYS_NOTHING = frozenset({"none", "transparent", "inherit", "initial", "unset"})
_CLEAR = re.compile(
    r"transparent|rgba\(\d{1,3},\d{1,3},\d{1,3},0?\.?0+\)|#[0-9a-f]{3}0|#[0-9a-f]{6}00"
)
_EMPTY_CLIP = re.compile(r"rect\((?:[01](?:px)?[, ]?){4}\)|inset\((?:50|100)%\)|circle\(0\)")


@dataclass(frozen=True, slots=True)
class Look:
    """What an element hands down: its own background and colour of text, "" where not given."""

    background: str = ""
    color: str = ""


def declarations(style: str) -> Mapping[str, str]:
    """A style attribute as lower-case properties; the last of a name wins, as in a browser."""
    plain = _COMMENT.sub("", style[:_MAX_STYLE_CHARS].lower()).replace("!important", "")
    pairs = (part.partition(":") for part in plain.split(";"))
    return {name.strip(): _tight(value) for name, sign, value in pairs if sign}


def is_hidden(tag: str, attributes: Mapping[str, str], around: Look = Look()) -> bool:
    """Whether neither this element nor what is in it shows. `around`: what its parents hand down.

    Not for html and body: pages hide those until their script has run.
    """
    if tag in _NEVER_SHOWN or "hidden" in attributes:
        return True
    if attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    if _FOR_SCREEN_READERS & set(attributes.get("class", "").lower().split()):
        return True
    style = declarations(attributes.get("style", ""))
    if _is_switched_off(style) or _is_tiny(style) or _is_elsewhere(style):
        return True
    inside = look(attributes, around)
    return inside != around and _is_unseen(inside)


def look(attributes: Mapping[str, str], around: Look) -> Look:
    """The colours inside an element with these attributes."""
    style = declarations(attributes.get("style", ""))
    background = style.get("background-color") or style.get("background", "").split(" ")[0]
    background = background or _tight(attributes.get("bgcolor", "").lower())
    color = style.get("color") or _tight(attributes.get("color", "").lower())
    return Look(
        around.background if background in _SAYS_NOTHING or not background else background,
        around.color if color == "inherit" or not color else color,
    )


def _is_switched_off(style: Mapping[str, str]) -> bool:
    return (
        style.get("display") == "none"
        or style.get("visibility") in {"hidden", "collapse"}
        or style.get("content-visibility") == "hidden"
        or _number(style.get("opacity", "")) <= 0.05
    )


def _is_tiny(style: Mapping[str, str]) -> bool:
    if _number(style.get("font-size", "")) <= _smallest(style.get("font-size", "")):
        return True
    if style.get("transform", "").startswith(("scale(0)", "scale(0,", "scalex(0)", "scaley(0)")):
        return True
    if style.get("overflow", "").split(" ")[0] not in {"hidden", "clip"}:
        return False
    sizes = ("width", "height", "max-width", "max-height")
    return any(_number(style.get(name, "")) <= 1 for name in sizes)  # the 1 px of screen readers


def _smallest(size: str) -> float:
    """A pixel or a point is no letter; 1em is an ordinary one."""
    return 1.0 if size.endswith(("px", "pt")) else 0.05


def _is_elsewhere(style: Mapping[str, str]) -> bool:
    if _EMPTY_CLIP.match(style.get("clip", "")) or _EMPTY_CLIP.match(style.get("clip-path", "")):
        return True
    moves = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
    if any(_number(style.get(name, "")) <= -_OFF_SCREEN for name in moves):
        return True
    shift = style.get("transform", "")
    inner = shift.partition("translate")[2].partition("(")[2]
    return any(_number(part) <= -_OFF_SCREEN for part in inner.rstrip(")").split(","))


def _is_unseen(colors: Look) -> bool:
    if _CLEAR.fullmatch(colors.color):
        return True
    # Nobody has coloured it: a page is white.
    text, paper = _rgb(colors.color), _rgb(colors.background or "white")
    if text is None or paper is None:
        return bool(colors.color) and colors.color == colors.background
    return all(abs(one - other) <= _SAME_COLOR for one, other in zip(text, paper, strict=True))


def _rgb(color: str) -> tuple[int, ...] | None:
    """Red, green and blue of the ways in which pages write an opaque colour; None for others."""
    if color in _NAMED:
        return _NAMED[color]
    if found := _RGB.fullmatch(color):
        return tuple(int(part) for part in found.groups())
    if found := _HEX.fullmatch(color):
        digits = found[1] if len(found[1]) > 3 else "".join(2 * digit for digit in found[1])
        return tuple(bytes.fromhex(digits))
    return None


def _number(value: str) -> float:
    """The first number of a value; infinite where there is none, so that nothing is below it."""
    found = _NUMBER.match(value)
    return float(found[1]) if found else float("inf")


def _tight(value: str) -> str:
    """Without the spaces that make two spellings of one colour."""
    return re.sub(r" ?([,()]) ?", r"\1", " ".join(value.split()))
