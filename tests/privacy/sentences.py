"""One sentence with one value of each kind, for tests of what follows from what was found."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from hal.privacy.kinds import TIERS, Kind, Tier

from . import hard_values as make

_rng = Random(7)
VALUES: Mapping[Kind, tuple[str, str]] = {
    Kind.EMAIL: ("my e-mail address is {}", "lena.winter@meridian-data.net"),
    Kind.PHONE: ("my phone number is {}", "+49 30 23125678"),
    Kind.CREDIT_CARD: ("my card number is {}", make.card(_rng)),
    Kind.IBAN: ("please use my IBAN {}", make.iban(_rng)),
    Kind.NATIONAL_ID: ("my social security number is {}", make.ssn(_rng)),
    Kind.IP: ("my server is {}", "93.184.71.5"),
    Kind.MAC: ("my laptop is {}", "3c:22:fb:0d:91:a4"),
    Kind.PERSON: ("my name is {}", "Laura Hoffmann"),
    Kind.ADDRESS: ("I live at {}", "742 Maple Street, Springfield, IL 62704"),
    Kind.DOB: ("my date of birth is {}", "12 March 1984"),
    Kind.SECRET: ("the API key is {}", make.KEYS["AWS"](_rng)),
    Kind.URL_CRED: ("see {}", make.url_with_login(_rng)),
    Kind.CRYPTO: ("send it to my wallet {}", make.bitcoin_segwit(_rng)),
    Kind.PLATE: ("my car has the licence plate {}", "B-MW 4821"),
    Kind.MRN: ("the patient's medical record number is {}", make.medical_record(_rng)),
}
SENTENCES: Mapping[Kind, str] = {
    kind: words.format(value) for kind, (words, value) in VALUES.items()
}
REFUSED = tuple(kind for kind in Kind if TIERS[kind] > Tier.SOFT)


def value_of(kind: Kind) -> str:
    return VALUES[kind][1]
