"""The vocabulary of privacy: what kinds of private things there are, and how private each is.

Pure. Knows no pattern and no policy; type names are those of `hal privacy scan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Tier(IntEnum):
    """How private a thing is. A lone SOFT one has no effect on where a turn goes."""

    SOFT = 1
    CONTACT = 2
    HARD = 3


class Kind(StrEnum):
    """What was found."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    NATIONAL_ID = "NATIONAL_ID"
    IP = "IP"
    MAC = "MAC"
    PERSON = "PERSON"
    ADDRESS = "ADDRESS"
    DOB = "DOB"
    SECRET = "SECRET"  # noqa: S105 - the kind, not one of them
    URL_CRED = "URL_CRED"
    CRYPTO = "CRYPTO"
    PLATE = "PLATE"
    MRN = "MRN"


TIERS: Mapping[Kind, Tier] = MappingProxyType(
    {
        Kind.SECRET: Tier.HARD,
        Kind.URL_CRED: Tier.HARD,
        Kind.CREDIT_CARD: Tier.HARD,
        Kind.IBAN: Tier.HARD,
        Kind.NATIONAL_ID: Tier.HARD,
        Kind.MRN: Tier.HARD,
        Kind.CRYPTO: Tier.HARD,
        Kind.EMAIL: Tier.CONTACT,
        Kind.PHONE: Tier.CONTACT,
        Kind.ADDRESS: Tier.CONTACT,
        Kind.DOB: Tier.CONTACT,
        Kind.PLATE: Tier.CONTACT,
        Kind.IP: Tier.CONTACT,
        Kind.MAC: Tier.CONTACT,
        Kind.PERSON: Tier.SOFT,
    }
)

# What the user reads, in the singular; the status line counts them.
WORDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.EMAIL: "e-mail address",
        Kind.PHONE: "phone number",
        Kind.CREDIT_CARD: "card number",
        Kind.IBAN: "bank account",
        Kind.NATIONAL_ID: "identity number",
        Kind.IP: "IP address",
        Kind.MAC: "MAC address",
        Kind.PERSON: "name",
        Kind.ADDRESS: "postal address",
        Kind.DOB: "date of birth",
        Kind.SECRET: "key or password",
        Kind.URL_CRED: "login in a URL",
        Kind.CRYPTO: "wallet address",
        Kind.PLATE: "licence plate",
        Kind.MRN: "medical record number",
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """Something private in a text; offsets in characters, `end` exclusive."""

    start: int
    end: int
    kind: Kind

    @property
    def tier(self) -> Tier:
        return TIERS[self.kind]
