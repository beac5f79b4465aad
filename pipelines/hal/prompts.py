"""Prompts: Markdown files with flat front matter and a `$placeholder` body, read once, versioned.

Knows nothing of what the prompts are for. There is no second copy of a prompt in Python: a missing
file is an error that says where it was looked for.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from .errors import ConfigError


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. `id` is `name@version+sha8` of the whole file: it changes when a byte changes."""

    name: str
    version: str
    body: str
    sha256: str
    text: str
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}+{self.sha256[:8]}"

    def render(self, **values: str) -> str:
        """The body with every placeholder filled; a missing one is a ConfigError."""
        try:
            return Template(self.body).substitute(values)
        except (KeyError, ValueError) as error:
            raise ConfigError(
                f"Prompt {self.name}: placeholder {error} cannot be filled."
            ) from None


def placeholders(text: str) -> Counter[str]:
    """How often each `$placeholder` stands in a text."""
    names = (match["named"] or match["braced"] for match in Template.pattern.finditer(text))
    return Counter(name for name in names if name)


def parse_prompt(name: str, text: str) -> Prompt:
    """Front matter (`key: value` lines between two `---`), then the body."""
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        raise ConfigError(f"Prompt {name} has no front matter.", "It must begin with '---'.")
    meta = dict(_pair(name, line) for line in head.splitlines() if line.strip())
    digest = sha256(text.encode()).hexdigest()
    return Prompt(name, meta.get("version", "0"), body.strip(), digest, text, meta)


def _pair(name: str, line: str) -> tuple[str, str]:
    key, separator, value = line.partition(":")
    if not separator:
        raise ConfigError(f"Prompt {name}: front matter line without a colon: {line!r}.")
    return key.strip(), value.strip()


def prompt_folders(environ: Mapping[str, str] | None = None) -> tuple[Traversable, ...]:
    """Where prompts are looked for: `HAL_PROMPTS_DIR`, the package (installed, or in a bundle),
    the repository."""
    configured = (os.environ if environ is None else environ).get("HAL_PROMPTS_DIR", "")
    found = [Path(configured)] if configured else []
    repository = Path(__file__).resolve().parents[2]
    return (*found, files(__package__) / "_prompts", repository / "prompts")


def load_prompt(name: str, folders: tuple[Traversable, ...] | None = None) -> Prompt:
    folders = prompt_folders() if folders is None else folders
    for folder in folders:
        path = folder / f"{name}.md"
        if path.is_file():
            return parse_prompt(name, path.read_text(encoding="utf-8"))
    looked = ", ".join(str(folder) for folder in folders)
    raise ConfigError(f"Prompt {name}.md is missing.", f"Looked in: {looked}.")
