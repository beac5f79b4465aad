"""Keys and passwords that only the word in front gives away: api_key = "...", "my password is ...".

Pure. Reads code, configuration, JSON, XML, command lines and prose in nine languages. A key must
look random; a password may be what people choose, but no word, variable, type or placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .found import Found, Priority
from .kinds import Kind
from .secret_shapes import (
    is_app_password,
    is_reference,
    is_uuid,
    is_word,
    looks_like_password,
    looks_random,
)
from .values import lower

# Parts of the words below, in lower case: most texts have none of them.
_TRIGGERS = (
    "pass", "pwd", "pw:", "pw =", "pw=", "pw is", "kennwort", "mdp", "contrase", "clave",
    "hasł", "hasl", "wachtwoord", "senha", "palavra", "lösenord", "parola",
    "adgangskode", "identified by", "pin",
    "парол", "密码", "密碼", "heslo", "jelszó", "şifre", "salasana",
    "key", "token", "secret", "cred", "auth", "bearer", "schlüssel", "clé", "webhook", "api",
    "licen", "sess",
)  # fmt: skip
# The word itself; what stands around it in a name (aws_secret_access_key, AuthTokenV2) is read
# from here.
_NAME = re.compile(
    r"(?P<password>passw(?:or[dt]|d|rd)|passord|passphrase|passcode|pwd|"
    r"kennwort|mot de passe|\bmdp\b|contrase[nñ]a|"
    r"\bclave\b|has[lł][oa]\b|wachtwoord|\bsenha\b|palavra[ -]passe|"
    r"lösenord\w{0,2}|adgangskode|\bparola\b|identified by|"
    r"парол[ья]|密[码碼]|\bheslo\b|jelszó|şifre|salasana|"
    r"(?<=[_-])pass\b|\bpass(?=\s?[:=])|(?<=-)pass(?=[ =])|\bpw(?=\s?[:=]|\s(?:is|ist)\s))"
    r"|(?P<pin>\bpin(?:[- ]?(?:code|kod|nummer|number))?\b)"
    r"|(?P<key>key|token|secret|credential|auth(?!or)|cred|bearer|schlüssel|\bclé\b|webhook|\bapi\b|"
    r"licen[cs]e|session|sessid)"
)
# What may follow the word within its name, and what joins a name and its value. Every alternative
# begins with another sign or is bounded to a few words.
_LINK = re.compile(
    r"[\w.-]{0,24}+[\"'`\])}\\]{0,3}+(?:\s?\(\w[\w .-]{0,24}\))?[ \t]{0,4}+"
    r"(?:(?:=>|:=|->|→|={1,3}|[:：]{1,2}|>(?=[^<\n]{1,300}</))[ \t]{0,8}+"
    r"|(?P<verb>(?:[^\W\d_]{1,14}[ \t]{1,2}){0,5}?"
    r"(?:is|was|ist|war|lautet|est|es|era|è|jest|to|é|är|var|now|heißt|wurde|brzmi|je|是)"
    r"(?: now| jetzt)?:?[ \t]{1,3})"
    r"|(?P<far>(?:[^\W\d_]{1,14}[ \t]{1,2}){0,4}[^\W\d_]{1,14}:[ \t]{1,3}|\|[ \t]{1,40})"
    r"|(?P<argument>,[ \t]{0,4}(?=[\"'`]))"
    r"|(?P<attribute>(?:name|value)=(?=[\"']))"
    r"|(?P<flag>(?<=[ \t])(?=[^\s=:,;.)]))"
    r"|\n[ \t]{0,8}(?=[\"'`]?[^\s]{20,300}(?:\n|\Z)))"
    r"(?:[ubfr](?=[\"'`]))?(?P<quote>\\\"|[\"'`]{1,3}|“|„|«|)(?:value=[\"'])?"
)
_VALUE = re.compile(r"[^\s\"'`<>“”«»]{4,2000}")
_LINK_CHARS = 120
# A longer value is not searched for further names: each would read the same text again.
_NESTED_CHARS = 200
# Flowers2023, after "the password of the guest network:".
_DIGITS_AFTER_LETTERS = re.compile(r"[^\W\d_]{4,20}\d{2,6}\W?\Z")
# Further names and values: key1=value1/key2=value2.
_PAIRS = re.compile(r"[/&;,|][a-z_]\w{0,30}=")
# After a bare word, without a sign between: no key in use is shorter.
_MIN_FLAG_CHARS = 16
# ISO 9564 allows 4 to 12; more than 8 are used by nobody.
_PIN_DIGITS = range(4, 9)
# A passphrase of two to six words; longer texts in quotes are sentences.
_PHRASE_CHARS = 64
_PHRASE_SPACES = range(1, 6)
_CLOSING = {"“": "”", "„": "“", "«": "»"}
# Signs that end a sentence or an item, not a password. "!" and "?" may be part of one.
_TRAIL = ".,;:)]}\\"
# Names in which "key" or "token" is something public or a count.
_PUBLIC_NAME = re.compile(
    r"(?<![a-z])(?:public|pub|primary|foreign|sort|partition|hash|cache|object|row|column|unique|index|bucket|"
    r"map|dict|group|"
    r"registry|hot|short ?cut|keyboard|press|code|event|react|answer|mon|tur|don|hoc|jer|whis|"
    r"max|num|total|min|"
    r"prompt|completion|input|output|eos|bos|pad|stop|special|idempotency|dedup\w{0,10}|csrf|commit|git|"
    r"checksum|digest|etag|request|trace|session_?id|correlation)[ _.-]?\Z"
)
_NAME_BEFORE_CHARS = 24
# A name that goes on like this holds something about the secret.
_NOT_THE_VALUE = re.compile(
    r"[_.-]?(?:hash|policy|length|len\b|regex|pattern|field|input|hint|expir|reset|min|max|rounds|"
    r"manager|type|name|algorithm|file|path|url|uri|endpoint|version|size|count|label|column)"
)
# Vendors whose keys are UUIDs, and names that can mean nothing else.
_UUID_NAME = re.compile(
    r"heroku|snyk|kucoin|sendbird|postmark|messagebird|message-bird|hubspot|squarespace|loggly|"
    r"logdna|codecov|xero|launchdarkly|newrelic|new-relic|looker|bugsnag|appcenter|scaleway|plaid|"
    r"lacework|confluent|freemius|nuget|zendesk|intercom|unity|ring.?central|octopus|"
    r"api.?key|api.?token|api.?secret|secret.?key|client.?secret|access.?token|access.?key|"
    r"auth.?token|private.?key|secret|bearer"
)


def find(text: str) -> Iterator[Found]:
    """Values whose name says that they are secret. The span is the value alone."""
    lowered = lower(text)
    if not any(word in lowered for word in _TRIGGERS):
        return
    done = 0
    for name in _NAME.finditer(lowered):
        if name.start() < done:
            continue
        link = _LINK.match(text, name.end(), min(len(text), name.end() + _LINK_CHARS))
        value = _VALUE.match(text, link.end()) if link else None
        if link is None or value is None:
            continue
        if len(value.group()) > _NESTED_CHARS:
            done = value.end()
        found = _judged(lowered, name, link, value)
        if found:
            yield found


def _judged(
    lowered: str, name: re.Match[str], link: re.Match[str], value: re.Match[str]
) -> Found | None:
    if _NOT_THE_VALUE.match(lowered, name.end()):
        return None
    secret = _trimmed(value.group(), quoted=bool(link["quote"]))
    if name["password"]:
        secret = _whole(value.string, link, secret)
    before = lowered[max(0, name.start() - _NAME_BEFORE_CHARS) : name.start()]
    if not secret or is_reference(secret):
        return None
    if name["key"]:
        good = _is_key(lowered[name.start() - len(before) : link.end()], before, link, secret)
    elif name["pin"]:
        good = _is_pin(link, secret)
    else:
        good = _is_password(before, link, secret)
    if not good:
        return None
    start = value.start()
    return Found(start, start + len(secret), Kind.SECRET, Priority.NAMED)


def _whole(text: str, link: re.Match[str], value: str) -> str:
    """A passphrase in quotes, with its spaces."""
    quote = link["quote"][-1:]
    if not quote or text.startswith(quote, link.end() + len(value)):
        return value
    end = text.find(_CLOSING.get(quote, quote), link.end(), link.end() + _PHRASE_CHARS)
    phrase = text[link.end() : max(end, link.end())]
    fits = "\n" not in phrase and phrase.count(" ") in _PHRASE_SPACES
    if not fits:
        return value
    return phrase if any(char.isdigit() for char in phrase) or is_app_password(phrase) else value


def _trimmed(value: str, *, quoted: bool) -> str:
    """Without the end of the sentence, or of the list that it stands in."""
    if quoted:
        return value.rstrip("\\")
    if "," in value:  # an item of a list in code: password=x1y2,host=...
        value = value.split(",", 1)[0]
    for closing in ("&", ";"):
        value = value.split(closing, 1)[0] if "=" in value.partition(closing)[2] else value
    return value.rstrip(_TRAIL)


def _is_key(around: str, before: str, link: re.Match[str], secret: str) -> bool:
    """A key after its name. After a flag or a bare word only long values count."""
    if _PUBLIC_NAME.search(before):
        return False
    if is_uuid(secret):
        return bool(_UUID_NAME.search(around)) and not link["flag"]
    if is_word(secret) or _PAIRS.search(secret) or not looks_random(secret):
        return False
    return not link["flag"] or len(secret) >= _MIN_FLAG_CHARS


def _is_password(before: str, link: re.Match[str], secret: str) -> bool:
    if link["flag"] and before.endswith("-"):  # --password x
        return looks_like_password(secret, prose=True)
    # In prose the next word after "password" is most often just that.
    far = link["far"] or link["flag"] or link["argument"] or len((link["verb"] or "").split()) > 1
    if link["far"] and _DIGITS_AFTER_LETTERS.match(secret):
        return looks_like_password(secret, prose=True)
    if far and not _is_strong(secret) and " " not in secret:
        return False
    prose = bool(link["verb"] or link["quote"] or link["flag"]) or " " in link.group()
    return looks_like_password(secret, prose=prose)


def _is_strong(secret: str) -> bool:
    """Digits, and a sign or both cases: no word of a sentence."""
    kinds = (
        any(char.isdigit() for char in secret),
        any(char.isupper() for char in secret) and any(char.islower() for char in secret),
        any(not char.isalnum() and char not in "_-.:/()" for char in secret),
    )
    return kinds[0] and (kinds[1] or kinds[2])


def _is_pin(link: re.Match[str], secret: str) -> bool:
    """Four to eight digits after "PIN is" or "PIN:"; a pin of a chip has one or two."""
    if link["flag"] or link["argument"]:
        return False
    return secret.isdigit() and len(secret) in _PIN_DIGITS
