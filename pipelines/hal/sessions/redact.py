"""Takes out of rows of the log what is private, so that a bug report can carry a log.

Two looks at each row: `learn` first at all of them, then `redacted`. What was found once is masked
wherever else it stands. Ids become names that mean something within one redaction alone; hosts of
the user's own network are masked, since the detector rightly holds them for nobody's secret.
Numbers, routes, models, outcomes and reasons stay. Knows no file.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum, auto
from hashlib import sha256
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from ..addresses import is_public
from ..errors import HalError
from ..privacy.kinds import Kind, Span
from ..privacy.policy import Find
from ..privacy.scrub import scrub, scrub_json
from ..privacy.tokens import nonce_for
from ..privacy.vault import Vault, VaultFull
from .columns import AnyRow
from .record import (
    CallRow,
    ContentRow,
    EgressContentRow,
    EgressRow,
    LookupRow,
    PolicyRow,
    PromptVersionRow,
    ScoreContentRow,
    ScoreRow,
    ShadowContentRow,
    TurnRow,
)

# Values of a whole log, about 300 bytes each in memory.
VALUES_MAX = 200_000
# 48 bits: two ids of a log of a million turns do not share a name.
_NAME_DIGITS = 12
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})

_IP4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_HOUSE_NAME = re.compile(
    r"(?i)(?<![\w.-])[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,4}"
    r"\.(?:local|lan|internal|home\.arpa|fritz\.box)(?![\w-])"
)


class Treatment(Enum):
    """What becomes of a column."""

    TEXT = auto()  # somebody's words
    JSON = auto()  # a text that is JSON, and stays JSON
    PARTS = auto()  # a mapping or a list with texts in it
    ID = auto()
    HOST = auto()
    DIGEST = auto()  # a hash without a key: whoever guesses the text could check the guess
    DROPPED = auto()


# All other columns are numbers, or words of this program: routes, models, outcomes, versions.
TREATMENTS: Mapping[type[AnyRow], Mapping[str, Treatment]] = MappingProxyType(
    {
        TurnRow: {
            **dict.fromkeys(
                ("chat_id", "message_id", "user_message_id", "session_id", "user_id"), Treatment.ID
            ),
            "reason": Treatment.TEXT,
            "notes": Treatment.PARTS,
            "features_json": Treatment.JSON,
            "process_id": Treatment.DROPPED,
        },
        CallRow: {"host": Treatment.HOST},
        EgressRow: {
            "host": Treatment.HOST,
            "sha256": Treatment.DIGEST,
            "hashes": Treatment.DROPPED,
        },
        EgressContentRow: {"body": Treatment.JSON},
        PromptVersionRow: {"text": Treatment.TEXT},
        ContentRow: dict.fromkeys(("question", "answer", "thinking", "draft"), Treatment.TEXT),
        LookupRow: {"problem": Treatment.TEXT, "detail": Treatment.PARTS},
        ScoreRow: {
            "label": Treatment.TEXT,
            "source_version": Treatment.TEXT,
            "external_id": Treatment.ID,
        },
        ScoreContentRow: {"explanation": Treatment.TEXT},
        ShadowContentRow: {"answer": Treatment.TEXT},
        PolicyRow: {"settings": Treatment.PARTS},
    }
)


class TooMuch(HalError):
    """More private values than one redaction can keep apart."""

    code = "redaction"


class Redactor:
    """`find` is the detector's; `key` makes the names, and is to be forgotten afterwards."""

    def __init__(self, find: Find, key: bytes, values_max: int = VALUES_MAX) -> None:
        self._find = find
        self._key = key
        self._vault = Vault(nonce_for(key, "", lambda _nonce: False), limit=values_max)

    def learn(self, row: AnyRow) -> None:
        """Remember what is private in this row. Raises TooMuch, and what `find` raises."""
        self.redacted(row)

    def redacted(self, row: AnyRow) -> AnyRow:
        """The row without it. Raises as `learn` does."""
        treatments = TREATMENTS.get(type(row), {})
        try:
            changed = {
                name: self._treated(treatment, getattr(row, name))
                for name, treatment in treatments.items()
                if getattr(row, name)
            }
        except VaultFull:
            raise TooMuch(
                "There are too many private values in this log to mask them all.",
                "Export less of it (--since, --chat), or leave the texts out (--no-content).",
            ) from None
        return replace(row, **changed) if changed else row

    def _treated(self, treatment: Treatment, value: Any) -> Any:
        match treatment:
            case Treatment.TEXT:
                return scrub(value, self._spans(value), self._vault).text
            case Treatment.JSON:
                return scrub_json(value, self._spans, self._vault).text
            case Treatment.PARTS:
                return self._parts(value)
            case Treatment.ID:
                return f"id-{self._digest(value)[:_NAME_DIGITS]}"
            case Treatment.HOST:
                return self._host(value)
            case Treatment.DIGEST:
                return self._digest(value)
            case Treatment.DROPPED:
                return type(value)()

    def _parts(self, value: Any) -> Any:
        """Read again from JSON: a tuple stays a tuple, a mapping becomes a dict."""
        text = json.dumps(value, ensure_ascii=False, default=dict)
        parts = json.loads(scrub_json(text, self._spans, self._vault).text)
        return tuple(parts) if isinstance(value, tuple) else parts

    def _spans(self, text: str) -> tuple[Span, ...]:
        return (*self._find(text), *house_hosts(text))

    def _host(self, host: str) -> str:
        """This machine and the public names stay; their port is no secret either."""
        name, port = _split(host)
        if _is_loopback(name) or (is_public(name) and not _is_address(name)):
            return host
        return f"host-{self._digest(name)[:_NAME_DIGITS]}{port}"

    def _digest(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), sha256).hexdigest()


def house_hosts(text: str) -> Iterator[Span]:
    """Addresses and names of the user's own network in a text, but for this machine's own."""
    for found in _IP4.finditer(text):
        if _is_address(found.group()) and not (
            _is_loopback(found.group()) or is_public(found.group())
        ):
            yield Span(found.start(), found.end(), Kind.IP)
    for found in _HOUSE_NAME.finditer(text):
        yield Span(found.start(), found.end(), Kind.IP)


def _split(host: str) -> tuple[str, str]:
    """The name or address, and the port with its colon."""
    name, colon, port = host.rpartition(":")
    is_port = bool(colon) and port.isdecimal() and (name.startswith("[") or ":" not in name)
    return (name, f":{port}") if is_port else (host, "")


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    if _is_address(name):
        address = ip_address(name.strip("[]").partition("%")[0])
        return address.is_loopback or address.is_unspecified
    return name.lower() in _LOOPBACK_NAMES
