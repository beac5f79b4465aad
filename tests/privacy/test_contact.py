"""E-mail addresses, phone numbers, IP and MAC addresses; and numbers that only look like them."""

from __future__ import annotations

import pytest

from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind


def found(text: str, kind: Kind) -> list[str]:
    return [text[span.start : span.end] for span in Detector().find(text) if span.kind is kind]


MAILS = {
    "plain": ("write to anna.lund@firma.de today", "anna.lund@firma.de"),
    "plus": ("anna+news@firma.co.uk", "anna+news@firma.co.uk"),
    "end of a sentence": ("It is anna@firma.de.", "anna@firma.de"),
    "in brackets": ("Anna <anna@firma.de>,", "anna@firma.de"),
    "in quotes": ("'anna@firma.de'", "anna@firma.de"),
    "mailto": ('<a href="mailto:anna@firma.de">', "anna@firma.de"),
    "a query": ("/signup?email=anna@firma.de&x=1", "anna@firma.de"),
    "markdown": ("**anna@firma.de**", "anna@firma.de"),
    "an umlaut domain": ("jörg@müller-bäder.de", "jörg@müller-bäder.de"),
    "upper case": ("ANNA@FIRMA.PL", "ANNA@FIRMA.PL"),
    "digits": ("4711@t-online.de", "4711@t-online.de"),
    "underscore": ("_anna_lund@firma.de_", "anna_lund@firma.de"),
    "apostrophe": ("o'brien@firma.ie", "o'brien@firma.ie"),
    "csv": ("Anna,anna@firma.de,30", "anna@firma.de"),
    "written out": ("anna dot lund at firma dot de", "anna dot lund at firma dot de"),
    "in square brackets": ("anna [at] firma [dot] de", "anna [at] firma [dot] de"),
    "in round brackets": ("anna(at)firma.de", "anna(at)firma.de"),
    "upper words": ("anna AT firma DOT com please", "anna AT firma DOT com"),
}


@pytest.mark.parametrize(("text", "value"), MAILS.values(), ids=MAILS)
def test_mail(text: str, value: str) -> None:
    assert found(text, Kind.EMAIL) == [value]


NO_MAILS = {
    "documentation": "user@example.com and anna@mail.example.org",
    "reserved": "anna@host.test, anna@localhost, anna@corp.invalid, root@server.local",
    "no reply": "from noreply@firma.de and no-reply@firma.de",
    "git": "git clone git@github.com:a/b.git",
    "a retina image": "logo@2x.png",
    "a package": "npm i lodash@4.17.21 @types/node@20.1.js",
    "a decorator": "@app.route('/x')",
    "a handle": "ask @anna.lund about it",
    "a matrix product": "y = A@B.T + c",
    "tutorial": "you@company.com, your.name@domain.com, test@gmail.com",
    "a place": "look at polka dot dress",
    "a site": "look at example.com dot",
    "an at": "meet me at noon dot",
    "no top level": "user@host",
}


@pytest.mark.parametrize("text", NO_MAILS.values(), ids=NO_MAILS)
def test_no_mail(text: str) -> None:
    assert found(text, Kind.EMAIL) == []


PHONES = {
    "german": ("Ruf mich an: +49 170 1234567", "+49 170 1234567"),
    "german, national": ("Tel. 030 / 1234567", "030 / 1234567"),
    "german, no word": ("unter 030 8823441 nach 18 Uhr", "030 8823441"),
    "trunk zero": ("+41 (0)44 668 18 00", "+41 (0)44 668 18 00"),
    "trunk zero, pairs": ("tél. +33 (0)1 42 68 53 00", "+33 (0)1 42 68 53 00"),
    "two zeros": ("0049 30 901820", "0049 30 901820"),
    "british": ("my mobile is 07911 123456", "07911 123456"),
    "british, brackets": ("(020) 7946 0991", "(020) 7946 0991"),
    "french": ("Tél : 01 42 68 53 00", "01 42 68 53 00"),
    "french, dots": ("06.12.34.56.78 le soir", "06.12.34.56.78"),
    "spanish": ("móvil 612 345 678", "612 345 678"),
    "italian": ("cellulare 347 123 4567", "347 123 4567"),
    "dutch": ("bel 06-12345678", "06-12345678"),
    "polish": ("telefon: 510 070 915", "510 070 915"),
    "polish, bare": ("numer telefonu 510070915", "510070915"),
    "portuguese": ("telemóvel 912 345 678", "912 345 678"),
    "brazilian": ("WhatsApp (11) 91234-5678", "(11) 91234-5678"),
    "swedish": ("ring 070-123 45 67", "070-123 45 67"),
    "american": ("(415) 867-5309 after six", "(415) 867-5309"),
    "american, dashes": ("415-867-5309", "415-867-5309"),
    "american, dots": ("415.867.5309", "415.867.5309"),
    "american, country": ("+1-415-867-5309", "+1-415-867-5309"),
    "extension": ("415-867-5309 x123", "415-867-5309 x123"),
    "extension, ext.": ("(415) 867-5309 ext. 12", "(415) 867-5309 ext. 12"),
    "call": ("call me on 867 5309", "867 5309"),
    "after a mail": ("anna@firma.de,5403926876", "5403926876"),
    "uri": ('<a href="tel:+14158675309">', "+14158675309"),
    "table": ("id,phone,age\n30,4158675309,41", "4158675309"),
    "json": ('{"phone": "4158675309"}', "4158675309"),
}


