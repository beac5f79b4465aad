"""Which addresses of the web may be asked: the check of a URL, and the check of an IP address.

Pure: resolves nothing and connects to nothing. Cannot know a network's own NAT64 prefix, nor that a
public IPv6 address belongs to a device in this house; both are left to its router.
Tables: IANA's special-purpose address registries for IPv4 and IPv6, as of 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

import idna

from ..addresses import is_public

# What browsers and servers have long agreed on; a longer one is no address of an article.
MAX_URL_CHARS = 2000
WEB_PORTS = {"http": 80, "https": 443}

# Not left to `is_global` alone: its tables differ between patch releases of Python.
_SPECIAL_V4 = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)
# The only block from which public IPv6 addresses are given out, and what is special inside it:
# protocol assignments with Teredo, documentation (twice), 6to4.
_UNICAST_V6 = ip_network("2000::/3")
_SPECIAL_V6 = tuple(
    ip_network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16")
)
# A network without IPv4 reaches all of it through these; judged by the IPv4 address inside.
_NAT64 = ip_network("64:ff9b::/96")
_V4_BITS = 0xFFFF_FFFF

# Control characters, spaces of every script, the backslash that some parsers read as a slash,
# lone surrogates, and characters that show nothing or turn the reading direction.
_CONFUSING = re.compile(
    "[\\x00-\\x20\\x7f-\\xa0\\\\\\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    "\ud800-\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
_NETLOC = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[^\[\]:@]{1,253})(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Letters come first, so that no parser takes the name for a number in octal, hex or short form.
_LAST_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
# No public resolver knows a web site under these: it would learn a name that is none of its
# business, or the house's own resolver would answer.
_NOT_WEB = (".onion", ".arpa", ".localdomain", ".home", ".corp", ".intranet", ".private", ".test")


class Forbidden(Exception):
    """This must not be asked; `reason` is a word for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Permitted:
    """Exceptions, for a site of the user's own: nothing of it comes from a page or a question.

    `hosts`: (host, port) that may be reached wherever they are. `ports`: beside 80 and 443, on
    addresses that are checked all the same.
    """

    hosts: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    ports: frozenset[int] = field(default_factory=frozenset)


NOTHING_MORE = Permitted()


def check_url(url: str, permitted: Permitted = NOTHING_MORE) -> str:
    """The URL in normal form: ASCII, lower-case host, no fragment, no default port.

    Raises Forbidden before anything is resolved. A name is not resolved here: whoever does must
    put each answer to `check_address`.
    """
    if len(url) > MAX_URL_CHARS:
        raise Forbidden("forbidden_length")
    if _CONFUSING.search(url):
        raise Forbidden("forbidden_characters")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Forbidden("forbidden_host") from None
    if parts.scheme not in WEB_PORTS:
        raise Forbidden("forbidden_scheme")
    host, port = _host_and_port(parts.netloc, WEB_PORTS[parts.scheme])
    if (host, port) not in permitted.hosts:
        _check_port(port, permitted)
        _check_host(host)
    shown = host if port == WEB_PORTS[parts.scheme] else f"{host}:{port}"
    # The reserved characters of RFC 3986, and "%" because what is encoded stays as it is.
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~?") if parts.query else ""
    normal = f"{parts.scheme}://{shown}{path}{query}"
    if len(normal) > MAX_URL_CHARS:
        raise Forbidden("forbidden_length")
    return normal


def check_address(address: str) -> IPv4Address | IPv6Address:
    """The address, if it is one of a host on the public internet. Raises Forbidden.

    IPv4 inside IPv6 is judged by itself where it is mapped or reached by NAT64, and refused where
    it is compatible, 6to4 or Teredo: no web site lives there.
    """
    try:
        parsed = ip_address(address)  # refuses octal, hex and short forms
    except ValueError:
        raise Forbidden("forbidden_address") from None
    inner = _embedded(parsed) if isinstance(parsed, IPv6Address) else parsed
    if not _is_unicast(parsed if inner is None else inner):
        raise Forbidden("forbidden_address")
    return parsed


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _V4_BITS) if address in _NAT64 else None


def _is_unicast(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None or address not in _UNICAST_V6:
        return False
    return not any(address in network for network in _SPECIAL_V6)


def _host_and_port(netloc: str, default: int) -> tuple[str, int]:
    if "@" in netloc:
        raise Forbidden("forbidden_user")
    found = _NETLOC.fullmatch(netloc.lower())
    if found is None:
        raise Forbidden("forbidden_host")
    port = int(found["port"]) if found["port"] else default
    return _in_ascii(found["host"]), port


def _in_ascii(host: str) -> str:
    """IDNA 2008 without a mapping: full-width digits and other look-alikes of ASCII are refused."""
    if host.isascii():
        return host
    try:
        return idna.encode(host).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise Forbidden("forbidden_host") from None


def _check_port(port: int, permitted: Permitted) -> None:
    if port not in WEB_PORTS.values() and port not in permitted.ports:
        raise Forbidden("forbidden_port")


def _check_host(host: str) -> None:
    """A name with a dot and a top-level domain, or an address; neither of this house."""
    literal = host.strip("[]")
    if host.startswith("[") or literal.replace(".", "").isdigit():
        check_address(literal)
        return
    *labels, last = host.split(".")
    is_name = bool(labels) and all(map(_LABEL.fullmatch, labels)) and _LAST_LABEL.fullmatch(last)
    if not is_name or not is_public(host) or host.endswith(_NOT_WEB):
        raise Forbidden("forbidden_host")
