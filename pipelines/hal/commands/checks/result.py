"""What a check comes to, and what all checks are given.

Knows no check and no format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import requests

from ...settings import Settings
from ..stored import Places

# A host that does not answer at once is not there; reading may take a busy server a moment.
TIMEOUT_S = (2.0, 8.0)


class Status(StrEnum):
    """FAIL: something will not work. WARN: it will, but not as one may think."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `remedy` says what to do; "" when there is nothing to do."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What the checks look at. `offline`: nothing may be asked beyond this network."""

    environ: Mapping[str, str]
    settings: Settings
    places: Places
    port: int
    offline: bool = False


def ok(name: str, detail: str) -> Check:
    return Check(name, Status.OK, detail)


def warn(name: str, detail: str, remedy: str = "") -> Check:
    return Check(name, Status.WARN, detail, remedy)


def fail(name: str, detail: str, remedy: str = "") -> Check:
    return Check(name, Status.FAIL, detail, remedy)


def get(
    url: str, *, key: str = "", proxies: bool = False, read_s: float = TIMEOUT_S[1]
) -> requests.Response:
    """One GET; raises requests.RequestException. Proxies only where the internet is meant."""
    with requests.Session() as session:
        session.trust_env = proxies
        if key:
            session.headers["Authorization"] = f"Bearer {key}"
        return session.get(url, timeout=(TIMEOUT_S[0], read_s), allow_redirects=False)


def reason(error: requests.RequestException) -> str:
    """In words; the text of the exception is an inner dialogue of three libraries."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate is not accepted"
    return "nothing listens there, or the name is unknown"
