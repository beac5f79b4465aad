"""How the value of a valve is written down and read: a field with its words, and lenient parsing.

Knows no valve by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo


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
            problems.append(f"{name}: not usable, the default {info.default!r} is in force")
    return cleaned, problems


def parse(info: FieldInfo, value: Any) -> tuple[Any, bool]:
    """One value as its field wants it, and whether it can be used."""
    try:
        parsed = TypeAdapter[Any](info.annotation).validate_python(value)  # type: ignore[arg-type]
    except ValidationError:
        return None, False
    # JSON has no NaN and no infinity: the server could not store what it had accepted.
    usable = not isinstance(parsed, float) or abs(parsed) < float("inf")
    return parsed.strip() if isinstance(parsed, str) else parsed, usable
