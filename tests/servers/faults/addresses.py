"""Addresses at which no server of ours can be reached."""

from __future__ import annotations

from .fault import Fault, Where

ADDRESSES = (
    Fault("connection refused", where=Where.NOBODY),
    Fault("name does not resolve", where=Where.NO_NAME),
    Fault("https to a plain port", where=Where.NO_TLS),
    Fault("self-signed certificate", where=Where.SELF_SIGNED),
)
