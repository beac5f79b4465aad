"""The importer of a bundle by itself: what it finds, what it leaves to others, its resources."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.resources import as_file, files

import pytest

from hal.bundled import TextImporter, importer_of

TEXTS = {
    "made_up/__init__.py": "from .sub import inner\n",
    "made_up/sub/__init__.py": "",
    "made_up/sub/inner.py": "def fail():\n    raise ValueError('inside')\n",
    "made_up/sub/lists/names.txt": "Änne\n",
    "made_up/sub/table.json": "{}",
}


@pytest.fixture
def importer() -> Iterator[TextImporter]:
    """The package `made_up` from texts, imported."""
    importer = TextImporter(TEXTS, "/x/one.py")
    sys.meta_path.insert(0, importer)
    spec = importer.spec_of("made_up")
    assert spec is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["made_up"] = package
    importer.exec_module(package)
    yield importer
    sys.meta_path.remove(importer)
    for name in [name for name in sys.modules if name.split(".")[0] == "made_up"]:
        del sys.modules[name]


def test_modules_know_where_they_stand(importer: TextImporter) -> None:
    inner = import_module("made_up.sub.inner")
    assert inner.__file__ == "/x/one.py/made_up/sub/inner.py"
    assert inner.__package__ == "made_up.sub"
    assert importer_of(inner.__spec__) is importer
    assert importer_of(None) is None
    assert importer_of(pytest.__spec__) is None


def test_an_error_shows_the_line(importer: TextImporter) -> None:
    import traceback

    try:
        import_module("made_up.sub.inner").fail()
    except ValueError:
        told = traceback.format_exc()
    assert 'File "/x/one.py/made_up/sub/inner.py", line 2, in fail' in told
    assert "raise ValueError('inside')" in told


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("made_up", None),
        ("made_up.sub", ["/elsewhere/made_up"]),
        ("made_up.absent", ["/x/one.py/made_up"]),
        ("json", None),
        ("made_up.sub", None),
    ],
)
def test_the_rest_is_left_to_others(
    importer: TextImporter, name: str, path: list[str] | None
) -> None:
    assert importer.find_spec(name, path) is None


def test_a_module_that_is_not_there(importer: TextImporter) -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("made_up.absent")
    with pytest.raises(ImportError, match="holds no made_up"):
        importer.get_source("made_up.absent")


def test_resources_are_found(importer: TextImporter) -> None:
    folder = files("made_up.sub")
    assert sorted(one.name for one in folder.iterdir()) == [
        *("__init__.py", "inner.py", "lists", "table.json"),
    ]
    names = folder / "lists" / "names.txt"
    assert (names.is_file(), names.is_dir(), names.name) == (True, False, "names.txt")
    assert (folder / "lists").is_dir()
    assert names.read_text(encoding="utf-8") == "Änne\n"
    assert names.read_bytes() == "Änne\n".encode()
    with names.open("rb") as file:
        assert file.read() == "Änne\n".encode()
    with names.open() as text:
        assert text.read() == "Änne\n"
    with as_file(names) as path:
        assert path.read_text(encoding="utf-8") == "Änne\n"
    assert not (folder / "absent").is_file()
    with pytest.raises(FileNotFoundError):
        (folder / "absent").read_text()
