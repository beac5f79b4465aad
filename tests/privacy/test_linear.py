"""No rule for names, addresses, births, plates or records hangs on a long and strange text."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from hal.privacy import birth, people, plates, postal, records
from hal.privacy.found import Found
from hal.privacy.name_lists import NameLists
from tests.privacy.linear import hostile

# A rule that is quadratic in these would need minutes: the test's time limit is the guard.
CHARS = 300_000
QUIET = ("base64", "digits", "cyrillic", "brackets", "spaces", "lines", "capitals", "apostrophes")
TEXTS = {name: text for name, text in hostile(CHARS).items() if name in QUIET}
NAMES = NameLists.load()

FINDERS: dict[str, Callable[[str], Iterable[Found]]] = {
    "people": lambda text: people.find(text, NAMES),
    "postal": postal.find,
    "birth": birth.find,
    "plates": plates.find,
    "records": records.find,
}


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_long_text_comes_to_an_end(finder: str, kind: str) -> None:
    for one in FINDERS[finder](TEXTS[kind]):
        assert 0 <= one.start < one.end <= len(TEXTS[kind])
