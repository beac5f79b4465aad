"""Rules for the code itself: what a reload, a reader and the next author rely on."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import hal

PACKAGE = Path(hal.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
# Entry points of processes of their own, whose output their parent reads.
SPEAKS = {"cli.py", "embedded/__main__.py", "embedded/worker.py"}
MUTABLE_CALLS = {
    *("list", "dict", "set", "bytearray", "defaultdict", "OrderedDict", "deque", "Counter"),
    *("Lock", "RLock", "Event", "Thread", "Queue", "SimpleQueue", "local", "count", "cycle"),
}
MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
TURN_FUNCTION_LINES = 60

each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_there_is_something_to_look_at() -> None:
    assert {"turn.py", "routing/plan.py", "gateway/providers/xai.py"} <= set(NAMES)


@each_file
def test_a_module_says_what_it_does_and_what_it_does_not_know(path: Path) -> None:
    text = (ast.get_docstring(tree(path)) or "").strip()
    assert text
    lines = [line for line in text.splitlines() if line.strip()]
    sentences = [part for part in text.replace("\n", " ").split(". ") if part]
    assert path.name == "__init__.py" or len(lines) > 1 or len(sentences) > 1


@each_file
def test_nothing_but_the_command_line_prints(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    prints = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
    assert not prints or name in SPEAKS or name.startswith("commands/")


@each_file
def test_a_module_holds_no_state(path: Path) -> None:
    """A reload leaves the old modules to the turns that run: what they shared would fork."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and is_mutable(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            assert names, f"{path.name}:{node.lineno}"
            assert all(name.isupper() or name == "__all__" for name in names), names
    globals_ = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Global)]
    assert not globals_


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        named = value.func.attr if isinstance(value.func, ast.Attribute) else None
        named = value.func.id if isinstance(value.func, ast.Name) else named
        return named in MUTABLE_CALLS
    return isinstance(value, MUTABLE_LITERALS)


@each_file
def test_constants_of_a_module_are_never_written(path: Path) -> None:
    """Upper case is a promise: no function adds to such a dict, list or set."""
    parsed = tree(path)
    for node in ast.walk(parsed):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
            targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
            for target in targets:
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    assert not target.value.id.isupper(), f"{path.name}:{node.lineno}"


@each_file
def test_no_import_of_ours_inside_a_function(path: Path) -> None:
    """After a reload it would bring a module of the next generation into a turn of this one."""
    for function in functions(path):
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path.name}:{node.lineno}"
                assert (node.module or "").split(".")[0] != "hal", f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Import):
                assert all(a.name.split(".")[0] != "hal" for a in node.names)


def test_the_steps_of_a_turn_can_be_read() -> None:
    for function in functions(PACKAGE / "turn.py"):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines < TURN_FUNCTION_LINES, f"{function.name}: {lines} lines"


def test_only_one_module_knows_the_key_that_inlet_adds() -> None:
    knows = {
        name
        for name, path in zip(NAMES, FILES, strict=True)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value == "hal_ctx"
    }
    assert knows == {"openwebui.py"}


@pytest.fixture
def reimported() -> Iterator[tuple[dict[str, ModuleType], dict[str, ModuleType]]]:
    """The modules before and after a purge; the old ones are in force again afterwards."""
    importlib.import_module("hal.manifold")
    old = {name: module for name, module in sys.modules.items() if is_ours(name)}
    try:
        for name in old:
            del sys.modules[name]
        importlib.import_module("hal.manifold")
        yield old, {name: module for name, module in sys.modules.items() if is_ours(name)}
    finally:
        for name in [name for name in sys.modules if is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(old)


def is_ours(name: str) -> bool:
    return name == "hal" or name.startswith("hal.")


def test_a_second_import_shares_nothing_with_the_first(
    reimported: tuple[dict[str, ModuleType], dict[str, ModuleType]],
) -> None:
    old, new = reimported
    assert {"hal", "hal.turn", "hal.types", "hal.runtime"} <= set(new)
    of_old = {
        id(value): f"{name}.{key}"
        for name, module in old.items()
        for key, value in vars(module).items()
        if not key.startswith("__") and is_made_by_us(value)
    }
    shared = [
        of_old[id(value)]
        for module in new.values()
        for key, value in vars(module).items()
        if not key.startswith("__") and is_made_by_us(value) and id(value) in of_old
    ]
    assert shared == []


def is_made_by_us(value: object) -> bool:
    """Modules, classes, functions and containers that our code made."""
    if isinstance(value, ModuleType):
        return is_ours(value.__name__)
    if isinstance(value, dict | list | set):
        return True
    return is_ours(str(getattr(value, "__module__", ""))) and not isinstance(value, str | int)
