"""The shape of a router's weights file: field by field, unknown ones refused.

Knows which kinds of values stand where, not what they have to add up to (`weights_file.py`). Arrays
are base64 of little-endian 32-bit floats: a quarter of the size of decimals, loaded in a
millisecond, and exact to seven digits.
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from .weights import Link


def floats(values: array[float]) -> str:
    """An array as it stands in the file."""
    swapped = array("f", values)
    if sys.byteorder == "big":
        swapped.byteswap()
    return base64.b64encode(swapped.tobytes()).decode("ascii")


def _parse_floats(value: object) -> array[float]:
    if not isinstance(value, str):
        raise ValueError("expected base64 text")  # noqa: TRY004 - pydantic wants ValueError
    try:
        data = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(data) % 4:
        raise ValueError("not a whole number of 32-bit floats")
    found = array("f", data)
    if sys.byteorder == "big":
        found.byteswap()
    if not all(-1e30 < number < 1e30 for number in found):  # NaN compares false as well
        raise ValueError("holds a number that is not finite")
    return found


_Floats = Annotated[Any, BeforeValidator(_parse_floats)]


def _nothing() -> array[float]:
    return array("f")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StackFile(_Strict):
    inputs: tuple[str, ...]
    bias: FiniteFloat
    weights: tuple[FiniteFloat, ...]


class HeadFile(_Strict):
    link: Link
    surface: tuple[FiniteFloat, ...] = ()
    words: _Floats = Field(default_factory=_nothing)
    pairs: _Floats = Field(default_factory=_nothing)
    parts: _Floats = Field(default_factory=_nothing)
    pieces: _Floats = Field(default_factory=_nothing)
    embedding: tuple[FiniteFloat, ...] = ()
    stacks: tuple[StackFile, ...]


class SurfaceFile(_Strict):
    names: tuple[str, ...]
    mean: tuple[FiniteFloat, ...]
    scale: tuple[FiniteFloat, ...]


class HeadsFile(_Strict):
    local_ok: HeadFile
    gain: HeadFile
    needs_search: HeadFile | None = None


class DraftHeadFile(_Strict):
    link: Link
    bias: FiniteFloat
    features: tuple[FiniteFloat, ...]
    local_ok: FiniteFloat
    gain: FiniteFloat


class DraftFile(_Strict):
    names: tuple[str, ...]
    mean: tuple[FiniteFloat, ...]
    scale: tuple[FiniteFloat, ...]
    ok: DraftHeadFile
    gain: DraftHeadFile


class RouterFile(_Strict):
    format: Literal["hal-router"]
    version: Literal[1]
    features: Literal[1]
    made: dict[str, str]
    surface: SurfaceFile
    embedding_model: str = ""
    vocabulary: tuple[str, ...] = ()
    heads: HeadsFile
    draft: DraftFile | None = None
