"""Puts the bundle together: a face's own file, with the whole package in it as readable texts.

Reads the checkout or the installed package, and writes nothing. The same sources give the same
bytes. Knows no command line.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ... import __version__, bundled
from ...errors import ConfigError
from ...prompts import prompt_folders
from .literal import literal
from .modules import needed

PACKAGE = Path(__file__).resolve().parents[2]
# The one word by which `is_bundle` knows what it may write over.
MARK = "# A bundle of hal-auto, made by `hal bundle`: change the sources, not this file."
# Both servers are made of these: to name them would only start pip for nothing, at each load.
HOST_HAS = frozenset({"aiohttp", "pydantic", "requests"})
_BEGIN, _END = "# The package: ", "# End of the package.\n"
_RULE = f"# {'=' * 98}"
_PLACE_BEGIN = "_TEXTS = {}\n"


@dataclass(frozen=True, slots=True)
class Face:
    """A face that can be bundled: its own file, the modules that it imports, and its file's name.

    `place`: an expression for what the bundle is called in error messages.
    """

    shim: Path
    entries: tuple[str, ...]
    name: str
    place: str


# The extractor is a process of its own, so that nothing imports it.
_PROCESSES = ("hal.enrichment.extract_worker",)
PIPELINE = Face(
    PACKAGE.parent / "hal_auto.py", ("hal.manifold", *_PROCESSES), "hal_auto.py", "str(__file__)"
)
# Open WebUI keeps a Function in its database; the file that it runs is gone when it has run.
FUNCTION = Face(
    Path(__file__).with_name("function_shim.py"),
    ("hal.function", *_PROCESSES),
    "hal_auto_function.py",
    '"hal_auto_function.py"',
)


def bundle(face: Face) -> str:
    """The text of the file. Raises ConfigError where a source is missing."""
    if not face.shim.is_file():
        raise ConfigError(f"{face.shim} is missing.", "Run hal from a checkout: pip install -e .")
    texts = needed(PACKAGE, (*face.entries, bundled.__name__))
    texts |= _prompts("".join(texts.values()))
    text = face.shim.read_text(encoding="utf-8")
    head, own = _front_matter(text)
    before, rest = own.split(_BEGIN, 1)
    after = rest.split(_END, 1)[1]
    return "".join((head, _contents(texts), before, _package(texts, face.place), after))


def is_bundle(text: str) -> bool:
    """Whether this is (the beginning of) a file of ours, which a new one may replace."""
    return MARK in text


def importable(text: str, name: str = "hal-auto") -> str:
    """The bundle of the Function as Open WebUI exports functions: what its Import button reads."""
    meta = {"description": _fields(text)["description"], "manifest": _fields(text)}
    entry = {"id": "hal_auto", "name": name, "type": "pipe", "meta": meta, "content": text}
    return json.dumps([entry], ensure_ascii=False, indent=1) + "\n"


def requirements() -> tuple[str, ...]:
    """What the serving path needs beside what its host has, as pip is told it."""
    project = PACKAGE.parents[1] / "pyproject.toml"
    if project.is_file():
        found = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        found = [one for one in metadata.requires("hal-auto") or [] if "extra ==" not in one]
    return tuple(sorted(one for one in found if _distribution(one) not in HOST_HAS))


def _distribution(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def _front_matter(text: str) -> tuple[str, str]:
    """The head of the file with version and requirements filled in, and what comes after it."""
    head, own = text.removeprefix('"""\n').split('"""\n', 1)
    lines = re.sub(r"(?m)^version: .*$", f"version: {__version__}", head)
    return f'"""\n{lines}requirements: {", ".join(requirements())}\n"""\n', own


def _fields(text: str) -> dict[str, str]:
    head = text.removeprefix('"""\n').split('"""\n', 1)[0]
    return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)


def _contents(texts: Mapping[str, str]) -> str:
    lines = sum(text.count("\n") for text in texts.values())
    return (
        f"\n{MARK}\n"
        f"# {len(texts)} files, {lines:,} lines, each under its path, and at the end what loads "
        "them.\n# Nothing is unpacked and nothing is downloaded; an error names file and line in "
        "here.\n"
    )


def _package(texts: Mapping[str, str], place: str) -> str:
    parts = [_PLACE_BEGIN]
    for path, text in texts.items():
        parts.append(f"\n{_RULE}\n# {path}\n{_RULE}\n_TEXTS[{path!r}] = {literal(text)}\n")
    parts.append(
        f"\n{_RULE}\n# What loads the texts above.\n{_RULE}\n_PLACE = {place}\n\n\n"
        "def _import_package():\n"
        '    made = {"__name__": "hal_bundled"}\n'
        f'    path = "{bundled.HERE}"\n'
        '    exec(compile(_TEXTS[path], f"{_PLACE}/{path}", "exec"), made)\n'
        '    made["install"](_TEXTS, _PLACE)\n'
    )
    return "".join(parts)


def _prompts(code: str) -> dict[str, str]:
    """The prompts that this code names, where an installed package has them."""
    found: dict[str, str] = {}
    for folder in prompt_folders({}):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        for name in sorted(name for name in names if name.endswith(".md")):
            if f'"{name.removesuffix(".md")}"' in code:
                text = (folder / name).read_text(encoding="utf-8")
                found.setdefault(f"hal/_prompts/{name}", text)
    return found
