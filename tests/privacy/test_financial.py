"""Cards, accounts and wallets: valid ones in every spelling, and numbers that fail their check."""

from __future__ import annotations

import hashlib

import pytest

from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind


def found(text: str, kind: Kind) -> list[str]:
    return [text[span.start : span.end] for span in Detector().find(text) if span.kind is kind]


CARDS = {
    "visa": ("5130146730024588", "pay with 5130146730024588 please"),
    "spaces": ("5130 1467 3002 4588", "5130 1467 3002 4588"),
    "dashes": ("6011-4521-1785-0252", "card: 6011-4521-1785-0252, exp 12/29"),
    "amex": ("379102374095468", "379102374095468."),
    "amex, groups": ("3791 023740 95468", "amex 3791 023740 95468"),
    "mastercard, 2 series": ("2308667275322437", "2308667275322437"),
    "diners by name": ("38134375577528", "my card 38134375577528"),
    "a long one by name": ("4735615260219382870", "I lost my card 4735615260219382870"),
    "table": ("5175892900754001", "Anna,5175892900754001,12/29"),
    "json": ("5175892900754001", '{"number":"5175892900754001"}'),
    "polish": ("4001 6595 5647 6376", "Karta: 4001 6595 5647 6376"),
}


@pytest.mark.parametrize(("value", "text"), CARDS.values(), ids=CARDS)
def test_card(value: str, text: str) -> None:
    assert found(text, Kind.CREDIT_CARD) == [value]


NO_CARDS = {
    "checksum": "card 5130146730024589",
    "test card": "use 4242 4242 4242 4242 or 4111-1111-1111-1111 or 378282246310005",
    "test card, stripe": "4000 0000 0000 9995",
    "prefix": "1671704433529609 and 9559353367212682",
    "longer run": "15130146730024588000",
    "hex": "a5130146730024588",
    "uuid": "51301467-3002-4588-8000-000000000000",
    "odd groups": "51 3014 6730 0245 88",
    "mixed separators": "5130 1467-3002 4588",
    "fraction": "0.5130146730024588",
    "zeros": "0000000000000000",
    "time stamp in milliseconds": "1700000000000",
    "maestro length without a word": "676770000000",
}


@pytest.mark.parametrize("text", NO_CARDS.values(), ids=NO_CARDS)
def test_no_card(text: str) -> None:
    assert found(text, Kind.CREDIT_CARD) == []


ACCOUNTS = {
    "german": ("DE38461822765939456728", "IBAN DE38461822765939456728."),
    "groups": ("DE38 4618 2276 5939 4567 28", "auf DE38 4618 2276 5939 4567 28 und dann"),
    "british": ("GB78 TVIE 7079 5410 2896 01", "GB78 TVIE 7079 5410 2896 01 today"),
    "lower case": ("de38461822765939456728", "de38461822765939456728"),
    "odd groups": ("DE384618 22765939 456728", "DE384618 22765939 456728"),
    "dashes": ("DE38-4618-2276-5939-4567-28", "DE38-4618-2276-5939-4567-28"),
    "after an id": (
        "ES73 2032 7667 1920 8798 2832",
        "DNI es 92349453Z, cuenta ES73 2032 7667 1920 8798 2832",
    ),
    "polish": ("PL54716496752472114180714012", "rachunek PL54716496752472114180714012"),
    "polish, domestic": (
        "54 7164 9675 2472 1141 8071 4012",
        "Numer rachunku: 54 7164 9675 2472 1141 8071 4012",
    ),
    "mistyped, but named": (
        "DE39 4618 2276 5939 4567 28",
        "meine IBAN: DE39 4618 2276 5939 4567 28",
    ),
}


@pytest.mark.parametrize(("value", "text"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_account(value: str, text: str) -> None:
    assert found(text, Kind.IBAN) == [value]


NO_ACCOUNTS = {
    "checksum": "DE39 4618 2276 5939 4567 28",
    "example": "IBAN DE89 3704 0044 0532 0130 00",
    "length": "DE3846182276593945672",
    "no country": "QQ38461822765939456728",
    "domestic without a word": "54 7164 9675 2472 1141 8071 4012",
    "inside a word": "XDE38461822765939456728",
    "bic": "DEUTDEFF500",
    "words": "is 12 of the twenty two words that follow here 1234567890",
}


@pytest.mark.parametrize("text", NO_ACCOUNTS.values(), ids=NO_ACCOUNTS)
def test_no_account(text: str) -> None:
    assert found(text, Kind.IBAN) == []


ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(version: int, payload: bytes) -> str:
    data = bytes([version]) + payload
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, chars = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        chars = ALPHABET[digit] + chars
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + chars


HASH = hashlib.sha256(b"a payload").digest()
WALLETS = {
    "bitcoin": base58check(0, HASH[:20]),
    "bitcoin, script": base58check(5, HASH[:20]),
    "litecoin": base58check(48, HASH[:20]),
    "dogecoin": base58check(30, HASH[:20]),
    "tron": base58check(65, HASH[:20]),
    "a private key": base58check(128, HASH),
    "a private key, compressed": base58check(128, HASH + b"\1"),
    # Both from BIP 173 and BIP 350.
    "segwit": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "segwit, upper case": "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "taproot": "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "ethereum": "0x35acdfd490776efb99042617373283e8f4b8a448",
    "ethereum, mixed case": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
}


@pytest.mark.parametrize("value", WALLETS.values(), ids=WALLETS)
@pytest.mark.parametrize("around", ["{}", "send it to {}, now", 'wallet = "{}"', "({})"])
def test_wallet(value: str, around: str) -> None:
    assert found(around.format(value), Kind.CRYPTO) == [value]


NO_WALLETS = {
    "checksum": base58check(0, HASH[:20])[:-1] + "z",
    "version": base58check(77, HASH[:20]),
    "segwit checksum": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
    "mixed case": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4",
    "nobody's": f"0x{'0' * 40} 0x{'0' * 36}dEaD",
    "a longer number": "0x35acdfd490776efb99042617373283e8f4b8a44835acdfd490776efb99042617",
    "a shorter number": "0x35acdfd490776efb9904",
    "genesis": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "a git hash": "35acdfd490776efb99042617373283e8f4b8a448",
    "a long word": "LongCamelCaseIdentifierInSomeProgram",
}


@pytest.mark.parametrize("text", NO_WALLETS.values(), ids=NO_WALLETS)
def test_no_wallet(text: str) -> None:
    assert found(text, Kind.CRYPTO) == []
