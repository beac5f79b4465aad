"""What an address says of itself: where it leads, who may call there, and whether that is outside.

Pure; resolves no name. A user and a password in an address are for the server alone: everything
that people read goes through `without_user`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit, urlunsplit

# Shared address space (RFC 6598): what overlay networks such as Tailscale give their members.
_CARRIER = ip_network("100.64.0.0/10")
# Names that no public resolver answers: RFC 6762, ICANN's .internal, RFC 8375, and usual custom.
_HOUSE_ENDINGS = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


def without_user(url: str) -> str:
    """The address without a user name and password, for people and for requests.

    No exception for what is no address: whoever calls it says so.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def host_and_port(url: str) -> str:
    """What people call a server by: no scheme, no path, no user name and password; "" for what is
    no address."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def user_of(url: str) -> tuple[str, str] | None:
    """The user name and password in an address, as they are meant; None when there is none."""
    try:
        user, sign, _ = urlsplit(url).netloc.rpartition("@")
    except ValueError:
        return None
    if not sign:
        return None
    name, _, password = user.partition(":")
    return unquote(name), unquote(password)


def is_public(host: str) -> bool:
    """Whether a host's name or address lies outside this machine and its own networks.

    A name is taken at its word: who gives a public name to a machine at home is told so.
    """
    name = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return "." in name and not name.endswith(_HOUSE_ENDINGS)
    return not _is_house(address)


def _is_house(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    near = address.is_loopback or address.is_private or address.is_link_local
    return near or address in _CARRIER
