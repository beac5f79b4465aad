"""How the value of a valve is written down and read: a field with its words, and lenient parsing.

Knows no valve by name.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

# Long enough for a mistyped number or word, shorter than any key: one that was pasted into the
# wrong row must not be shown to everybody who chats.
QUOTED_CHARS = 20
# Versions differ by a handful of valves; more is somebody else's file.
UNKNOWN_NAMES = 5


def valve(default: Any, title: str, description: str, *, is_secret: bool = False) -> Any:
    """A field with the words that the panel shows. `is_secret`: Open WebUI masks it in the panel of
    a Function; that of a Pipelines server shows it all the same."""
    # It looks at `input` for strings alone, which one that may be None is not by itself.
    extra: Any = {"type": "string", "input": {"type": "password"}} if is_secret else None
    return Field(default=default, title=title, description=description, json_schema_extra=extra)


def is_said(value: object) -> bool:
    """Neither None nor blank."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def usable_values(
    cls: type[BaseModel], data: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The values that validate, by name, and a sentence for each that does not."""
    cleaned: dict[str, Any] = {}
    problems: list[str] = []
    for name, info in cls.model_fields.items():
        value = data.get(name)
        if not is_said(value):
            continue
        parsed, usable = parse(info, value)
        if usable:
            cleaned[name] = parsed
        else:
            problems.append(unusable(name, info, value))
    return cleaned, problems


def unusable(name: str, info: FieldInfo, value: object) -> str:
    """The sentence about a value that cannot be used: what is wrong, and what is in force."""
    instead = "nothing" if info.default is None else info.default
    said = "what was given" if name.endswith("_KEY") else quoted(value)
    return f"{name}: {said} is {_expected(info)}, {instead} is in force"


def unknown_names(data: Mapping[str, Any], known: Container[str]) -> list[str]:
    """A sentence for each name of another version, and one for all beyond a few."""
    unknown = sorted(str(name) for name in data if name not in known)
    shown = [name if name.isidentifier() else quoted(name) for name in unknown[:UNKNOWN_NAMES]]
    said = [f"{name[:60]}: no setting of this version, left out" for name in shown]
    more = len(unknown) - len(shown)
    return [*said, f"stored valves: {more} more are no settings of this version"] if more else said


def quoted(value: object) -> str:
    """A value as people may see it: what is long, or may hold a login, is not repeated."""
    text = repr(value) if isinstance(value, str) else str(value)
    if len(text) > QUOTED_CHARS or "@" in text or not text.isprintable():
        return "what was given"
    return text


def _expected(info: FieldInfo) -> str:
    """Why a value is none for this field: "not a number", "none of off, on"."""
    kinds = [kind for kind in get_args(info.annotation) or (info.annotation,) if kind != NoneType]
    if get_origin(info.annotation) is Literal:
        return f"none of {', '.join(map(str, kinds))}"
    names = {bool: "neither true nor false", int: "not a whole number", float: "not a number"}
    return names.get(kinds[0], "not a text")


def parse(info: FieldInfo, value: Any) -> tuple[Any, bool]:
    """One value as its field wants it, and whether it can be used."""
    try:
        parsed = TypeAdapter[Any](info.annotation).validate_python(value)  # type: ignore[arg-type]
    except ValidationError:
        return None, False
    # JSON has no NaN and no infinity: the server could not store what it had accepted.
    usable = not isinstance(parsed, float) or abs(parsed) < float("inf")
    return parsed.strip() if isinstance(parsed, str) else parsed, usable
