"""The pages for people: links that lead somewhere, commands and settings that exist, sentences that
the code really says."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from hal.advanced import Advanced
from hal.parsers import build_parser
from hal.valves import Valves

REPO = Path(__file__).resolve().parents[2]
PAGES = [REPO / "README.md", REPO / "SECURITY.md", *sorted((REPO / "docs").glob("*.md"))]
# The history is told as it was.
LIVE = [page for page in PAGES if page.name != "decisions.md"]
SOURCES = [*(REPO / "pipelines").rglob("*.py"), *(REPO / "webui").rglob("*.py")]
TEXTS = [REPO / "Makefile", REPO / "docker-compose.yml", REPO / ".env.example"]


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(REPO)) for path in paths]


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_every_link_inside_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    heads = re.findall(r"(?m)^#+ (.*)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", LIVE, ids=ids(LIVE))
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z][a-z0-9-]*):", (REPO / "Makefile").read_text("utf-8")))
    found = re.findall(r"(?:`|^)make ([a-z0-9-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(found) <= targets


@pytest.mark.parametrize("page", LIVE, ids=ids(LIVE))
def test_every_command_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in re.findall(r"(?:`|^)hal ((?:[a-z]+ ?){1,2})", text, re.MULTILINE):
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args([*words.split()[:1], "--help"])
        assert ended.value.code == 0, words


def test_every_setting_of_the_readme_exists() -> None:
    text = (REPO / "README.md").read_text(encoding="utf-8")
    known = {*Valves.model_fields, *Advanced.model_fields}
    said = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text))
    code = everything()
    assert {name for name in said - known if name not in code} == set()


@cache
def everything() -> str:
    files = [*SOURCES, *TEXTS]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@cache
def sayings() -> str:
    """Every text of the code, adjacent ones joined as Python joins them."""
    found = [path.read_text(encoding="utf-8") for path in TEXTS]
    for path in SOURCES:
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        values = (node.value for node in nodes if isinstance(node, ast.Constant))
        found += [value for value in values if isinstance(value, str)]
    return "\n".join(found)


QUOTES = re.findall(r"(?m)^> (.*)$", (REPO / "docs/troubleshooting.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("quote", QUOTES)
def test_what_troubleshooting_quotes_is_said_by_the_code(quote: str) -> None:
    parts = [part.strip(" ") for part in quote.split("…") if part.strip(" .")]
    assert parts
    for part in parts:
        assert part in sayings(), part
