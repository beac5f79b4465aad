"""The bundle as a text: what is in it, that it reads like the sources, and what it may write over;
and as a program: loaded in a bare process, without the package anywhere on the path.
"""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal import __version__
from hal.cli import main
from hal.lab.bundle.compose import (
    FUNCTION,
    PACKAGE,
    PIPELINE,
    bundle,
    importable,
    is_bundle,
    requirements,
)
from hal.lab.bundle.literal import literal
from hal.lab.bundle.modules import needed
from tests.harness.interpreters import NAMES, REPO, python

FACES = pytest.mark.parametrize("face", [PIPELINE, FUNCTION], ids=["pipeline", "function"])
# What the servers put in place of imports that they think are of an older version of themselves.
REPLACED = ("from utils", "from apps", "from main", "from config")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {face.name: bundle(face) for face in (PIPELINE, FUNCTION)}


# The text.


@FACES
def test_the_same_sources_give_the_same_bytes(face: object, texts: dict[str, str]) -> None:
    assert bundle(face) == texts[face.name]  # type: ignore[attr-defined, arg-type]


def test_the_front_matter_is_read_by_both_servers(texts: dict[str, str]) -> None:
    for text in texts.values():
        lines = text.split("\n")
        assert lines[0] == '"""'
        fields = dict(line.split(": ", 1) for line in lines[1 : lines.index('"""', 1)])
        assert fields["title"] == "hal-auto"
        assert fields["version"] == __version__
        assert fields["requirements"].split(", ") == list(requirements())


def test_it_requires_what_the_serving_path_needs_beside_its_host() -> None:
    names = {one.split(">")[0] for one in requirements()}
    assert {"ollama", "trafilatura", "python-stdnum", "phonenumberslite"} <= names
    assert not names & {"aiohttp", "pydantic", "requests", "fastapi", "scikit-learn"}


def stored(text: str) -> dict[str, str]:
    """The texts in a bundle, by their paths."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            found[ast.literal_eval(node.targets[0].slice)] = ast.literal_eval(node.value)
    return found


def test_it_holds_the_serving_path_with_its_data_and_prompts(texts: dict[str, str]) -> None:
    held = stored(texts["hal_auto.py"])
    assert {
        *("hal/__init__.py", "hal/turn.py", "hal/manifold.py", "hal/enrichment/extract_worker.py"),
        *("hal/bundled.py", "hal/_prompts/classify.md", "hal/_prompts/grounded.md"),
        *("hal/privacy/names/given.txt", "hal/gateway/providers/xai_models.json"),
    } <= set(held)
    for path, text in held.items():
        source = (
            REPO / "prompts" / Path(path).name if "/_prompts/" in path else PACKAGE.parent / path
        )
        assert text == source.read_text(encoding="utf-8")


def test_it_leaves_out_what_does_not_serve(texts: dict[str, str]) -> None:
    held = set(stored(texts["hal_auto.py"]))
    for folder in ("lab", "embedded", "commands", "parsers"):
        assert not [path for path in held if path.startswith(f"hal/{folder}/")]
    assert not held & {"hal/cli.py", "hal/function.py", "hal/_prompts/reflect_rules.md"}
    held = set(stored(texts["hal_auto_function.py"]))
    assert "hal/function.py" in held
    assert not held & {"hal/manifold.py", "hal/asgi_server.py", "hal/stored_valves.py"}


def test_each_file_stands_under_its_path_as_it_is(texts: dict[str, str]) -> None:
    text = texts["hal_auto.py"]
    rule = f"# {'=' * 98}"
    source = (PACKAGE / "turn.py").read_text(encoding="utf-8")
    assert f"{rule}\n# hal/turn.py\n{rule}\n_TEXTS['hal/turn.py'] = r'''{source}'''\n" in text


@FACES
def test_nothing_in_it_is_what_open_webui_would_replace(
    face: object, texts: dict[str, str]
) -> None:
    text = texts[face.name]  # type: ignore[attr-defined]
    assert [word for word in REPLACED if word in text] == []


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"hal\.nothing"):
        needed(PACKAGE, ["hal.nothing"])


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "'", "''", "'''", "''''", "\\", "\\'''", "a\\", "\\\n", '"""a"""', "a'\n'''b"),
        *("from main import x\n", "from config", "'''from utils'''", "from from main", "ж\f\u2028"),
        "x = r'''\\'''\n",
    ],
)
def test_a_text_comes_out_of_its_literal(text: str) -> None:
    written = literal(text)
    assert ast.literal_eval(written) == text
    assert not [word for word in REPLACED if word in written]


@given(st.text(st.sampled_from("'\\\"a\n ") | st.characters(codec="utf-8"), max_size=60))
def test_any_text_comes_out_or_is_refused(text: str) -> None:
    if "\r" in text or "\0" in text:
        with pytest.raises(ValueError, match="carriage return"):
            literal(text)
    else:
        assert ast.literal_eval(literal(text)) == text


# The program.

BARE = """
import importlib.util, json, sys, traceback
from pathlib import Path
sys.meta_path = [one for one in sys.meta_path if "editable" not in repr(one).lower()]
sys.path = [one for one in sys.path if not (Path(one) / "hal/__init__.py").exists()]
spec = importlib.util.spec_from_file_location("hal_auto", sys.argv[1])
module = importlib.util.module_from_spec(spec)
for _ in range(2):  # a reload does the same again
    spec.loader.exec_module(module)
