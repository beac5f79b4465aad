"""Where an address leads, and that nobody reads the password in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.addresses import is_public, user_of, without_user
from tests.core.things import fixed


@pytest.mark.parametrize(
    ("url", "user", "bare"),
    [
        ("http://a:1/v1", None, "http://a:1/v1"),
        ("http://me:secret@a:1/v1", ("me", "secret"), "http://a:1/v1"),
        ("https://me@a/v1?x=1", ("me", ""), "https://a/v1?x=1"),
        ("http://me:se%3Acr%40et@[::1]:8000/v1", ("me", "se:cr@et"), "http://[::1]:8000/v1"),
        ("http://me:a@b@host", ("me", "a@b"), "http://host"),
        ("http://me:secret@[", None, "["),
        ("", None, ""),
    ],
)
def test_the_user_in_an_address(url: str, user: tuple[str, str] | None, bare: str) -> None:
    assert user_of(url) == user
    assert without_user(url) == bare


@fixed
@given(st.text())
def test_any_text_is_read_without_an_exception(text: str) -> None:
    without_user(text)
    user_of(text)
    is_public(text)


HOUSE = [
    *("127.0.0.1", "127.8.8.8", "::1", "[::1]", "0.0.0.0", "10.1.2.3", "172.16.0.1"),  # noqa: S104
    *("192.168.178.20", "169.254.1.1", "fe80::1%eth0", "fd00::7", "100.64.0.1", "100.127.255.254"),
    *("::ffff:192.168.1.1", "localhost", "ollama", "gpu-box", "box.local", "box.lan", "x.internal"),
    *("box.home.arpa", "Box.LOCAL.", "api.localhost", ""),
]
OUTSIDE = [
    *("8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "2606:4700::1111", "[2a00::1]"),
    *("::ffff:8.8.8.8", "api.x.ai", "gpu.example.org", "local.example.org", "mylocal.com"),
]


@pytest.mark.parametrize("host", HOUSE)
def test_the_house(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_outside(host: str) -> None:
    assert is_public(host)
