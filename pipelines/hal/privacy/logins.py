"""Logins inside something else: a URL with user and password, an Authorization header, curl -u.

Pure. Does not know whether the login still works; user:password and variables are placeholders.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from urllib.parse import unquote

from .exemptions import is_masked
from .found import Found, Priority
from .kinds import Kind
from .secret_shapes import is_reference, looks_like_password, looks_random

# RFC 3986: a letter, then letters, digits and three signs. Read backwards from "://".
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,24}\Z")
_SCHEME_CHARS = 25
# The user may be empty (redis://:password@host); the password may hold any sign but a space, and
# is read up to the last @ before the host. Parts are bounded: nobody's password has 200 characters.
_LOGIN = re.compile(
    r"([^\s:/@\"'<>`]{0,100}+):([^\s\"'<>`]{1,200})@(\[?[\w.:-]{1,253}\]?[^\s\"'<>`),;]{0,500})"
)
# git remotes: https://<token>@host.
_TOKEN = re.compile(r"([A-Za-z0-9_.~%-]{16,255}+)@[\w.-]{1,253}")
_TOKEN_USERS = frozenset(
    {"oauth2", "x-access-token", "x-token-auth", "x-oauth-basic", "token", "__token__", "git"}
    | {"gitlab-ci-token", "api", "_json_key", "bearer"}
)
_STAND_INS = """
password pass passwd pwd secret user username passwort mypassword yourpassword your_password
token xxx example test hunter2 changeme password123 postgres root admin guest mysql mongo redis
p@ssword p@ss pw contraseña motdepasse db_password db_pass userpass somepassword my_password
"""
_NO_PASSWORDS = frozenset(_STAND_INS.split())

_HEADER = re.compile(
    r"(?i)(?:bearer|basic|token)(?:\s|%20|\\u0020){1,3}([A-Za-z0-9._~+/=-]{8,4000}+)"
)
_USER_OPTION = re.compile(
    r"(?:(?<=\s)-u|--user|--proxy-user|(?<=\s)-U)(?:\s{1,4}|=)?"
    r"(?:\"([^\"\s:]{1,64}:[^\"\n]{3,128})\"|'([^'\s:]{1,64}:[^'\n]{3,128})'|([^\s\"':]{1,64}:[^\s\"']{3,128}))"
)
# mysql -pX, sshpass -p X, docker login -u Y -p X, redis-cli -a X.
_PASSWORD_OPTION = re.compile(
    r"(?:\bmysql(?:dump|admin)?\b[^\n|;&]{0,100}?\s-p(?=\S)"  # with a space comes the database
    r"|(?:\bsshpass|(?:docker|podman|helm registry) login|\bredis-cli|\bsmbclient|\bldapsearch|"
    r"\b7z|\bunzip|\bzip|\bmongosh?)\b[^\n|;&]{0,100}?\s-[pawP](?:\s{1,2}|=)?)"
    r"(?P<quote>[\"']?)([^\s\"'$<>|;&-][^\s\"'|;&]{3,63})(?P=quote)(?=\s|\Z|[\"'`);|&])"
)
# requests: auth=("anna", "password"); smtplib: server.login("anna", "password").
_PASSWORD_ARGUMENT = re.compile(
    r"(?:auth\s?=\s?\(|auth\(|login\()\s?(?P<quote>[\"'])[^\"'\n]{1,80}(?P=quote),\s?"
    r"(?P=quote)([^\"'\n]{4,64})(?P=quote)"
)
_PASSWORD_COMMANDS = (
    *("sshpass", "mysql", " login", "redis-cli", "smbclient", "ldapsearch", "7z", "zip", "mongo"),
)
_COMMANDS = ("curl", "wget", "http ", "httpie")


def find(text: str) -> Iterator[Found]:
    """URL_CRED spans the whole URL; SECRET spans the token or "user:password"."""
    if "://" in text:
        yield from _urls(text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered or "authorization" in lowered:
        yield from _headers(text)
    if any(command in lowered for command in _COMMANDS):
        yield from _options(text)
    if any(command in lowered for command in _PASSWORD_COMMANDS):
        yield from _passwords(_PASSWORD_OPTION, text)
    if "auth" in text or "login(" in text:
        yield from _passwords(_PASSWORD_ARGUMENT, text)


def _urls(text: str) -> Iterator[Found]:
    at = text.find("://")
    while at >= 0:
        scheme = _SCHEME.search(text[max(0, at - _SCHEME_CHARS) : at])
        login = _LOGIN.match(text, at + 3)
        if scheme and login and _is_login(login[2]):
            yield _login(text, at - len(scheme.group()), login)
        elif scheme:
            token = _TOKEN.match(text, at + 3)
            if token and looks_random(token[1]):
                yield Found(at + 3, token.end(1), Kind.SECRET, Priority.NAMED)
        at = text.find("://", at + 3)


def _login(text: str, start: int, login: re.Match[str]) -> Found:
    """The whole URL; the token alone where the user is only a name for "a token follows"."""
    if login[1].casefold() in _TOKEN_USERS:
        return Found(login.start(2), login.end(2), Kind.SECRET, Priority.BLOCK)
    return Found(start, _url_end(text, login.end()), Kind.URL_CRED, Priority.BLOCK)


def _is_login(password: str) -> bool:
    plain = unquote(password)
    if plain.casefold() in _NO_PASSWORDS or is_reference(plain) or len(set(plain)) == 1:
        return False
    # A port and a path in front of an @: http://host:8080/@user.
    if "/" in plain and plain.partition("/")[0].isdigit():
        return False
    return not is_masked(plain)


def _url_end(text: str, end: int) -> int:
    while text[end - 1] in ".,;:!?)]}":
        end -= 1
    return end


def _headers(text: str) -> Iterator[Found]:
    for match in _HEADER.finditer(text):
        value = match[1].rstrip(".")
        basic = match.group()[:5].casefold() == "basic"
        if _is_basic(value) if basic else looks_random(value):
            yield Found(match.start(1), match.start(1) + len(value), Kind.SECRET, Priority.NAMED)


def _is_basic(value: str) -> bool:
    """Base64 of "user:password"."""
    try:
        plain = b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (NotBase64, ValueError):
        return False
    user, colon, password = plain.partition(":")
    return bool(colon and user.isprintable() and password) and _is_login(password)


def _passwords(pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    for match in pattern.finditer(text):
        if looks_like_password(match[2], prose=False):
            yield Found(match.start(2), match.end(2), Kind.SECRET, Priority.NAMED)


def _options(text: str) -> Iterator[Found]:
    for match in _USER_OPTION.finditer(text):
        group = match.lastindex or 1
        user, _, password = match[group].partition(":")
        if not is_reference(user) and _is_login(password) and not password.startswith("//"):
            yield Found(match.start(group), match.end(group), Kind.SECRET, Priority.NAMED)