"""
LOADED = (
    BARE
    + """
pipeline = module.Pipeline()
assert type(pipeline).__module__ == "hal.manifold", vars(pipeline)
import asyncio
from hal.enrichment.bodies import Document
from hal.enrichment.extract import Extractor
from hal.gateway.providers.cloud_models import CloudModels
from hal.privacy.name_lists import NameLists
from hal.prompts import load_prompt
import hal.turn

async def read():
    extractor = Extractor()
    html = b"<html><body><article><p>" + b"The tide rises. " * 40 + b"</p></article></body></html>"
    found = await extractor.extract(Document("html", "utf-8", html), "http://x.example/")
    await extractor.close()
    return found

found = asyncio.run(read())
try:
    load_prompt("absent")
except Exception:
    told = traceback.format_exc()
print(json.dumps({
    "text": found.text[:15], "reason": found.reason, "models": len(CloudModels.load().models),
    "anna": NameLists.load().is_given("anna"), "prompt": load_prompt("classify").name,
    "file": hal.turn.__file__, "told": told, "finders": len(
        [one for one in sys.meta_path if hasattr(one, "hal_handed_on")]),
}))
"""
)


def bare(interpreter: str, code: str, path: Path, data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python(interpreter), "-I", "-B", "-c", code, str(path)],
        env={"HAL_DATA_DIR": str(data), "PATH": "/usr/bin:/bin"},
        cwd=data,
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.mark.parametrize("interpreter", NAMES)
def test_it_runs_without_the_package(
    interpreter: str, texts: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "hal_auto.py"
    path.write_text(texts["hal_auto.py"], encoding="utf-8")
    ran = bare(interpreter, LOADED, path, tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["text"], told["reason"]) == ("The tide rises.", "")
    assert (told["anna"], told["prompt"], told["finders"]) == (True, "classify", 1)
    assert told["models"] > 1
    assert told["file"] == f"{path}/hal/turn.py"
    # The line of our source, and what stands in it.
    source = (PACKAGE / "prompts.py").read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(source, 1) if "is missing" in line)
    assert f'File "{path}/hal/prompts.py", line {number}, in load_prompt' in told["told"]
    assert source[number - 1].strip() in told["told"]
    assert [one.name for one in tmp_path.iterdir()] == ["hal_auto.py"]  # nothing was unpacked


EXPLAINED = (
    BARE
    + """
pipeline = module.Pipeline()
print(list(pipeline.pipe({"stream": True}))[0])
print(json.dumps(pipeline.pipe({"stream": False})))
"""
)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("async def run_turn(", "async def run_turn((", "SyntaxError"),
        ("import asyncio", "import no_such_package", "no_such_package"),
    ],
)
def test_a_bundle_that_cannot_be_loaded_explains_itself(
    texts: dict[str, str], tmp_path: Path, old: str, new: str, why: str
) -> None:
    before, here, after = texts["hal_auto.py"].partition("_TEXTS['hal/turn.py']")
    path = tmp_path / "hal_auto.py"
    path.write_text(before + here + after.replace(old, new, 1), encoding="utf-8")
    ran = bare("newest", EXPLAINED, path, tmp_path)
    assert ran.returncode == 0, ran.stderr
    for line in ran.stdout.splitlines():
        assert "hal-auto could not be loaded" in line
        assert why in line


# The command.


def hal(*words: str) -> int:
    return main(["bundle", *words])


def test_the_command_writes_it_and_says_what_to_do(
    tmp_path: Path, texts: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hal_auto.py"
    assert hal("-o", str(path)) == 0
    told = capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == texts["hal_auto.py"]
    assert f"{path}: {path.stat().st_size / 1e6:.2f} MB" in told
    assert "Upload" in told
    assert hal("-o", str(path), "--json") == 0  # one of ours may be replaced
    document = json.loads(capsys.readouterr().out)
    assert document["bytes"] == path.stat().st_size
    assert [one.name for one in tmp_path.iterdir()] == ["hal_auto.py"]


def test_the_command_writes_to_stdout(
    texts: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert hal("-o", "-") == 0
    assert capsys.readouterr().out == texts["hal_auto.py"]


def test_another_file_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("print('mine')\n", encoding="utf-8")
    assert hal("-o", str(path)) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "print('mine')\n"
    assert hal("-o", str(path), "--force") == 0
    assert is_bundle(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "words",
    [["-o", "x.txt"], ["-o", "x.json"], ["--function", "-o", "x"], ["-o", "no/such/folder/x.py"]],
    ids=str,
)
def test_what_cannot_be_written_is_said(
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hal(*words) == 2
    assert capsys.readouterr().err.startswith("hal bundle: ")
    assert list(tmp_path.iterdir()) == []


def test_the_function_can_be_imported(tmp_path: Path, texts: dict[str, str]) -> None:
    path = tmp_path / "hal_auto_function.json"
    assert hal("--function", "-o", str(path)) == 0
    assert hal("--function", "-o", str(path)) == 0
    (entry,) = json.loads(path.read_text(encoding="utf-8"))
    assert entry["content"] == texts["hal_auto_function.py"]
    assert (entry["id"], entry["name"], entry["type"]) == ("hal_auto", "hal-auto", "pipe")
    assert entry["meta"]["manifest"]["requirements"] == ", ".join(requirements())
    assert importable(entry["content"]) == path.read_text(encoding="utf-8")
