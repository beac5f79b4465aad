"""The order of passages: by words, and by meaning where somebody can tell it."""

from __future__ import annotations

from datetime import date

from hal.enrichment.bm25 import covered
from hal.enrichment.passages import terms
from hal.enrichment.rank import LOCAL_TOKENS, choose
from hal.enrichment.readable import readable
from hal.enrichment.types import Freshness, Hit, Page
from hal.enrichment.worth import CANDIDATES, NEAREST, by_worth, candidates

TODAY = date(2026, 11, 20)
WANTED = frozenset(terms("How many ships did the lighthouse keeper count?"))
FILLER = "On page {0} somebody{0} writes about weather{0}, bread{0} and a long winter{0}. "


def hits(count: int) -> list[Hit]:
    return [
        Hit(f"https://site{n}.example/", f"Title {n}", "", n, date="") for n in range(1, count + 1)
    ]


def page(n: int, text: str) -> Page:
    return Page(f"https://site{n}.example/", f"https://site{n}.example/", text)


def filled(n: int, sentences: int, extra: str = "") -> Page:
    lines = [FILLER.format(f"{n}x{at}") for at in range(sentences)]
    middle = sentences // 2
    return page(n, "".join([*lines[:middle], extra, *lines[middle:]]))


def test_meaning_finds_what_has_other_words() -> None:
    """Nine vessels passed: no word of the question, and the only text that answers it."""
    said = "Nine vessels went by, wrote an old man in his tower."
    pages = [filled(1, 60), filled(2, 60, said)]
    texts = candidates(WANTED, hits(2), pages, TODAY)
    (answer,) = [text for text in texts if said in text]
    near = {text: 0.9 if text == answer else 0.1 for text in texts}
    blind, _ = choose(WANTED, Freshness.ANY, hits(2), pages, LOCAL_TOKENS, TODAY)
    seeing, _ = choose(WANTED, Freshness.ANY, hits(2), pages, LOCAL_TOKENS, TODAY, near)
    assert not any(said in passage for source in blind for passage in source.passages)
    assert any(said in passage for passage in seeing[0].passages)


def test_words_still_count_beside_it() -> None:
    said = "The lighthouse keeper counted ships, how many did he count? "
    sources, _ = readable(hits(2), [filled(1, 9, said * 3), filled(2, 9)], TODAY)
    near = {text: 0.5 for source in sources for text in source.passages}
    assert by_worth(sources, WANTED, Freshness.ANY, near)[0].source == 0
    assert said.strip() in by_worth(sources, WANTED, Freshness.ANY, near)[0].text


def test_what_nobody_compared_comes_after_what_somebody_did() -> None:
    sources, _ = readable(hits(1), [filled(1, 40)], TODAY)
    last = by_worth(sources, WANTED)[-1].text
    assert by_worth(sources, WANTED, Freshness.ANY, {last: -1.0})[0].text == last


def test_only_the_nearest_are_quoted_without_a_word_of_the_question() -> None:
    sources, _ = readable(hits(3), [filled(n, 99) for n in (1, 2, 3)], TODAY)
    texts = [text for source in sources for text in source.passages]
    assert len(texts) > 2 * NEAREST
    near = {text: 1 - at / 1000 for at, text in enumerate(texts)}
    found = by_worth(sources, frozenset({"nothing"}), Freshness.ANY, near)
    assert {passage.text for passage in found if passage.matches} == set(texts[:NEAREST])


def test_each_source_has_its_candidates() -> None:
    """Six pages, one of them much longer and full of the words that were asked for."""
    long = filled(1, 600, "The lighthouse keeper counted ships. " * 20)
    pages = [long, *(filled(n, 12) for n in range(2, 7))]
    texts = candidates(WANTED, hits(6), pages, TODAY)
    assert len(texts) == CANDIDATES == len(set(texts))
    sources, _ = readable(hits(6), pages, TODAY)
    counts = [len({*texts} & {*source.passages}) for source in sources]
    assert counts[1:] == [len(source.passages) for source in sources[1:]]
    assert counts[0] == CANDIDATES - sum(counts[1:])
    assert candidates(WANTED, [], [], TODAY) == ()


def test_how_much_of_a_question_a_text_has() -> None:
    texts = [["the", "ships"], ["the", "lighthouse", "ships", "ships"], ["the"], []]
    assert covered({"absent"}, texts) == [0, 0, 0, 0]
    assert covered({"the", "ships", "lighthouse", "absent"}, texts) == [2 / 3, 1, 1 / 3, 0]
    assert covered({"the"}, []) == []