@pytest.mark.parametrize(("text", "value"), PHONES.values(), ids=PHONES)
def test_phone(text: str, value: str) -> None:
    assert found(text, Kind.PHONE) == [value]


NO_PHONES = {
    "order": "Order 3971659397 has shipped",
    "order after phone": "My phone is broken, order 3971659397",
    "iso date": "on 2024-05-17 10:30 and 2024-05-17",
    "german date": "am 17.05.2024 und 17.5.24",
    "years": "the war of 1914-1918, pages 1024-2048",
    "price": "1 250 000 € and 12.500,00 EUR",
    "version": "Python 3.11.7, Chrome 120.0.6099.109",
    "isbn": "ISBN 978-3-16-148410-0",
    "decimals": "0.99986887 and 3.14159265",
    "coordinates": "52.520008, 13.404954",
    "list": "1 2 3 4 5 6 7 8 9 10",
    "matrix": "[1, 2, 3], [4, 5, 6], [7, 8, 9]",
    "big number": "is 12345678910 prime?",
    "hash": "commit 4158675309abcdef",
    "time stamp": "1700000000 and 1700000000000",
    "range": "lines 100-200, 1000-2000",
    "formula": "2+49170123456 = ?",
    "credit card": "card 5130 1467 3002 4588",
    "fiction": "555-0100",
    "company number": "REGON 447 288 153",
    "ip": "telefon 192.168.100.200",
    "hex dump": "9f fd 29 09 4f 01 84 63 95 74",
    "zip": "Boston, MA 02110-1301",
    "compact date": "call on 20240517",
    "model": "llama 2026.10 and llama 405000",
    "invoice": "FV 0932/01/2026",
    "account": "account number 12345678",
}


@pytest.mark.parametrize("text", NO_PHONES.values(), ids=NO_PHONES)
def test_no_phone(text: str) -> None:
    assert found(text, Kind.PHONE) == []


ADDRESSES = {
    "ip": ("host 91.148.88.64:8080 is down", Kind.IP, "91.148.88.64"),
    "ip at the end": ("ping 91.148.88.64.", Kind.IP, "91.148.88.64"),
    "ip with a mask": ("allow 91.148.88.64/32", Kind.IP, "91.148.88.64"),
    "ip in a url": ("http://91.148.88.64/x", Kind.IP, "91.148.88.64"),
    "ip6": ("at 2a02:8071:2b8:c100::17, port", Kind.IP, "2a02:8071:2b8:c100::17"),
    "ip6, long": (
        "2001:6dc:f1d8:2b3a:89fd:1e69:acc2:131d",
        Kind.IP,
        "2001:6dc:f1d8:2b3a:89fd:1e69:acc2:131d",
    ),
    "ip6 in brackets": ("http://[2a02:8071::17]:80/", Kind.IP, "2a02:8071::17"),
    "mac": ("MAC 8D-60-94-7F-E2-18", Kind.MAC, "8D-60-94-7F-E2-18"),
    "mac, colons": ("ether 5f:a8:04:19:03:5e txqueuelen", Kind.MAC, "5f:a8:04:19:03:5e"),
    "mac, cisco": ("5fa8.0419.035e dynamic", Kind.MAC, "5fa8.0419.035e"),
}


@pytest.mark.parametrize(("text", "kind", "value"), ADDRESSES.values(), ids=ADDRESSES)
def test_network_address(text: str, kind: Kind, value: str) -> None:
    assert found(text, kind) == [value]


NO_ADDRESSES = {
    "private": "10.1.2.3 192.168.0.7 172.16.5.4 127.0.0.1 169.254.1.1",
    "documentation": "192.0.2.1 198.51.100.7 203.0.113.9 2001:db8::1",
    "local 6": "::1 fe80::1 fd12:3456::1 :: ff02::1",
    "resolvers": "8.8.8.8 1.1.1.1 2001:4860:4860::8888",
    "version": "version 91.148.88.64, v91.148.88.64, Chrome/91.148.88.64",
    "versions": "requests<2.31.0.7, __version__ = '3.5.0.1', sections 5.2.4.1 and 6.2.2.3",
    "networks": "91.148.88.0/24 2a02:8071::/32",
    "five parts": "1.2.3.4.5 and 91.148.88.64.2",
    "too large": "91.300.88.64",
    "time": "12:30:45:10 and 10:20:30:40:50:60:70:80",
    "scope": "std::vector::iterator and a::b",
    "slice": "x[1:2:3] and y[::2]",
    "mac, broadcast": "ff:ff:ff:ff:ff:ff 00:00:00:00:00:00",
    "mac, docker": "02:42:ac:11:00:02",
    "digest": "5f:a8:04:19:03:5e:11:22:33:44:55:66:77:88:99:aa",
    "uuid": "3f2b8c1e-9d4a-4b6f-8e21-7c5d9a0b1e34",
    "thousands": "1234.5678.9012",
}


@pytest.mark.parametrize("text", NO_ADDRESSES.values(), ids=NO_ADDRESSES)
def test_no_network_address(text: str) -> None:
    assert found(text, Kind.IP) == []
    assert found(text, Kind.MAC) == []
