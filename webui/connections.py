"""The running Open WebUI over HTTP: whether it answers, and whether hal-auto is connected to it.

Knows the shapes of its page of connections (Admin Settings > Connections > OpenAI API).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import requests

TIMEOUT_S = (2.0, 30.0)  # connect, read; all of it is on this machine


class WebUI:
    """The running Open WebUI at `url`: whether it answers, and its connections."""

    def __init__(self, url: str) -> None:
        self.url = url

    def answers(self) -> bool:
        try:
            return self._request("GET", "/health").ok
        except requests.RequestException:
            return False

    def sign_in(self) -> str | None:
        """The token of the one account there is without a login; None where there is a login."""
        reply = self._request("POST", "/api/v1/auths/signin", {"email": "", "password": ""})
        return str(reply.json()["token"]) if reply.ok else None

    def connections(self, token: str) -> dict[str, object]:
        reply = self._request("GET", "/openai/config", token=token)
        reply.raise_for_status()
        found: dict[str, object] = reply.json()
        return found

    def save_connections(self, token: str, config: Mapping[str, object]) -> None:
        self._request("POST", "/openai/config/update", config, token).raise_for_status()

    def _request(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False  # no proxy leads to this machine
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            return session.request(
                method, f"{self.url}{path}", json=body, headers=headers, timeout=TIMEOUT_S
            )


def connect(site: WebUI, url: str, key: str, folder: Path) -> str:
    """Have hal-auto among the connections; returns a note, or "".

    Open WebUI keeps the connections of its first start, so another port or key would not count.
    """
    remembered = folder / "connected"
    before = remembered.read_text(encoding="utf-8").strip() if remembered.exists() else url
    try:
        if (token := site.sign_in()) is None:
            return f"Its connections were not looked at, as it asks for a login: it needs {url}."
        config = site.connections(token)
        changed = connected(config, before, url, key)
        if changed != config:
            site.save_connections(token, changed)
    except (requests.RequestException, ValueError, KeyError) as error:
        return f"Its connections could not be looked at ({type(error).__name__})."
    remembered.write_text(f"{url}\n", encoding="utf-8")
    return ""


def connected(config: Mapping[str, object], before: str, url: str, key: str) -> dict[str, object]:
    """The connections with ours at `url`: in its old place, at the end if it has none."""
    urls, keys = _texts(config, "OPENAI_API_BASE_URLS"), _texts(config, "OPENAI_API_KEYS")
    keys += [""] * (len(urls) - len(keys))
    place = next((n for wanted in (url, before) for n, u in enumerate(urls) if u == wanted), None)
    if place is None:
        urls, keys = [*urls, url], [*keys, key]
    else:
        urls[place], keys[place] = url, key
    return {**config, "OPENAI_API_BASE_URLS": urls, "OPENAI_API_KEYS": keys}


def _texts(config: Mapping[str, object], name: str) -> list[str]:
    value = config.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []
