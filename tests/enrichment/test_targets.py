"""No URL and no address that leads into this house passes; ordinary ones do, unchanged."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.enrichment.targets import Forbidden, Permitted, check_address, check_url

PLAIN = [
    ("https://example.org", "https://example.org/"),
    ("HTTPS://Example.ORG:443/A?b=C#d", "https://example.org/A?b=C"),
    ("http://example.org:80/", "http://example.org/"),
    ("https://example.org:80/x", "https://example.org:80/x"),
    ("https://de.wikipedia.org/wiki/Köln", "https://de.wikipedia.org/wiki/K%C3%B6ln"),
    ("https://example.org/a%2Fb?q=%C3%A4&r=1+2", "https://example.org/a%2Fb?q=%C3%A4&r=1+2"),
    ("https://münchen.de/", "https://xn--mnchen-3ya.de/"),
    ("https://straße.de/", "https://xn--strae-oqa.de/"),
    ("https://a_b.example.org/", "https://a_b.example.org/"),
    ("https://1.1.1.1/", "https://1.1.1.1/"),
    ("https://[2606:4700:4700::1111]/x", "https://[2606:4700:4700::1111]/x"),
    ("https://example.xn--p1ai/", "https://example.xn--p1ai/"),
    ('https://example.org/"<x>?a="<b>', "https://example.org/%22%3Cx%3E?a=%22%3Cb%3E"),
]


@pytest.mark.parametrize(("url", "normal"), PLAIN)
def test_an_ordinary_url_passes_in_normal_form(url: str, normal: str) -> None:
    assert check_url(url) == normal
    assert check_url(normal) == normal


HOUSE = {
    "loopback": "http://127.0.0.1/",
    "all of loopback": "http://127.8.9.10/",
    "decimal": "http://2130706433/",
    "octal": "http://0177.0.0.1/",
    "octal in one": "http://017700000001/",
    "hex": "http://0x7f.0.0.1/",
    "hex in one": "http://0x7f000001/",
    "hex at the end": "http://127.0.0.0x1/",
    "short": "http://127.1/",
    "shorter": "http://0/",
    "padded": "http://127.000.000.001/",
    "five parts": "http://127.0.0.0.1/",
    "trailing dot": "http://127.0.0.1./",
    "any": "http://0.0.0.0/",
    "private 10": "http://10.0.0.1/",
    "private 172": "http://172.31.255.255/",
    "private 192": "http://192.168.0.1/",
    "shared": "http://100.64.0.1/",
    "link-local": "http://169.254.169.254/latest/meta-data",
    "broadcast": "http://255.255.255.255/",
    "multicast": "http://224.0.0.1/",
    "IPv6 loopback": "http://[::1]/",
    "IPv6 any": "http://[::]/",
    "IPv6 long loopback": "http://[0:0:0:0:0:0:0:1]/",
    "mapped": "http://[::ffff:127.0.0.1]/",
    "mapped in hex": "http://[::ffff:7f00:1]/",
    "compatible": "http://[::127.0.0.1]/",
    "NAT64": "http://[64:ff9b::127.0.0.1]/",
    "local NAT64": "http://[64:ff9b:1::7f00:1]/",
    "6to4": "http://[2002:7f00:1::]/",
    "Teredo": "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "link-local v6": "http://[fe80::1]/",
    "zone": "http://[fe80::1%25eth0]/",
    "zone on a public one": "http://[2606:4700:4700::1111%251]/",
    "unique local": "http://[fd00::1]/",
    "site-local": "http://[fec0::1]/",
    "multicast v6": "http://[ff02::1]/",
    "localhost": "http://localhost/",
    "localhost with a dot": "http://localhost./",
    "under localhost": "http://a.localhost/",
    "house name": "http://nas.local/",
    "house domain": "http://router.lan/",
    "metadata name": "http://metadata.google.internal/",
    "one label": "http://router/",
    "name that ends in a number": "http://example.1/",
    "onion": "http://abcdefghijklmnop.onion/",
    "reverse": "http://1.0.0.127.in-addr.arpa/",
    "full-width digits": "http://１２７.０.０.１/",
    "circled digits": "http://①②⑦.⓪.⓪.①/",
    "ideographic full stop": "http://127。0。0。1/",
    "full-width name": "http://ｌｏｃａｌｈｏｓｔ/",
    "letter-like": "http://ⓛocalhost.example/",
    "dotless host": "http://.example.org/",
    "two dots": "http://a..example.org/",
    "hyphen": "http://-a.example.org/",
    "no host": "http:///etc/passwd",
    "no host at all": "http:example.org",
    "port only": "http://:80/",
    "user": "http://example.org@127.0.0.1/",
    "user and password": "http://a:b@example.org/",
    "user that looks like a host": "http://127.0.0.1:80@example.org/",
    "encoded user": "http://example.org%40127.0.0.1/",
    "encoded dot": "http://127%2e0.0.1/",
    "backslash": "http://example.org\\@127.0.0.1/",
    "backslash in the path": "http://example.org/\\127.0.0.1",
    "space": "http://example.org /",
    "leading space": " http://example.org/",
    "tab": "http://exa\tmple.org/",
    "line break": "http://example.org/\r\nHost: 127.0.0.1",
    "line break in the query": "http://example.org/?a=\nb",
    "NUL": "http://127.0.0.1\x00.example.org/",
    "delete": "http://example.org/\x7f",
    "no-break space": "http://example.org/\xa0",
    "soft hyphen": "http://local\xadhost/",
    "zero width": "http://example\u200b.org/",
    "turned direction": "http://example.org/\u202egpj",
    "tag characters": "http://example.org/\U000e0041",
    "surrogate": "http://example.org/\udc80",
    "other port": "http://example.org:8080/",
    "SSH": "https://example.org:22/",
    "port 0": "http://example.org:0/",
    "port in full-width": "http://example.org:８０/",
    "port too large": "http://example.org:65616/",
    "empty port": "http://example.org:/",
    "signed port": "http://example.org:+80/",
    "file": "file:///etc/passwd",
    "ftp": "ftp://example.org/",
    "gopher": "gopher://127.0.0.1:6379/_INFO",
    "javascript": "javascript:alert(1)",
    "data": "data:text/html,hello",
    "websocket": "ws://example.org/",
    "no scheme": "//example.org/",
    "relative": "/etc/passwd",
    "nothing": "",
    "broken brackets": "http://[::1/",
    "brackets in the middle": "http://a[::1]/",
    "name in brackets": "http://[localhost]/",
    "too long": "https://example.org/" + "a" * 2000,
}


@pytest.mark.parametrize("url", HOUSE.values(), ids=HOUSE.keys())
def test_what_leads_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(Forbidden) as refused:
        check_url(url)
    assert refused.value.reason.startswith("forbidden_")


@pytest.mark.parametrize("port", [8080, 80])
def test_a_site_of_the_users_own_has_to_be_named_with_its_port(port: int) -> None:
    permitted = Permitted(frozenset({("127.0.0.1", 8080)}))
    url = f"http://127.0.0.1:{port}/a"
    if port == 8080:
        assert check_url(url, permitted) == url
    else:
        with pytest.raises(Forbidden, match="address"):
            check_url(url, permitted)


def test_one_more_port_is_no_licence_for_the_house() -> None:
    permitted = Permitted(ports=frozenset({8080}))
    assert check_url("http://example.org:8080/", permitted) == "http://example.org:8080/"
    with pytest.raises(Forbidden, match="address"):
        check_url("http://127.0.0.1:8080/", permitted)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "2606:4700:4700::1111",
        "2a00:1450:4001::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_a_public_address_passes(address: str) -> None:
    assert check_address(address) == ip_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *("192.0.0.9", "192.88.99.1", "198.18.0.1", "203.0.113.7", "240.0.0.1", "127.1", "0x7f.1"),
        *("2001:db8::1", "3fff::1", "2001:2::1", "100::1", "5f00::1", "::", "::8.8.8.8"),
        *("2002:808:808::1", "2001:0:4136:e378:8000:63bf:f7f7:f7f7", "64:ff9b::a00:1"),
        *("64:ff9b:1::808:808", "::ffff:0:127.0.0.1", "::ffff:169.254.169.254", "8.8.8.8%1", ""),
        *("fe80::1%eth0", "2606:4700:4700::1111%eth0", "example.org", "4000::1"),
    ],
)
def test_a_special_address_is_refused(address: str) -> None:
    with pytest.raises(Forbidden):
        check_address(address)


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_way_to_write_an_address_into_ipv6_is_judged_alike(inner: IPv4Address) -> None:
    def passes(address: object) -> bool:
        try:
            check_address(str(address))
        except Forbidden:
            return False
        return True

    bits = int(inner)
    assert passes(inner) <= inner.is_global
    assert passes(IPv6Address(0xFFFF << 32 | bits)) == passes(inner)
    assert passes(IPv6Address(0x64FF9B << 96 | bits)) == passes(inner)
    for prefix in (0, 0x2002 << 112 | bits << 48, 0x20010000 << 96, 0x64FF9B0001 << 80):
        assert not passes(IPv6Address(prefix | bits))


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_judged_without_another_error(host: str, rest: str) -> None:
    for url in (host, f"http://{host}/{rest}", f"https://{host}:{rest}"):
        try:
            normal = check_url(url)
        except Forbidden:
            continue
        assert normal.isascii()
        assert check_url(normal) == normal


@pytest.mark.parametrize("filler", ["a", "@", "[", ":", "%", "\\", ".", "１", " ", "/"])
def test_a_megabyte_is_refused_by_its_length(filler: str) -> None:
    with pytest.raises(Forbidden, match="length"):
        check_url(f"http://{filler * 1_000_000}")
