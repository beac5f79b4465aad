"""One spelling for each address, so that the same page is seen once: for dedupe, caches, links.

Pure. It compares addresses and never judges whether one may be asked: that is `targets`.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit

# A longer address is no page that a person reads; browsers and servers stop at about this.
URL_CHARS = 2000
DEFAULT_PORTS = frozenset({("http", 80), ("https", 443)})
# Campaign and click marks of advertisers and mail services: they never choose the page.
_TRACKING = re.compile(
    r"(?:utm_\w{1,20}|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|"
    r"mc_cid|mc_eid|_hsenc|_hsmi|mkt_tok|oly_anon_id|oly_enc_id|vero_id|srsltid|_ga|_gl|"
    r"ref_src|ref_url|spm|cmpid|icid|wt_mc)\Z",
    re.IGNORECASE,
)
# Below a country's own ending, these words name the kind of owner and not the owner.
_KINDS = frozenset(
    {"ac", "asso", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "ltd", "mil"}
    | {"ne", "net", "nhs", "nom", "or", "org", "plc", "police", "sch"}
)
# Under these names every user has a site of their own (a few of the public suffix list).
_SHARED = frozenset(
    {"github.io", "gitlab.io", "blogspot.com", "wordpress.com", "substack.com", "medium.com"}
    | {"tumblr.com", "netlify.app", "vercel.app", "pages.dev", "readthedocs.io", "web.app"}
)


def canonical_url(url: str) -> str:
    """The address in its one spelling; "" for what is no http(s) address.

    Host in lower case without `www.`, no default port, no fragment, no tracking keys, the rest of
    the query sorted, no slash at the end.
    """
    parts = _split(url)
    if parts is None:
        return ""
    port = parts.port
    has_port = port is not None and (parts.scheme, port) not in DEFAULT_PORTS
    host = _host(parts) + (f":{port}" if has_port else "")
    pairs = (pair for pair in parts.query.split("&") if pair)
    query = "&".join(sorted(p for p in pairs if not _TRACKING.match(p.partition("=")[0])))
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._").rstrip("/")
    query = quote(query, safe="/%:@!$&'()*+,;=~-._?")
    return f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")


def page_key(url: str) -> str:
    """What two addresses of one page share: the canonical address without http or https."""
    return canonical_url(url).partition("://")[2]


def site(url: str) -> str:
    """The host as a reader knows it, without `www.` and port; "" when there is none."""
    parts = _split(url)
    return "" if parts is None else _host(parts).strip("[]")


def registrable_domain(url: str) -> str:
    """The part of the host that has one owner, by rules of thumb; an address for an address."""
    host = site(url)
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host
    if ".".join(labels[-2:]) in _SHARED:
        return ".".join(labels[-3:])
    is_kind = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _KINDS
    return ".".join(labels[-3:] if is_kind else labels[-2:])


def is_below(url: str, domains: frozenset[str]) -> bool:
    """Whether the host is one of these domains, or below one of them."""
    labels = site(url).split(".")
    return any(".".join(labels[at:]) in domains for at in range(len(labels)))


def _split(url: str) -> SplitResult | None:
    if len(url) > URL_CHARS or any(ord(letter) <= 32 or letter == "\\" for letter in url):
        return None
    try:
        parts = urlsplit(url)
        is_page = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port, or half a bracket
        return None
    return parts if is_page and "@" not in parts.netloc else None


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        return f"[{host}]"
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    return host
