"""Makes values that must never leave the machine: valid by their checksums, and nobody's.

All from a `Random` that the caller seeds. Prefixes of keys are put together here, so that no file
holds anything that reads like a key.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Mapping
from hashlib import sha256
from random import Random
from zlib import crc32

from stdnum import luhn
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.iso7064 import mod_11_10, mod_97_10
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.pt import nif

Maker = Callable[[Random], str]

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
ALNUM = UPPER + LOWER + DIGITS
BASE62 = DIGITS + UPPER + LOWER
URL_SAFE = ALNUM + "-_"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def some(rng: Random, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def digits(rng: Random, length: int) -> str:
    return some(rng, DIGITS, length)


def _date(rng: Random) -> str:
    """Year, month and day of somebody who is grown up: YYMMDD."""
    return f"{rng.randint(50, 99)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"


def card(rng: Random) -> str:
    issuer, length, groups = rng.choice(
        (
            ("4", 16, (4, 4, 4, 4)),
            (f"5{rng.randint(1, 5)}", 16, (4, 4, 4, 4)),
            ("37", 15, (4, 6, 5)),
        )
    )
    body = issuer + digits(rng, length - 1 - len(issuer))
    number = body + luhn.calc_check_digit(body)
    return rng.choice((" ", "-", "")).join(_cut(number, groups))


def _cut(text: str, sizes: tuple[int, ...]) -> list[str]:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return [text[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def iban(rng: Random) -> str:
    """Of countries whose account numbers carry no check of their own within."""
    country, account = rng.choice(
        (
            ("DE", digits(rng, 18)),
            ("AT", digits(rng, 16)),
            ("GB", some(rng, UPPER, 4) + digits(rng, 14)),
            ("NL", some(rng, UPPER, 4) + digits(rng, 10)),
        )
    )
    whole = country + mod_97_10.calc_check_digits(account + country) + account
    step = rng.choice((4, len(whole)))
    return " ".join(whole[at : at + step] for at in range(0, len(whole), step))


def ssn(rng: Random) -> str:
    area = rng.choice([n for n in range(100, 900) if n != 666])
    return f"{area}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def german_tax_id(rng: Random) -> str:
    """Among its first ten digits exactly one comes twice, and the first is no zero."""
    nine = rng.sample(DIGITS, 9)
    nine.insert(rng.randrange(9), rng.choice(nine))
    while nine[0] == "0" or any(
        a == b == c for a, b, c in zip(nine, nine[1:], nine[2:], strict=False)
    ):
        rng.shuffle(nine)
    body = "".join(nine)
    return body + mod_11_10.calc_check_digit(body)


def french_nir(rng: Random) -> str:
    born = f"{rng.randint(50, 99)}{rng.randint(1, 12):02}"
    body = (
        f"{rng.randint(1, 2)}{born}{rng.choice(('75', '13', '69', '33'))}{rng.randint(1, 600):03}"
    )
    body += f"{rng.randint(1, 900):03}"
    return body + nir.calc_check_digits(body)


def spanish_dni(rng: Random) -> str:
    body = str(rng.randint(10_000_000, 99_999_999))
    return body + dni.calc_check_digit(body)


def italian_codice(rng: Random) -> str:
    consonants = "BCDFGLMNPRSTVZ"
    born = f"{rng.randint(50, 99)}{rng.choice('ABCDEHLMPRST')}{rng.randint(1, 28):02}"
    body = some(rng, consonants, 6) + born + rng.choice(("H501", "F205", "L219", "D612"))
    return body + codicefiscale.calc_check_digit(body)


def dutch_bsn(rng: Random) -> str:
    while True:  # one in eleven is valid
        number = str(rng.randint(100_000_000, 799_999_999))
        if bsn.is_valid(number):
            return number


def polish_pesel(rng: Random) -> str:
    body = _date(rng) + digits(rng, 4)
    return body + pesel.calc_check_digit(body)


def portuguese_nif(rng: Random) -> str:
    body = rng.choice("12") + digits(rng, 7)
    return body + nif.calc_check_digit(body)


def swedish_personnummer(rng: Random) -> str:
    body = _date(rng) + digits(rng, 3)
    return f"{body[:6]}-{body[6:]}{luhn.calc_check_digit(body)}"


def medical_record(rng: Random) -> str:
    return rng.choice((digits(rng, 8), f"{rng.randint(10, 99)}-{digits(rng, 6)}"))


def _github(rng: Random) -> str:
    """The last six characters are a checksum of the thirty before."""
    body = some(rng, BASE62, 30)
    rest, check = crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = BASE62[digit] + check
    return "gh" + "p_" + body + check


KEYS: Mapping[str, Maker] = {
    "AWS": lambda rng: "AK" + "IA" + some(rng, UPPER + "234567", 16),
    "GitHub": _github,
    "GitLab": lambda rng: "gl" + "pat-" + some(rng, URL_SAFE[:-2], 20),
    "OpenAI": lambda rng: (
        "sk" + "-" + some(rng, ALNUM, 20) + "T3Blbk" + "FJ" + some(rng, ALNUM, 20)
    ),
    "Anthropic": lambda rng: "sk" + "-ant-" + "api03-" + some(rng, URL_SAFE, 93) + "AA",
    "xAI": lambda rng: "xa" + "i-" + some(rng, ALNUM, 80),
    "Google": lambda rng: "AI" + "za" + "Sy" + some(rng, URL_SAFE, 33),
    "Slack": lambda rng: f"xo{'xb'}-{_long(rng, 12)}-{_long(rng, 12)}-{some(rng, ALNUM, 24)}",
    "Stripe": lambda rng: "sk" + "_live_" + some(rng, ALNUM, 24),
    "SendGrid": lambda rng: f"S{'G'}.{some(rng, ALNUM, 22)}.{some(rng, ALNUM, 43)}",
    "npm": lambda rng: "np" + "m_" + some(rng, ALNUM, 36),
    "Hugging Face": lambda rng: "h" + "f_" + some(rng, UPPER + LOWER, 34),
}


def _long(rng: Random, length: int) -> str:
    return rng.choice(DIGITS[1:]) + digits(rng, length - 1)


def pem(rng: Random) -> str:
    name = rng.choice(("RSA ", "EC ", ""))
    body = base64.b64encode(b"\x30\x82\x04\xa4" + rng.randbytes(rng.randint(90, 400))).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    marker = f"{name}PRIV" + "ATE KEY-----"
    return "\n".join((f"-----BEGIN {marker}", *lines, f"-----END {marker}"))


def jwt(rng: Random) -> str:
    parts = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": digits(rng, 9), "iat": rng.randint(10**9, 2**31)},
    )
    raw = [json.dumps(part).encode() for part in parts] + [rng.randbytes(32)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in raw)


def url_with_login(rng: Random) -> str:
    scheme, tail = rng.choice(
        (("postgresql", ":5432/orders"), ("https", "/private/report"), ("mongodb", "/app?w=1"))
    )
    user, password = some(rng, LOWER, 6), some(rng, ALNUM, 14)
    return f"{scheme}://{user}:{password}@db{rng.randint(1, 9)}.meridian-data.net{tail}"


def bitcoin(rng: Random) -> str:
    payload = b"\0" + rng.randbytes(20)
    payload += sha256(sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    zeros = len(payload) - len(payload.lstrip(b"\0"))
    return "1" * zeros + text


def bitcoin_segwit(rng: Random) -> str:
    """Version 0 and 20 bytes, as 32 groups of five bits, with a checksum of six."""
    data = [0, *(rng.randrange(32) for _ in range(32))]
    check = 1
    for value in (3, 3, 0, 2, 3, *data, *[0] * 6):  # "bc", expanded
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    data += [(check ^ 1) >> 5 * (5 - at) & 31 for at in range(6)]
    return "bc1" + "".join(BECH32[value] for value in data)


def ethereum(rng: Random) -> str:
    return "0x" + some(rng, DIGITS + "abcdef", 40)
