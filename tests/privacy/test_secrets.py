"""Keys by their format, private keys, tokens, and logins in URLs."""

from __future__ import annotations

import base64
import json
import string

import pytest

from hal.privacy.kinds import Kind
from tests.privacy.keys import ALNUM, HEX, UPPER, URL64, found, some, uuid

FORMATS = {
    "AWS access key": "AK" + "IA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "AWS session key": "AS" + "IA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "AWS Bedrock": "AB" + "SK" + some(128),
    "Google API": "AI" + "za" + some(35, URL64),
    "Google OAuth client": "GOC" + "SPX-" + some(28, URL64),
    "Google access token": "ya" + "29." + some(60, URL64),
    "Azure client secret": some(3) + "8Q" + "~" + some(34),
    "DigitalOcean": "do" + "p_v1_" + some(64, HEX),
    "Heroku": "HR" + "KU-" + some(58, URL64),
    "Cloudflare": "v1" + ".0-" + some(24, HEX) + "-" + some(146, HEX),
    "Fly": "fo" + "1_" + some(43, URL64),
    "Yandex": "AQ" + "VN" + some(36, URL64),
    "Netlify": "nf" + "p_" + some(40),
    "Supabase": "sb" + "p_" + some(40, HEX),
    "Tailscale": "ts" + "key-auth-" + some(12) + "-" + some(32),
    "Databricks": "da" + "pi" + some(32, HEX),
    "PlanetScale": "psc" + "ale_tkn_" + some(43),
    "Pulumi": "pu" + "l-" + some(40, HEX),
    "Terraform": some(14) + ".atl" + "asv1." + some(67, URL64),
    "Vault": "hv" + "s." + some(95, URL64),
    "Doppler": "dp" + ".pt." + some(43),
    "1Password service": "op" + "s_eyJ" + some(260),
    "1Password secret": "A3" + "-" + "-".join(some(n, UPPER, n) for n in (6, 6, 5, 5, 5, 5)),
    "age": "AGE-SEC" + "RET-KEY-1" + some(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "GitHub": "gh" + "p_" + some(36),
    "GitHub server": "gh" + "s_" + some(36),
    "GitHub fine-grained": "github" + "_pat_" + some(22) + "_" + some(59),
    "GitLab": "gl" + "pat-" + some(20, URL64),
    "GitLab runner": "gl" + "rt-" + some(20, URL64),
    "Atlassian": "AT" + "ATT3" + some(180, URL64),
    "Bitbucket": "AT" + "BB" + some(32),
    "npm": "np" + "m_" + some(36),
    "PyPI": "py" + "pi-AgEIcHlwaS5vcmc" + some(80, URL64),
    "RubyGems": "ruby" + "gems_" + some(48, HEX),
    "Docker": "dc" + "kr_pat_" + some(27, URL64),
    "Linear": "li" + "n_api_" + some(40),
    "Notion": "nt" + "n_" + some(11, string.digits) + some(35),
    "Figma": "fi" + "gd_" + some(40, URL64),
    "Postman": "PM" + "AK-" + some(24, HEX) + "-" + some(34, HEX),
    "Airtable": "pa" + "t" + some(14) + "." + some(64, HEX),
    "HubSpot": "pa" + "t-na1-" + uuid(),
    "OpenAI": "s" + "k-" + some(48),
    "OpenAI project": "s" + "k-proj-" + some(120, URL64),
    "Anthropic": "s" + "k-ant-api03-" + some(93, URL64) + "AA",
    "xAI": "xa" + "i-" + some(80),
    "Groq": "gs" + "k_" + some(52),
    "Hugging Face": "h" + "f_" + some(34, string.ascii_letters),
    "Replicate": "r" + "8_" + some(37),
    "Slack bot": "xo"
    + "xb-"
    + some(12, string.digits)
    + "-"
    + some(12, string.digits)
    + "-"
    + some(24),
    "Slack app": "xa"
    + "pp-1-A"
    + some(10, UPPER)
    + "-"
    + some(13, string.digits)
    + "-"
    + some(64, HEX),
    "Slack webhook": "https://hooks."
    + "slack.com/services/T"
    + some(8, UPPER)
    + "/B"
    + some(8, UPPER)
    + "/"
    + some(24),
    "Discord webhook": "https://discord."
    + "com/api/webhooks/"
    + some(18, string.digits)
    + "/"
    + some(68, URL64),
    "Telegram": some(9, "123456789") + ":A" + "A" + some(33, URL64),
    "Twilio": "S" + "K" + some(32, HEX),
    "SendGrid": "S" + "G." + some(22, URL64) + "." + some(43, URL64),
    "Mailgun": "ke" + "y-" + some(32, HEX),
    "Mailchimp": some(32, HEX) + "-us" + "12",
    "Stripe": "sk" + "_live_" + some(24),
    "Stripe restricted": "rk" + "_live_" + some(24),
    "Shopify": "sh" + "pat_" + some(32, HEX),
    "Square": "sq" + "0csp-" + some(43, URL64),
    "Plaid": "acc" + "ess-sandbox-" + uuid(),
    "Grafana": "gl" + "sa_" + some(32) + "_" + some(8, HEX),
    "New Relic": "NR" + "AK-" + some(27, UPPER),
    "Sentry": "sn" + "tryu_" + some(64, HEX),
    "Dynatrace": "dt" + "0c01." + some(24, UPPER) + "." + some(64, UPPER),
}


@pytest.mark.parametrize("key", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("around", ["{}", "it is {} and it stopped working", "x = '{}';", "({})."])
def test_a_key_by_its_format(key: str, around: str) -> None:
    assert found(around.format(key)) == [key]


@pytest.mark.parametrize("key", FORMATS.values(), ids=FORMATS)
def test_a_stand_in_for_a_key_is_none(key: str) -> None:
    letters = [at for at, char in enumerate(key) if char.isalnum()]
    tail = set(letters[len(letters) // 5 :])
    masked = "".join("x" if at in tail else char for at, char in enumerate(key))
    assert found(masked) == []


SPLIT_PEM = "PRIV" + "ATE KEY"
BODY = "\n".join(some(64, ALNUM + "+/", seed) for seed in range(8))
PEMS = {
    "a whole key": f"-----BEGIN RSA {SPLIT_PEM}-----\n{BODY}\n-----END RSA {SPLIT_PEM}-----",
    "with headers": f"-----BEGIN RSA {SPLIT_PEM}-----\nProc-Type: 4,ENCRYPTED\n\n{BODY}\n"
    f"-----END RSA {SPLIT_PEM}-----",
    "in a string": f"-----BEGIN {SPLIT_PEM}-----\\n"
    + BODY.replace("\n", "\\n")
    + f"\\n-----END {SPLIT_PEM}-----",
    "cut off": f"-----BEGIN OPENSSH {SPLIT_PEM}-----\n{BODY}",
    "PGP": f"-----BEGIN PGP {SPLIT_PEM} BLOCK-----\nVersion: 1\n\n{BODY}\n=abcd\n"
    f"-----END PGP {SPLIT_PEM} BLOCK-----",
}


@pytest.mark.parametrize("pem", PEMS.values(), ids=PEMS)
def test_private_keys(pem: str) -> None:
    assert found(f"Here it is:\n{pem}") == [pem]


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_of_three_parts() -> None:
    token = (
        f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': '17', 'iat': 1})}.{some(43, URL64)}"
    )
    assert found(f"Authorization: Bearer {token}") == [token]
    assert found(f"{part({'no': 'algorithm here'})}.{part({'sub': '17'})}.{some(43, URL64)}") == []


URLS = {
    "postgres": "postgres://anna:S0mmer77x@db.firma.de:5432/app",
    "mongodb": "mongodb+srv://admin:Winter88$@cluster0.firma.de/main?retryWrites=true",
    "redis without a user": "redis://:S0mmer77x@cache.firma.de:6379/0",
    "ftp": "ftp://anna:S0mmer77x@ftp.firma.de",
    "an @ in the password": "mysql://root:P@ss77x@10.0.0.7:3306/app",
    "a colon in the password": "amqp://svc:ab:cd:77@mq.firma.de/vhost",
    "https": "https://anna:S0mmer77x@intranet.firma.de/wiki?x=1",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize(
    "around", ["{}", "DATABASE_URL={}\nX=1", 'url = "{}"', "see {}, please", "({})"]
)
def test_a_login_in_a_url_spans_the_url(url: str, around: str) -> None:
    assert found(around.format(url), Kind.URL_CRED) == [url]


def test_a_token_as_the_password_of_a_url_is_the_secret_alone() -> None:
    token = FORMATS["GitHub"]
    assert found(f"git clone https://oauth2:{token}@github.com/a/b.git") == [token]
    assert found(f"git clone https://{token}@github.com/a/b.git") == [token]
