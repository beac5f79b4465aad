"""One document, read: bytes in, title, date and text out.

Runs in the extractor's process and nowhere else: trafilatura takes most of a second and 40 MB to
import, and a hostile page may crash what reads it. Knows no network and no file.
"""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any

from trafilatura import bare_extraction
from trafilatura.utils import load_html

from .bodies import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Extracted
from .charsets import decoded
from .hidden import Look, is_hidden, look
from .invisible import one_line, visible

try:
    import pypdf
except ImportError:
    pypdf = None  # type: ignore[assignment]

# Where an article of a journal ends; each page takes 10 to 50 ms.
_MAX_PDF_PAGES = 40
# The longest articles of Wikipedia have about as many; each takes up to 2 kB while it is read.
_MAX_TAGS = 60_000
_NOT_JUDGED = frozenset({"html", "body", "head"})


def read_document(kind: str, charset: str, url: str, data: bytes) -> Extracted:
    """Read one document of a known kind: html, text or pdf. May raise whatever a parser raises."""
    if kind == "pdf":
        return _finished(*_of_pdf(data))
    text = decoded(data, charset)
    return _finished(*_of_html(text, url)) if kind == "html" else _finished(text)


def _finished(text: str, title: str = "", date: str = "", reason: str = "") -> Extracted:
    # Cut before it is cleaned, and after: cleaning makes nothing longer.
    shown = visible(text[: 2 * MAX_TEXT_CHARS]).strip()
    is_cut = len(text) > 2 * MAX_TEXT_CHARS or len(shown) > MAX_TEXT_CHARS
    title = one_line(title, MAX_TITLE_CHARS)
    return Extracted(
        shown[:MAX_TEXT_CHARS], title, date, reason or ("" if shown else "no_text"), is_cut
    )


def _of_html(text: str, url: str) -> tuple[str, str, str, str]:
    tree = load_html(_first_tags(text))
    if tree is None:
        return "", "", "", "no_text"
    title = _title(tree)
    drop_hidden(tree)
    found = bare_extraction(tree, url=url, fast=True, with_metadata=True, include_comments=False)
    if found is None or isinstance(found, dict):
        return "", title, "", "no_text"
    return found.text or "", found.title or title, _iso(found.date), ""


def _first_tags(text: str) -> str:
    """As much of a page as its parsers can hold in memory."""
    if text.count("<") <= _MAX_TAGS:
        return text
    place = 0
    for _ in range(_MAX_TAGS):
        place = text.find("<", place) + 1
    return text[: place - 1]


def drop_hidden(tree: Any) -> None:
    """Empty what a reader would not see. One pass: a node is judged after its parents."""
    doomed = []
    stack = [(tree, Look())]
    while stack:
        node, around = stack.pop()
        if not isinstance(node.tag, str):
            continue
        attributes = dict(node.attrib)
        if node.tag not in _NOT_JUDGED and is_hidden(node.tag, attributes, around):
            doomed.append(node)
            continue
        inside = look(attributes, around)
        stack.extend((child, inside) for child in node)
    for node in doomed:
        # Emptied rather than taken out: what follows it stays in its place, at no cost.
        node.clear(keep_tail=True)


def _title(tree: Any) -> str:
    found = tree.find(".//title")
    return "" if found is None else str(found.text_content())


def _iso(date: str | None) -> str:
    return date if date and len(date) == len("2026-11-22") else ""


def _of_pdf(data: bytes) -> tuple[str, str, str, str]:
    if pypdf is None:
        return "", "", "", "pdf"
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = pypdf.PdfReader(BytesIO(data))
    if reader.is_encrypted:
        return "", "", "", "pdf"
    texts: list[str] = []
    for page in reader.pages[:_MAX_PDF_PAGES]:
        texts.append(page.extract_text())
        if sum(map(len, texts)) > MAX_TEXT_CHARS:
            break
    return "\n\n".join(texts), *_about(reader), ""


def _about(reader: Any) -> tuple[str, str]:
    """(title, ISO date) as the file says; dates in a PDF are often none."""
    try:
        facts = reader.metadata
        made = facts.creation_date
        return str(facts.title or ""), made.date().isoformat() if made else ""
    except Exception:  # noqa: BLE001 - a broken description is none
        return "", ""
