"""The generator: valid values, where it says they are, in all combinations, the same each time."""

from __future__ import annotations

import itertools
import json
from random import Random

import pytest
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.pt import nif
from stdnum.se import personnummer
from stdnum.us import ssn

from hal.privacy.traces import Traces
from tests.privacy import hard_values as make
from tests.privacy.carriers import CARRIERS
from tests.privacy.generate import IDENTITY, POSITIONS, SORTS, PrivateTurn, fits, generate

ROUND = sum(fits(sort, position) for sort in SORTS for position in POSITIONS)
VALIDATORS = {
    "en": ssn, "de": idnr, "fr": nir, "es": dni, "it": codicefiscale, "nl": bsn, "pl": pesel,
    "pt": nif, "sv": personnummer,
}  # fmt: skip


def some(n: int, seed: int = 1) -> list[PrivateTurn]:
    return list(itertools.islice(generate(seed), n))


@pytest.mark.parametrize("language", IDENTITY)
def test_identity_numbers_are_valid(language: str) -> None:
    rng = Random(3)
    made = [IDENTITY[language](rng) for _ in range(200)]
    assert [number for number in made if not VALIDATORS[language].is_valid(number)] == []


def test_cards_and_accounts_are_valid() -> None:
    rng = Random(4)
    for _ in range(200):
        assert luhn.is_valid(make.card(rng).replace(" ", "").replace("-", ""))
        assert iban.is_valid(make.iban(rng))


def test_a_known_wallet_checksum() -> None:
    """BIP 173's own example comes out of its data."""

    class Fixed(Random):
        values = iter(make.BECH32.index(each) for each in "w508d6qejxtdg4y5r3zarvary0c5xw7k")

        def randrange(self, *_: object, **__: object) -> int:
            return next(self.values)

    assert make.bitcoin_segwit(Fixed()) == "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def test_a_round_has_every_value_in_every_position() -> None:
    cases = some(ROUND)
    assert len({(case.sort, case.position) for case in cases}) == ROUND
    assert {case.language for case in cases} == set(CARRIERS)


def test_the_value_stands_in_what_is_posted() -> None:
    for case in some(ROUND):
        kept = case.body | {"metadata": None}
        assert Traces(case.values).find(json.dumps(kept)), (case.sort, case.position)


def test_the_value_stands_in_its_position_alone() -> None:
    for case in some(ROUND):
        *earlier, last = case.turn.messages
        here = Traces(case.values).find(json.dumps(last)) != ()
        before = Traces(case.values).find(json.dumps(earlier)) != ()
        elsewhere = case.position in (
            *("earlier user turn", "assistant turn", "system prompt"),
            *("earlier context", "tool call arguments"),
        )
        assert (here, before) == (not elsewhere, elsewhere), case.position


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    def seen(seed: int) -> list[str]:
        return [f"{case.values}{case.position}{case.turn.messages}" for case in some(50, seed)]

    assert seen(5) == seen(5)
    assert seen(5) != seen(6)


def test_no_value_comes_twice() -> None:
    values = [value for case in some(3000) for value in case.values]
    assert len(set(values)) > 0.99 * len(values)
