"""Formats of keys by vendor: language models, messages, payments, monitoring.

Pure data, from the vendors' public documentation and the tokens that they issue; which families
exist was checked against gitleaks' list of rules. Keys without a mark of their own (hex, UUID) are
not here: `named_secrets` finds them by the word in front.
"""

from __future__ import annotations

from .secret_format import ALNUM, HEX, URL64, UUID, Format, Look, key, shape

_MODELS = (
    shape(
        "Anthropic", "sk-ant-", r"sk-ant-[a-z]{2,8}\d{2}-(?P<body>[\w-]{60,200})", look=Look.FILLED
    ),
    shape(
        "OpenAI",
        "sk-",
        rf"sk-(?:(?:proj|svcacct|admin|None|or-v1|lf)-)?(?P<body>(?!ant-){URL64}{{20,200}})",
    ),
    key("xAI", "xai-", rf"{ALNUM}{{40,100}}", look=Look.FILLED),
    key("Groq", "gsk_", rf"{ALNUM}{{40,60}}"),
    key("Perplexity", "pplx-", rf"{ALNUM}{{40,60}}"),
    # The tokens are letters alone: of random ones, one in a hundred changes its case too seldom.
    # Without a capital it is the name of a variable.
    key("Hugging Face", "hf_", r"(?=[a-z0-9]{0,30}[A-Z])[A-Za-z0-9]{30,40}", look=Look.FILLED),
    key("Hugging Face", "api_org_", r"[A-Za-z0-9]{34}"),
    key("Replicate", "r8_", rf"{ALNUM}{{37}}"),
    key("NVIDIA", "nvapi-", rf"{URL64}{{60,70}}"),
    key("Pinecone", "pcsk_", r"\w{50,80}"),
    key("LangSmith", "lsv2_", rf"(?:pt|sk)_{HEX}{{32}}_{HEX}{{10}}"),
    key("Tavily", "tvly-", rf"{URL64}{{20,60}}"),
    key("Jina", "jina_", rf"{URL64}{{50,70}}"),
    key("Cerebras", "csk-", r"[a-z0-9]{40,60}"),
    key("Fireworks", "fw_", rf"{ALNUM}{{22,30}}"),
    key("Together", "tgp_v1_", rf"{URL64}{{40,50}}"),
    key("E2B", "e2b_", rf"{HEX}{{40}}"),
)

