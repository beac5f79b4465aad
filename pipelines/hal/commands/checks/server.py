"""The Pipelines server on its port: running, hal-auto in its list, not open to the network.

Sends one GET of the model list, with the server's key.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import requests

from ..pipelines_server import DISTRIBUTION, MODEL_ID, stored_key, url_of
from .result import Check, Context, fail, get, ok, warn

_LISTEN = "0A"  # the state of a listening socket, in the kernel's table
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
Address = IPv4Address | IPv6Address


def checks(context: Context) -> Iterator[Check]:
    url = url_of("127.0.0.1", context.port)
    own = context.environ.get("PIPELINES_API_KEY", "").strip()
    try:
        reply = get(f"{url}/v1/models", key=own or stored_key(context.places))
    except requests.RequestException:
        yield warn("server", f"nothing at {url}", "`hal serve` starts it; --port for another port.")
        return
    yield _listed(url, reply)
    yield _published(context.port, _TABLES)


def _listed(url: str, reply: requests.Response) -> Check:
    if reply.status_code in (401, 403):
        remedy = "Set PIPELINES_API_KEY to the server's, or HAL_DATA_DIR to its data folder."
        return warn("server", f"{url} runs, but with another key than ours", remedy)
    try:
        ids = [str(entry["id"]) for entry in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return fail("server", f"what listens at {url} is no {DISTRIBUTION}", "Take another --port.")
    if MODEL_ID in ids:
        return ok("server", f"{url}, {MODEL_ID} is in its list")
    remedy = "It could not be loaded: the server's log says why; restart it after that."
    return fail("server", f"{url} runs without {MODEL_ID}", remedy)


def _published(port: int, tables: tuple[Path, ...]) -> Check:
    if not any(table.exists() for table in tables):
        return ok("port", f"{port}: who can reach it cannot be seen on this system")
    addresses = {address for table in tables for address in listening(table, port)}
    open_to = sorted(str(address) for address in addresses if not address.is_loopback)
    if not open_to:
        return ok("port", f"{port}: this machine only")
    remedy = (
        "Listen at 127.0.0.1. In a container this is right, as long as the port is not published."
    )
    return warn("port", f"{port}: open at {', '.join(open_to)}, and it asks no password", remedy)


def listening(table: Path, port: int) -> Iterator[Address]:
    """The local addresses at which this port is listened to, from a table of the Linux kernel."""
    lines = table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []
    for line in lines:
        local, state = line.split()[1], line.split()[3]
        address, _, hex_port = local.partition(":")
        if state == _LISTEN and int(hex_port, 16) == port:
            yield _address(bytes.fromhex(address))


def _address(raw: bytes) -> Address:
    """The kernel prints 32-bit words in the machine's own order, which is little-endian here."""
    words = [raw[index : index + 4][::-1] for index in range(0, len(raw), 4)]
    data = b"".join(words)
    if len(data) == 4:
        return IPv4Address(data)
    address = IPv6Address(data)
    return address.ipv4_mapped or address
