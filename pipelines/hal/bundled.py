"""Imports the package from texts that stand in one file, for `hal bundle`; opens no file.

Goes into every bundle as one of its texts, and is run from there before there is a package: it
imports nothing of ours. Errors show module and line of these texts, because the loader can tell
what a line says. Knows nothing of what is in the texts.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import IO, Any

PACKAGE = "hal"
# Where the text of this module is found among the others.
HERE = "hal/bundled.py"
# What another interpreter runs to have the same package: the first line of its input holds it.
START = (
    "import json, sys; order = json.loads(sys.stdin.buffer.readline()); "
    f"made = {{'__name__': 'hal_bundled'}}; exec(order['texts'][{HERE!r}], made); "
    "made['install'](order['texts'], order['place'])"
)


def install(texts: Mapping[str, str], place: str) -> ModuleType:
    """Import the package anew from these texts, by their paths ("hal/turn.py"); returns it.

    `place` is the name of the bundle, for error messages. Modules and importer of an earlier load
    are dropped; turns that run in them go on. Raises what the package raises.
    """
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.meta_path[:] = [one for one in sys.meta_path if not hasattr(one, "hal_handed_on")]
    importer = TextImporter(texts, place)
    sys.meta_path.insert(0, importer)
    spec = importer.spec_of(PACKAGE)
    if spec is None:
        raise ImportError(f"{place} holds no {PACKAGE}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    importer.exec_module(package)
    return package


def importer_of(spec: importlib.machinery.ModuleSpec | None) -> TextImporter | None:
    """The importer that a module of ours comes from; None where the package lies in a folder.

    By a name, not by its class: in a bundle the class comes from another run of this text.
    """
    loader = spec.loader if spec is not None else None
    return loader if hasattr(loader, "hal_handed_on") else None  # type: ignore[return-value]


class TextImporter(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """Finds and loads what lies below the package that it has loaded itself, and nothing else."""

    def __init__(self, texts: Mapping[str, str], place: str) -> None:
        self._texts, self._place = texts, place

    def hal_handed_on(self) -> bytes:
        """One line of JSON: everything, for a process that runs START."""
        return json.dumps({"texts": dict(self._texts), "place": self._place}).encode() + b"\n"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        # By the folder that its parent gives: a package of this name in a real folder has its own.
        parent = f"{self._place}/{fullname.rpartition('.')[0].replace('.', '/')}"
        return self.spec_of(fullname) if path and parent in path else None

    def spec_of(self, fullname: str) -> importlib.machinery.ModuleSpec | None:
        path = self._path(fullname)
        if path is None:
            return None
        origin = f"{self._place}/{path}"
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=origin)
        spec.has_location = True
        if path.endswith("/__init__.py"):
            spec.submodule_search_locations = [origin.removesuffix("/__init__.py")]
        return spec

    def get_source(self, fullname: str) -> str:
        path = self._path(fullname)
        if path is None:
            raise ImportError(f"{self._place} holds no {fullname}", name=fullname)
        return self._texts[path]

    def get_filename(self, fullname: str) -> str:
        return f"{self._place}/{self._path(fullname)}"

    def is_package(self, fullname: str) -> bool:
        return str(self._path(fullname)).endswith("/__init__.py")

    def get_resource_reader(self, fullname: str) -> _Reader | None:
        folder = fullname.replace(".", "/")
        return _Reader(_Node(self._texts, folder)) if self.is_package(fullname) else None

    def _path(self, fullname: str) -> str | None:
        stem = fullname.replace(".", "/")
        return next((p for p in (f"{stem}/__init__.py", f"{stem}.py") if p in self._texts), None)


class _Reader:
    """What `importlib.resources.files` asks a loader for."""

    def __init__(self, root: _Node) -> None:
        self._root = root

    def files(self) -> _Node:
        return self._root


class _Node:
    """One text or folder, as an `importlib.resources.abc.Traversable`."""

    def __init__(self, texts: Mapping[str, str], path: str) -> None:
        self._texts, self._path = texts, path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def __truediv__(self, child: str) -> _Node:
        return self.joinpath(child)

    def __str__(self) -> str:
        return self._path

    def joinpath(self, *children: str) -> _Node:
        return _Node(self._texts, "/".join((self._path, *children)))

    def is_file(self) -> bool:
        return self._path in self._texts

    def is_dir(self) -> bool:
        return any(path.startswith(f"{self._path}/") for path in self._texts)

    def iterdir(self) -> Iterator[_Node]:
        start = f"{self._path}/"
        inside = (path[len(start) :] for path in self._texts if path.startswith(start))
        for name in sorted({rest.partition("/")[0] for rest in inside}):
            yield self / name

    def read_text(self, encoding: str | None = None) -> str:
        del encoding  # it is text already
        if not self.is_file():
            raise FileNotFoundError(self._path)
        return self._texts[self._path]

    def read_bytes(self) -> bytes:
        return self.read_text().encode()

    def open(self, mode: str = "r", *_: Any, **__: Any) -> IO[Any]:
        return io.BytesIO(self.read_bytes()) if "b" in mode else io.StringIO(self.read_text())