_MESSAGES = (
    shape("Slack", "xox", r"xox[abceoprs]-(?:\d-)?(?:\d{5,15}-){1,4}(?P<body>[A-Za-z0-9]{8,70})"),
    shape("Slack", "xoxe", r"(?:xoxe\.)?xox[ebp]-\d-(?P<body>[A-Z0-9a-z]{100,400})"),
    shape("Slack", "xapp-", r"xapp-\d-[A-Z0-9]{8,15}-\d{8,15}-(?P<body>[a-z0-9]{32,70})"),
    shape(
        "Slack",
        "hooks.slack.com",
        r"(?:https?://)?hooks\.slack\.com/(?:services|workflows|triggers)/"
        r"(?P<body>[A-Za-z0-9+/]{40,60})",
    ),
    shape(
        "Discord",
        "discord",
        r"(?:https?://)?discord(?:app)?\.com/api/webhooks/\d{17,20}/(?P<body>[\w-]{60,80})",
    ),
    shape("Discord", ".", r"[MNO][\w-]{23,27}\.[\w-]{6}\.(?P<body>[\w-]{27,40})"),
    key("Discord", "mfa.", rf"{URL64}{{80,90}}"),
    shape(
        "Teams",
        "webhook.office.com",
        rf"https://[a-z0-9]{{1,40}}\.webhook\.office\.com/webhookb2/{UUID}@{UUID}/"
        rf"IncomingWebhook/(?P<body>{HEX}{{32}})/{UUID}",
    ),
    shape("Telegram", ":A", r"\d{5,16}:A(?P<body>[\w-]{34})"),
    shape("Twilio", "SK", rf"SK(?P<body>{HEX}{{32}})"),
    key("SendGrid", "SG.", r"[\w=-]{20,24}\.[\w=.-]{39,50}", look=Look.FILLED),
    key("Brevo", "xkeysib-", rf"{HEX}{{64}}-[A-Za-z0-9]{{16}}"),
    key("Brevo", "xsmtpsib-", rf"{HEX}{{64}}-[A-Za-z0-9]{{16}}"),
    key("Mailgun", "key-", rf"{HEX}{{32}}"),
    key("Mailgun", "pubkey-", rf"{HEX}{{32}}"),
    shape("Mailgun", "-", rf"(?P<body>{HEX}{{32}})-{HEX}{{8}}-{HEX}{{8}}"),
    shape("Mailchimp", "-us", rf"(?P<body>{HEX}{{32}})-us\d{{1,2}}"),
    key("Resend", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    key("Twitch", "oauth:", r"[a-z0-9]{30}"),
    key("Facebook", "EAA", r"[MC][A-Za-z0-9]{60,250}"),
    shape("Facebook", "|", r"\d{15,16}(?:\||%7[cC])(?P<body>[\w-]{27,40})"),
)

_MONEY = (
    *(
        key("Stripe", f"{kind}_{mode}_", rf"{ALNUM}{{10,250}}")
        for kind in ("sk", "rk")
        for mode in ("live", "test", "prod")
    ),
    key("Stripe", "whsec_", r"[A-Za-z0-9+/=]{24,80}"),
    key("Shopify", "shp", r"(?:at|ca|pa|ss|tka)_[0-9a-fA-F]{32}"),
    key("Square", "sq0", rf"(?:atp|csp|idp)-{URL64}{{22,43}}"),
    key("Square", "EAAA", r"[\w-]{60}"),
    shape(
        "PayPal",
        "access_token$",
        rf"access_token\$(?:production|sandbox)\$[0-9a-z]{{16}}\$(?P<body>{HEX}{{32}})",
    ),
    key("Plaid", "access-", rf"(?:sandbox|development|production)-{UUID}"),
    key("Flutterwave", "FLW", r"(?:PUBK|SECK)(?:_TEST)?-[0-9a-zA-Z]{12,32}(?:-X)?"),
    key("Shippo", "shippo_", rf"(?:live|test)_{HEX}{{40}}"),
    key("Duffel", "duffel_", r"(?:test|live)_[\w=-]{43}"),
    key("Razorpay", "rzp_live_", rf"{ALNUM}{{14}}"),
)

_WATCHING = (
    key("Grafana", "glsa_", rf"{ALNUM}{{32}}_[0-9a-fA-F]{{8}}"),
    key("Grafana", "glc_", r"[A-Za-z0-9+/]{32,400}={0,3}"),
    key("Grafana", "eyJrIjoi", r"[A-Za-z0-9+/]{60,400}={0,3}"),
    *(
        key("New Relic", f"NR{kind}-", r"[A-Za-z0-9_-]{19,42}")
        for kind in ("AK", "AL", "AA", "BR", "JS", "II", "RA")
    ),
    key("Sentry", "sntrys_", r"eyJ[\w+/=-]{40,800}"),
    key("Sentry", "sntryu_", rf"{HEX}{{64}}"),
    shape("Dynatrace", "dt0", r"dt0[a-z]\d{2}\.[A-Za-z0-9]{24}\.(?P<body>[A-Za-z0-9]{64})"),
    key("Honeycomb", "hc", rf"(?:aik|bik|xik)_{ALNUM}{{58}}"),
    key("PostHog", "phx_", rf"{ALNUM}{{40,60}}"),
)  # fmt: skip


SERVICES: tuple[Format, ...] = (*_MODELS, *_MESSAGES, *_MONEY, *_WATCHING)
