"""Formats of keys by vendor: clouds, forges and tools; all formats together.

Pure data, from the vendors' public documentation and the tokens that they issue; which families
exist was checked against gitleaks' list of rules. Keys without a mark of their own (hex, UUID) are
not here: `named_secrets` finds them by the word in front.
"""

from __future__ import annotations

from .secret_format import ALNUM, HEX, URL64, UUID, Format, Look, key, shape
from .secret_services import SERVICES

_CLOUDS = (
    *(
        key("AWS", prefix, "[A-Z2-7]{16}", look=Look.FILLED)
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    key("AWS", "A3T", "[A-Z0-9]{17}", look=Look.FILLED),
    key("AWS Bedrock", "ABSK", "[A-Za-z0-9+/]{80,269}={0,2}"),
    key(
        "AWS Bedrock",
        "bedrock-api-key-",
        r"YmVkcm9jay5hbWF6b25hd3MuY29t[\w+/=%.-]{0,4000}",
        look=Look.NOT,
    ),
    key("Google", "AIza", rf"{URL64}{{35}}"),
    key("Google", "GOCSPX-", rf"{URL64}{{28}}"),
    key("Google", "ya29.", rf"{URL64}{{20,1000}}"),
    key("Google", "1//0", rf"{URL64}{{40,120}}"),
    shape("Azure", "Q~", r"(?<![\w~.-])[\w~.-]{3}\dQ~(?P<body>[\w~.-]{31,34}+)(?!~)"),
    shape(
        "Azure",
        "Key=",
        r"(?:Account|SharedAccess|Shared)Key=(?P<value>(?P<body>[A-Za-z0-9+/]{40,90}={1,2}))",
    ),
    shape("Azure", "sig=", r"sig=(?P<value>(?P<body>[A-Za-z0-9%]{40,80}%3[dD]))"),
    key("Alibaba", "LTAI", rf"{ALNUM}{{16,24}}"),
    key("DigitalOcean", "do", rf"[opr]_v1_{HEX}{{64}}"),
    key("Heroku", "HRKU-", rf"{URL64}{{30,70}}"),
    key("Cloudflare", "v1.0-", rf"{HEX}{{24}}-{HEX}{{146}}"),
    key("Cloudflare", "cfat_", rf"{URL64}{{40,60}}"),
    key("Fly", "fo1_", rf"{URL64}{{43}}"),
    shape("Fly", "fm", r"fm[12][ar]?_(?P<body>[A-Za-z0-9+/]{80,4000}={0,3})"),
    shape("Yandex", "t1.", r"t1\.[\w-]{1,200}={0,2}\.(?P<body>[\w-]{80,90}={0,2})"),
    key("Yandex", "AQVN", rf"{URL64}{{35,38}}"),
    key("Yandex", "YC", rf"{URL64}{{38}}"),
    key("Scalingo", "tk-us-", rf"{URL64}{{48}}"),
    key("Netlify", "nfp_", rf"{ALNUM}{{36,50}}"),
    key("Supabase", "sbp_", rf"(?:v0_)?{HEX}{{40}}"),
    key("Supabase", "sb_secret_", rf"{URL64}{{20,60}}"),
    key("Render", "rnd_", rf"{ALNUM}{{24,40}}"),
    key(
        "Tailscale",
        "tskey-",
        rf"(?:auth|api|client|scim|webhook)-{ALNUM}{{8,20}}-{ALNUM}{{20,60}}",
    ),
    key("Databricks", "dapi", rf"{HEX}{{32}}(?:-\d)?"),
    key("PlanetScale", "pscale_", r"(?:tkn|oauth|pw|api)_[\w=.-]{32,64}"),
    key("ClickHouse", "4b1d", rf"{ALNUM}{{38}}"),
    key("Pulumi", "pul-", rf"{HEX}{{40}}"),
    shape("HashiCorp", "atlasv1", rf"{ALNUM}{{14}}\.atlasv1\.(?P<body>[\w=-]{{60,70}})"),
    shape("HashiCorp", "hv", rf"hv[sbr]\.(?P<body>{URL64}{{24,300}})"),
    key("Doppler", "dp.", rf"(?:pt|st|sa|ct|scim|audit)\.(?:[\w-]{{2,35}}\.)?{ALNUM}{{40,44}}"),
    key("Infracost", "ico-", rf"{ALNUM}{{32}}"),
    shape("OpenShift", "sha256~", r"sha256~(?P<body>[\w-]{43})"),
    key("age", "AGE-SECRET-KEY-1", "[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", look=Look.NOT),
    key("1Password", "ops_eyJ", r"[A-Za-z0-9+/]{240,4000}={0,3}"),
    shape(
        "1Password",
        "A3-",
        r"A3-(?P<body>[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})"
        r"(?:-[A-Z0-9]{5}){3})",
    ),
)

_CODE = (
    *(key("GitHub", f"gh{kind}_", rf"{ALNUM}{{36,255}}") for kind in "pousr"),
    key("GitHub", "github_pat_", r"\w{60,255}"),
    *(
        key("GitLab", f"gl{kind}-", r"[\w=.-]{20,320}")
        for kind in (
            "pat",
            "dt",
            "cbt",
            "ffct",
            "ft",
            "imt",
            "agent",
            "oas",
            "rt",
            "rtr",
            "soat",
            "ptt",
            "wt",
        )
    ),
    key("GitLab", "GR1348941", rf"{URL64}{{20}}"),
    key("GitLab", "_gitlab_session=", r"[0-9a-z]{32}"),
    shape("Atlassian", "AT", r"AT(?:ATT|CTT)3(?P<body>[\w=-]{60,260})"),
    key("Bitbucket", "ATBB", rf"{ALNUM}{{24,40}}"),
    key("Trello", "ATTA", rf"{HEX}{{64}}{ALNUM}{{8}}"),
    key("npm", "npm_", rf"{ALNUM}{{36}}"),
    key("PyPI", "pypi-", rf"AgE[A-Za-z0-9]{{5,20}}{URL64}{{50,1000}}"),
    key("RubyGems", "rubygems_", rf"{HEX}{{48}}"),
    key("NuGet", "oy2", r"[a-z0-9]{43}"),
    key("Clojars", "CLOJARS_", r"[A-Za-z0-9]{60}"),
    key("crates.io", "cio", rf"{ALNUM}{{32}}"),
    key("Docker", "dckr_", rf"[po]at_{URL64}{{27,36}}"),
    key("Artifactory", "AKCp", rf"{ALNUM}{{69}}"),
    key("Artifactory", "cmVmd", rf"{ALNUM}{{59}}"),
    key("Buildkite", "bkua_", rf"{HEX}{{40}}"),
    key("CircleCI", "CCI", rf"P[AR][TJ]_{ALNUM}{{18,24}}_{HEX}{{40}}"),
    key("Octopus", "API-", r"[A-Z0-9]{26}"),
    shape("SonarQube", "sq", rf"sq[pua]_(?P<body>{HEX}{{40}})"),
    shape("Sourcegraph", "sgp_", rf"sgp_(?:(?:{HEX}{{16}}|local)_)?(?P<body>[a-fA-F0-9]{{40}})"),
    key("Sourcegraph", "slk_", rf"{HEX}{{64}}"),
    key("Prefect", "pnu_", r"[a-z0-9]{36}"),
    shape("Harness", "at.", r"[ps]at\.[\w-]{22}\.(?P<body>[A-Za-z0-9]{24}\.[A-Za-z0-9]{20})"),
    key("Readme", "rdme_", r"[a-z0-9]{70}"),
    key("Linear", "lin_", rf"(?:api|oauth)_{ALNUM}{{40,64}}"),
    key("Notion", "ntn_", rf"\d{{11}}{ALNUM}{{32,40}}"),
    key("Notion", "secret_", rf"{ALNUM}{{43}}"),
    shape("Figma", "fig", rf"fig[dorup]{{1,2}}_(?P<body>{URL64}{{40,60}})"),
    key("Postman", "PMAK-", rf"{HEX}{{24}}-{HEX}{{34}}"),
    key("Typeform", "tfp_", r"[\w.=-]{59}"),
    shape("Airtable", "pat", rf"pat{ALNUM}{{14}}\.(?P<body>{HEX}{{64}})"),
    key("HubSpot", "pat-", rf"(?:na|eu)\d-{UUID}"),
    shape("Asana", "1/", rf"1/\d{{14,18}}(?:/\d{{14,18}})?:(?P<body>{HEX}{{32}})"),
    shape(
        "Authress",
        ".acc",
        r"(?:sc|ext|scauth|authress)_[a-zA-Z0-9]{5,30}\.[a-zA-Z0-9]{4,6}\.acc[_-]"
        r"[a-zA-Z0-9-]{10,32}\.(?P<body>[\w+/=-]{30,120})",
    ),
    key("Contentful", "CFPAT-", rf"{URL64}{{43}}"),
    key("Frame.io", "fio-u-", r"[\w=-]{64}"),
    key("Lob", "live_", rf"(?:pub_)?{HEX}{{31,35}}"),
    key("Lob", "test_", rf"(?:pub_)?{HEX}{{31,35}}"),
    key("GoCardless", "live_", r"[\w=-]{40}"),
    key("Defined Networking", "dnkey-", r"[a-z0-9=_-]{26}-[a-z0-9=_-]{52}"),
    key("Intra42", "s-s4t2", rf"(?:ud|af)-{HEX}{{64}}"),
    key("SettleMint", "sm_", rf"[aps]at_{ALNUM}{{16}}"),
    shape("MaxMind", "_mmk", rf"{ALNUM}{{6}}_(?P<body>{ALNUM}{{29}})_mmk"),
    key("LaunchDarkly", "sdk-", UUID),
    key("LaunchDarkly", "api-", UUID),
    key("Adobe", "p8e-", r"[a-z0-9]{32}"),
    key("EasyPost", "EZ", rf"[AT]K{ALNUM}{{54}}"),
    key("Dropbox", "sl.", r"(?:u\.)?[\w=-]{100,1500}"),
    key("Mapbox", "sk.eyJ", r"[\w-]{60,200}\.[\w-]{20,30}"),
)


FORMATS: tuple[Format, ...] = (*_CLOUDS, *_CODE, *SERVICES)
