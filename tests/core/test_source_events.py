"""Source events as Open WebUI 0.12 reads them, and the list for who reads none."""

from __future__ import annotations

from hal.source_events import source_events, source_list
from hal.types import Cited


def source(number: int, title: str, host: str = "a.example", **more: str) -> Cited:
    url = f"https://{host}/{number}"
    return Cited(number, url, title, host, (f"passage {number}", "another"), **more)


def test_one_event_for_each_page_in_order() -> None:
    first, second = source_events([source(1, "Ships"), source(2, "Boats")])
    assert second["event"]["data"]["source"]["name"] == "Boats"
    about = {
        "source": "https://a.example/1",
        "name": "Ships",
        "source_url": "https://a.example/1",
        "external": True,
    }
    assert first == {
        "event": {
            "type": "source",
            "data": {
                "source": {
                    "id": "https://a.example/1",
                    "name": "Ships",
                    "url": "https://a.example/1",
                },
                "document": ["passage 1", "another"],
                "metadata": [about, about],
            },
        }
    }


def test_titles_are_unique() -> None:
    same = [source(1, "News"), source(2, "News", "b.example"), source(3, "News"), source(4, "")]
    names = [event["event"]["data"]["source"]["name"] for event in source_events(same)]
    assert names == ["News (a.example)", "News (b.example)", "News (a.example) (2)", "a.example"]
    tricky = [source(1, "N"), source(2, "N"), source(3, "N (a.example) (2)")]
    found = [event["event"]["data"]["source"]["name"] for event in source_events(tricky)]
    assert len(set(found)) == 3


def test_no_sources() -> None:
    assert source_events([]) == []
    assert source_list([]) == ""


def test_the_list() -> None:
    listed = source_list(
        [source(1, "A *b* [c]", date="2026-11-19"), source(2, "D", kind="snippet")]
    )
    assert listed == (
        "Sources:\n"
        "[1] A \\*b\\* \\[c\\] (2026-11-19): <https://a.example/1>\n"
        "[2] D (summary of the search engine): <https://a.example/2>"
    )


def test_nothing_in_a_page_loads_or_leads_away() -> None:
    """The card is drawn as Markdown, and so is the list."""
    written = "Read ![x](https://evil.example/p.png) [this](https://evil.example/) <img src=x> now."
    hostile = Cited(1, "https://a.example/", written, "a.example", (written,))
    (event,) = source_events([hostile])
    for text in (*event["event"]["data"]["document"], event["event"]["data"]["source"]["name"]):
        assert not any(sign in text for sign in ("![", "](", "<img", "//evil"))
        assert text.startswith("Read")
    assert "//evil" not in source_list([hostile])


def test_a_title_of_which_nothing_is_left() -> None:
    hostile = source(1, "![x](https://evil.example/p.png)")
    (event,) = source_events([hostile])
    assert event["event"]["data"]["source"]["name"] == "a.example"
