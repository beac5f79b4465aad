"""One spelling for each page, ranks fused, owners capped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment.merge import FUSION_K, fuse, merge
from hal.enrichment.problems import no_hits
from hal.enrichment.types import Hit, Results
from hal.enrichment.urls import canonical_url, is_below, page_key, registrable_domain, site
from tests.core.things import fixed

SAME = {
    "case": ("HTTPS://Example.ORG/Path", "https://example.org/Path"),
    "www": ("https://www.example.org/", "https://example.org"),
    "only www": ("https://www.org/a", "https://www.org/a"),
    "default port": ("https://example.org:443/a", "https://example.org/a"),
    "another port": ("http://example.org:8080/a", "http://example.org:8080/a"),
    "the port of the other scheme": ("http://example.org:443/a", "http://example.org:443/a"),
    "fragment": ("https://example.org/a#b", "https://example.org/a"),
    "tracking": (
        "https://example.org/a?utm_source=x&fbclid=1&id=7&UTM_Medium=y",
        "https://example.org/a?id=7",
    ),
    "sorted": ("https://example.org/?b=2&a=1", "https://example.org?a=1&b=2"),
    "twice one key": ("https://example.org/?a=2&a=1", "https://example.org?a=1&a=2"),
    "no query": ("https://example.org/a?", "https://example.org/a"),
    "slash": ("https://example.org/a/", "https://example.org/a"),
    "dot behind the host": ("https://example.org./a", "https://example.org/a"),
    "spelled out": ("https://example.org/ä", "https://example.org/%C3%A4"),
    "an address": ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
}


@pytest.mark.parametrize(("url", "wanted"), SAME.values(), ids=SAME)
def test_the_one_spelling(url: str, wanted: str) -> None:
    assert canonical_url(url) == wanted


NO_PAGE = ["", "example.org", "javascript:alert(1)", "data:text/html,x", "ftp://example.org/a"]
NO_PAGE += ["http://", "http://[", "http://a:b/", "http://u:p@example.org/", "http://a b/", "//a/"]
NO_PAGE += [
    "http://a\\b/",
    "http://a/\n",
    f"http://a/{'x' * 2000}",
    "http://a:99999/",
    "file:///etc",
]


@pytest.mark.parametrize("url", NO_PAGE)
def test_what_is_no_page(url: str) -> None:
    assert canonical_url(url) == page_key(url) == ""


@fixed
@given(
    st.sampled_from(["http://", "https://"]),
    st.from_regex(r"(?:www\.)?[a-z]{1,5}\.[a-z]{2,3}(?::80|:443)?", fullmatch=True),
    st.text("/abc%?&=#ä.~", max_size=20),
)
def test_it_is_its_own_spelling(scheme: str, host: str, rest: str) -> None:
    once = canonical_url(f"{scheme}{host}/{rest}")
    assert once
    assert canonical_url(once) == once


DOMAINS = {
    "plain": ("https://news.example.org/a", "example.org"),
    "of a country": ("https://www.a.example.co.uk/", "example.co.uk"),
    "short in a country": ("https://bbc.co.uk/", "bbc.co.uk"),
    "a country without kinds": ("https://www.spiegel.de/", "spiegel.de"),
    "a long ending with a kind": ("https://a.co.example/", "co.example"),
    "a name that is a kind": ("https://com.de/", "com.de"),
    "a shared host": ("https://anna.github.io/x", "anna.github.io"),
    "an address": ("http://192.0.2.7:8080/", "192.0.2.7"),
    "IPv6": ("http://[2001:db8::1]/", "2001:db8::1"),
    "one label": ("http://localhost/", "localhost"),
}


@pytest.mark.parametrize(("url", "wanted"), DOMAINS.values(), ids=DOMAINS)
def test_who_owns_it(url: str, wanted: str) -> None:
    assert registrable_domain(url) == wanted


def test_hosts() -> None:
    assert site("https://www.Example.org:8443/a") == "example.org"
    assert site("nonsense") == ""
    denied = frozenset({"bad.example", "worse.example.org"})
    assert is_below("https://a.bad.example/x", denied)
    assert is_below("https://bad.example", denied)
    assert not is_below("https://notbad.example", denied)
    assert not is_below("https://example.org", denied)


def hit(name: str, rank: int, **more: str) -> Hit:
    url = name if "://" in name else f"https://{name}/"
    return Hit(
        url, more.get("title", name), more.get("snippet", ""), rank, date=more.get("date", "")
    )


def test_ranks_are_fused() -> None:
    first = Results("a", tuple(hit(f"{c}.example", r) for r, c in enumerate("abc", 1)))
    second = Results("b", tuple(hit(f"{c}.example", r) for r, c in enumerate("cbd", 1)))
    taken, others = merge([first, second])
    # c: 1/63 + 1/61, b: 2/62, a: 1/61, d: 1/63
    assert [site(h.url)[0] for h in taken] == ["c", "b", "a", "d"]
    assert [h.rank for h in taken] == [1, 2, 3, 4]
    assert others == ()


def test_one_page_is_one_result_and_the_better_known_one() -> None:
    one = hit("https://www.a.example/x?utm_source=y", 1, title="", snippet="short")
    other = hit("http://a.example/x/#top", 2, title="T", snippet="much longer", date="2026-11-01")
    (taken,), _ = merge([Results("q", (one, other))])
    assert (taken.url, taken.title) == (one.url, "T")
    assert (taken.snippet, taken.date) == ("much longer", "2026-11-01")


def test_the_same_page_twice_in_one_ranking_counts_once() -> None:
    doubled = (hit("b.example", 1), hit("a.example", 2), hit("http://a.example", 3))
    taken, _ = merge([Results("q", doubled)])
    assert [site(h.url) for h in taken] == ["b.example", "a.example"]


def test_what_is_left_out_says_why() -> None:
    names = ["a.one.example", "javascript://x/", "b.one.example", "c.one.example", "x.bad.example"]
    names += [f"{c}.org" for c in "abcde"]
    hits = tuple(hit(name, rank) for rank, name in enumerate(names, 1))
    taken, others = merge([Results("q", hits)], ["WWW.bad.example"])
    assert [h.rank for h in taken] == [1, 3, 6, 7, 8, 9]
    assert [(o.rank, o.fate, o.reason) for o in others] == [
        (2, "dropped", "no web address"),
        (4, "dropped", "enough of this domain"),
        (5, "dropped", "denied domain"),
        (10, "unused", "enough results"),
    ]


def test_the_best_of_an_owner_are_kept_and_not_its_first() -> None:
    """The cap counts by relevance: the page with the answer is the owner's fourth result."""
    own = [hit(f"{n}.one.example", n, title=f"About dogs, {n}") for n in range(1, 4)]
    own.append(hit("4.one.example", 4, title="Dogs on the ferry", snippet="A muzzle on line nine."))
    results = [Results("q", (*own, hit("other.example", 5)))]
    wanted = frozenset({"dogs", "ferry", "line", "nine"})
    taken, others = merge(results, wanted=wanted)
    assert {h.rank for h in taken} == {1, 4, 5}
    assert {(o.rank, o.reason) for o in others} == {
        (2, "enough of this domain"),
        (3, "enough of this domain"),
    }


