"""Which files a face needs: all modules that it imports, and what lies beside them as data.

Reads sources and imports none of them. Knows neither faces nor bundles.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

# What an editor, a system or Python itself leaves in a folder.
_IGNORED_SUFFIXES = frozenset({".py", ".pyc", ".pyo"})


def needed(package: Path, entries: Iterable[str]) -> dict[str, str]:
    """The texts of these modules ("hal.turn"), of all that they import of the same package, and of
    the data files of the packages among them; by their paths ("hal/turn.py"), sorted.

    Raises FileNotFoundError for an entry that is not there.
    """
    paths = {_name(path, package): path for path in sorted(package.rglob("*.py"))}
    found: set[str] = set()
    waiting = list(entries)
    if missing := [name for name in waiting if name not in paths]:
        raise FileNotFoundError(", ".join(missing))
    while waiting:
        name = waiting.pop()
        if name in found or name not in paths:
            continue
        found.add(name)
        waiting += [name.rpartition(".")[0], *_imported(name, paths[name])]
    files = [*(paths[name] for name in found), *_data({paths[name].parent for name in found})]
    texts = {
        path.relative_to(package.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in files
    }
    return dict(sorted(texts.items()))


def _name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, path: Path) -> Iterator[str]:
    """What may be a module of ours: a name that is imported may be one, or stand in one."""
    parts = name.split(".")
    package = parts if path.name == "__init__.py" else parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - node.level + 1]
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _data(folders: Iterable[Path]) -> Iterator[Path]:
    """Files below the folders that are no modules, but for those of packages further down."""
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not (path / "__init__.py").exists():
                if path.name != "__pycache__" and not path.name.startswith("."):
                    yield from _data([path])
            elif path.is_file() and path.suffix not in _IGNORED_SUFFIXES and path.name[0] != ".":
                yield path
