"""TLS as nobody should trust it: a certificate that only its owner has signed."""

from __future__ import annotations

import ssl
from pathlib import Path

# For 127.0.0.1, valid for a century; its key protects nothing.
_PEM = Path(__file__).with_name("self_signed.pem")


def self_signed() -> ssl.SSLContext:
    """For `ScriptedServer.tls`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_PEM)
    return context