def test_so_are_the_best_of_all() -> None:
    hits = tuple(hit(f"{c}.example", rank) for rank, c in enumerate("abcdefg", 1))
    last = hit("answer.example", 8, snippet="The muzzle on the ferry.")
    taken, others = merge([Results("q", (*hits, last))], wanted={"muzzle", "ferry"})
    assert "https://answer.example/" in {h.url for h in taken}
    assert [(o.rank, o.fate) for o in others] == [(6, "unused"), (7, "unused")]


def test_limits_can_be_set() -> None:
    hits = tuple(hit(f"http://127.0.0.1:8000/{n}", n) for n in range(1, 9))
    taken, _ = merge([Results("q", hits)], take=5, per_domain=9)
    assert [h.rank for h in taken] == [1, 2, 3, 4, 5]


def test_nothing_is_merged_to_nothing() -> None:
    assert merge([]) == ((), ())
    assert merge([Results("q", problem=no_hits())]) == ((), ())


@fixed
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8, unique=True), max_size=3))
def test_each_result_has_one_fate(lists: list[list[str]]) -> None:
    results = [
        Results("q", tuple(hit(f"{name}.example", rank) for rank, name in enumerate(names, 1)))
        for names in lists
    ]
    taken, others = merge(results)
    found = [h.url for h in taken] + [o.url for o in others]
    assert sorted(found) == sorted({f"https://{n}.example/" for names in lists for n in names})
    assert sorted([h.rank for h in taken] + [o.rank for o in others]) == list(
        range(1, len(found) + 1)
    )


def test_fusion() -> None:
    assert fuse([]) == []
    assert fuse([[1, 2], [2, 1]]) == [1 / (FUSION_K + 1) + 1 / (FUSION_K + 2)] * 2
