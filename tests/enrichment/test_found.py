"""What SearXNG passes on from strangers is cut, cleaned, or dropped; nothing of it is believed."""

from __future__ import annotations

import json

import pytest

from hal.enrichment.found import (
    MAX_HITS,
    MAX_SNIPPET_CHARS,
    MAX_TITLE_CHARS,
    page_address,
    read_reply,
)
from hal.enrichment.types import Hit

ADDRESSES = {
    "https://a.test/x?y=1#z": True,
    "http://[::1]:8080/": True,  # whether it may be asked is for others to say
    "http://bücher.test/ä": True,
    "ftp://a.test": False,
    "javascript:alert(1)": False,
    "data:text/html,x": False,
    "//a.test": False,
    "http://": False,
    "http://a.test/\n": False,
    "http://a.test/ x": False,
    "http://a.test\\@b.test": False,
    "http://a.test/\u202ex": False,
    'http://a.test/"><b>': False,
    "http://[::1": False,
    "http://a.test/" + "x" * 2000: False,
}


@pytest.mark.parametrize(("url", "is_one"), ADDRESSES.items(), ids=[*map(repr, range(15))])
def test_addresses_of_pages(url: str, is_one: bool) -> None:
    assert page_address(url) == (url if is_one else "")


@pytest.mark.parametrize("value", [None, 7, [], {}, b"http://a.test"])
def test_what_is_no_address(value: object) -> None:
    assert page_address(value) == ""


def test_long_and_dirty_texts_are_cut() -> None:
    dirty = {"url": "http://a.test", "title": "t\u202e\n" * 9999, "content": "c\x00 " * 9999}
    rest = [{"url": f"http://{n}.test", "title": None, "content": 7} for n in range(30)]
    reply = read_reply(json.dumps({"results": [7, dirty, dirty, {}, *rest]}).encode())
    assert reply is not None
    first, second = reply.hits[:2]
    assert len(first.title) <= MAX_TITLE_CHARS
    assert len(first.snippet) <= MAX_SNIPPET_CHARS
    assert first.title.isprintable()
    assert first.snippet.isprintable()
    assert second == Hit("http://0.test", "", "", 2)
    assert len(reply.hits) == MAX_HITS


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "20261119", "", 7, "2026-11-1"])
def test_a_date_that_is_none(day: object) -> None:
    body = {"results": [{"url": "http://a.test", "publishedDate": day, "pubdate": day}]}
    reply = read_reply(json.dumps(body).encode())
    assert reply is not None
    assert reply.hits[0].date == ""


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"results": {}}', b"null"])
def test_what_is_no_reply(body: bytes) -> None:
    assert read_reply(body) is None
