"""The vault: one value, one token, in the order of first appearance, and nothing that shows it."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.privacy.kinds import Kind
from hal.privacy.name_parts import needs_capital, parts
from hal.privacy.tokens import ALL_TYPES, TokenGrammar
from hal.privacy.vault import Vault, VaultFull
from hal.privacy.vaults import TTL_S, Vaults
from tests.core.things import fixed


def value_of(vault: Vault, token: str) -> str | None:
    read = TokenGrammar(vault.nonce, ALL_TYPES).read(token)
    return vault.value_of(read.type_name, read.number, read.part)


def test_numbers_count_each_type_in_order_of_appearance() -> None:
    vault = Vault("7K2")
    assert vault.token_for(Kind.EMAIL, "b@b.de") == "[[EMAIL_7K2_1]]"
    assert vault.token_for(Kind.PHONE, "+49 170 1234567") == "[[PHONE_7K2_1]]"
    assert vault.token_for(Kind.EMAIL, "a@b.de") == "[[EMAIL_7K2_2]]"
    assert vault.token_for(Kind.EMAIL, "b@b.de") == "[[EMAIL_7K2_1]]"
    assert vault.token_for(Kind.NATIONAL_ID, "123") == "[[ID_7K2_1]]"
    assert vault.token_for(Kind.MRN, "124") == "[[ID_7K2_2]]"


SPELLINGS = {
    "a phone number": (Kind.PHONE, "+49 170 1234567", "+491701234567"),
    "a mail address": (Kind.EMAIL, "A@B.de", "a@b.de"),
    "a name": (Kind.PERSON, "Jürgen Müller", "JÜRGEN  MÜLLER"),
    "an account": (Kind.IBAN, "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
}


@pytest.mark.parametrize(("kind", "first", "second"), SPELLINGS.values(), ids=SPELLINGS)
def test_spellings_share_a_token_and_come_back_as_the_first(
    kind: Kind, first: str, second: str
) -> None:
    vault = Vault("7K2")
    token = vault.token_for(kind, first)
    assert vault.token_for(kind, second) == token
    assert value_of(vault, token) == first
    assert len(vault) == 1


DIFFERENT = {
    "plates in another script": (Kind.PLATE, "А123ВС", "Б123ГД"),
    "numbers without ASCII": (Kind.MRN, "十二", "十三"),
    "nothing but separators": (Kind.PHONE, "--", "..."),
    "case in a key": (Kind.SECRET, "abcDEF", "abcdef"),
}


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different_values_never_share_a_token(kind: Kind, one: str, other: str) -> None:
    vault = Vault("7K2")
    tokens = [vault.token_for(kind, one), vault.token_for(kind, other)]
    assert [value_of(vault, token) for token in tokens] == [one, other]


def test_the_parts_of_a_name_share_its_number() -> None:
    vault = Vault("7K2")
    assert vault.token_for(Kind.PERSON, "Jürgen Müller") == "[[PERSON_7K2_1]]"
    assert vault.token_for(Kind.PERSON, "Müller") == "[[PERSON_7K2_1_LAST]]"
    assert vault.token_for(Kind.PERSON, "Jürgen") == "[[PERSON_7K2_1_FIRST]]"
    assert value_of(vault, "[[PERSON_7K2_1_LAST]]") == "Müller"
    assert value_of(vault, "[[PERSON_7K2_1_FIRST]]") == "Jürgen"
    assert value_of(vault, "[[PERSON_7K2_1_MIDDLE]]") == "Jürgen Müller"  # a part nobody gave out


def test_a_name_becomes_longer() -> None:
    vault = Vault("7K2")
    assert vault.token_for(Kind.PERSON, "Müller") == "[[PERSON_7K2_1]]"
    assert vault.token_for(Kind.PERSON, "Jürgen Müller") == "[[PERSON_7K2_1_FULL]]"
    assert vault.token_for(Kind.PERSON, "Jürgen") == "[[PERSON_7K2_1_FIRST]]"
    assert vault.token_for(Kind.PERSON, "Anna Müller") == "[[PERSON_7K2_2]]"
    assert vault.token_for(Kind.PERSON, "Müller") == "[[PERSON_7K2_1]]"
    assert value_of(vault, "[[PERSON_7K2_1_FULL]]") == "Jürgen Müller"


PARTS = {
    "Jürgen Müller": {"FIRST": "Jürgen", "LAST": "Müller"},
    "Müller": {},
    "Herr Müller": {"LAST": "Müller"},
    "Dr. Jürgen Müller": {"FULL": "Jürgen Müller", "FIRST": "Jürgen", "LAST": "Müller"},
    "Müller, Jürgen": {"FIRST": "Jürgen", "LAST": "Müller"},
    "Anna Maria Schmidt": {"FIRST": "Anna", "MIDDLE": "Maria", "LAST": "Schmidt"},
    "Ludwig van Beethoven": {"FIRST": "Ludwig", "LAST": "Beethoven"},
    "J. Müller": {"LAST": "Müller"},
    "Li Na": {},
    "": {},
}


@pytest.mark.parametrize("name", PARTS)
def test_parts_of_a_name(name: str) -> None:
    assert parts(name) == PARTS[name]


def test_names_that_are_words_need_their_capital() -> None:
    assert needs_capital("Mark")
    assert needs_capital("Weiß")
    assert not needs_capital("Jürgen")


names = st.lists(
    st.sampled_from(["Anna", "Müller", "Jürgen", "Dr.", "Herr", "van", "Li", "J.", "anna", "李"]),
    min_size=1,
    max_size=4,
).map(" ".join)


@fixed
@given(st.lists(st.tuples(st.sampled_from([Kind.PERSON, Kind.EMAIL, Kind.SECRET]), names)))
def test_whatever_comes_each_token_means_one_value(values: list[tuple[Kind, str]]) -> None:
    vault, again = Vault("7K2"), Vault("7K2")
    tokens = [vault.token_for(kind, value) for kind, value in values]
    assert [again.token_for(kind, value) for kind, value in values] == tokens
    meant: dict[str, str] = {}
    for (kind, value), token in zip(values, tokens, strict=True):
        first = value_of(vault, token)
        assert first is not None
        assert first.casefold() == value.casefold() if kind is Kind.PERSON else True
        assert meant.setdefault(token, first) == first
        assert vault.token_for(kind, first) == token


def test_a_vault_that_is_full_says_so_without_a_value() -> None:
    vault = Vault("7K2", limit=2)
    vault.token_for(Kind.EMAIL, "a@b.de")
    vault.literal_for("ID_7K2_1")
    assert vault.token_for(Kind.EMAIL, "a@b.de") == "[[EMAIL_7K2_1]]"
    for kind, value in ((Kind.EMAIL, "secret@b.de"), (Kind.PERSON, "Anna Secret")):
        with pytest.raises(VaultFull) as caught:
            vault.token_for(kind, value)
        assert "secret" not in str(caught.value).casefold()


def test_nothing_shows_a_value() -> None:
    vault = Vault("7K2")
    vault.token_for(Kind.EMAIL, "hidden@b.de")
    vaults = Vaults(b"key", lambda: 0.0)
    vaults.vault_for("user", "chat", []).token_for(Kind.EMAIL, "hidden@b.de")
    shown = [repr(vault), str(vault), repr(vaults), repr(vault.mentions), repr(vault.grammar())]
    for thing in (vault, vaults):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError) as caught:
                attempt(thing)
            shown.append("".join(traceback.format_exception(caught.value)))
    assert all("hidden" not in text and "chat'" not in text for text in shown)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_chat_keeps_its_vault_and_no_other_has_it() -> None:
    vaults = Vaults(b"key", Clock())
    mine = vaults.vault_for("me", "chat", [])
    assert vaults.vault_for("me", "chat", []) is mine
    others = [
        vaults.vault_for(*who, []) for who in (("you", "chat"), ("me", "other"), ("mec", "hat"))
    ]
    assert len({id(vault) for vault in (mine, *others)}) == 4
    assert len({vault.nonce for vault in (mine, *others)}) == 4


def test_a_vault_that_comes_back_gives_the_same_tokens() -> None:
    first = Vaults(b"key", Clock()).vault_for("me", "chat", [])
    again = Vaults(b"key", Clock()).vault_for("me", "chat", [])
    assert first.token_for(Kind.PERSON, "Anna") == again.token_for(Kind.PERSON, "Anna")


def test_vaults_are_dropped_when_nobody_has_come_for_long() -> None:
    clock = Clock()
    vaults = Vaults(b"key", clock)
    old, used = vaults.vault_for("me", "old", []), vaults.vault_for("me", "used", [])
    clock.now = TTL_S
    assert vaults.vault_for("me", "used", []) is used
    clock.now = TTL_S + 1
    assert vaults.vault_for("me", "used", []) is used
    assert len(vaults) == 1
    assert vaults.vault_for("me", "old", []) is not old


def test_the_least_recently_used_vault_makes_room() -> None:
    vaults = Vaults(b"key", Clock(), limit=2)
    a, b = vaults.vault_for("me", "a", []), vaults.vault_for("me", "b", [])
    assert vaults.vault_for("me", "a", []) is a
    vaults.vault_for("me", "c", [])
    assert len(vaults) == 2
    assert vaults.vault_for("me", "a", []) is a
    assert vaults.vault_for("me", "b", []) is not b


def test_a_vault_can_be_forgotten() -> None:
    vaults = Vaults(b"key", Clock())
    mine = vaults.vault_for("me", "a", [])
    vaults.forget("me", "a")
    vaults.forget("me", "not there")
    assert len(vaults) == 0
    assert vaults.vault_for("me", "a", []) is not mine


def test_a_text_that_holds_the_nonce_gets_another_one() -> None:
    vaults = Vaults(b"key", Clock())
    mine = vaults.vault_for("me", "a", [])
    other = vaults.vault_for("me", "a", ["hello", f"so person_{mine.nonce.lower()}_1 it is"])
    assert other is not mine
    assert other.nonce != mine.nonce
    assert len(other) == 0
