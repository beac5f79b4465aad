"""Runs the real SearXNG over a small site of the test, and that site's own search.

SearXNG (AGPL) is installed for the tests alone, into `.venv-searxng`, and never imported by us. It
asks nothing but the site: its one engine is a `json_engine` on loopback.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

import pytest
import requests

from tests.servers.base import ScriptedServer
from tests.servers.exchange import Exchange, RecordedRequest
from tests.servers.play import reply
from tests.servers.ports import free_port
from tests.servers.script import Status
from tests.servers.searxng import Entry

from .interpreters import REPO

# Werkzeug comes with SearXNG; threads, because two queries come at the same time.
_SERVE = """
import sys
from searx.webapp import application
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True)
"""
_POLL_S = 0.1
# Three to five seconds on an idle machine; a busy one must not fail for it.
_START_TIMEOUT_S = 40.0
_STOP_TIMEOUT_S = 5.0
_FAULTS = (
    "SearxEngineAccessDenied",
    "SearxEngineCaptcha",
    "SearxEngineTooManyRequests",
    "cf_SearxEngineCaptcha",
    "cf_SearxEngineAccessDenied",
    "recaptcha_SearxEngineCaptcha",
)


def interpreter() -> str:
    """The Python that has SearXNG; skips the test, and says why, when there is none."""
    named = os.environ.get("HAL_TEST_PYTHON_SEARXNG")
    folder = REPO / ".venv-searxng"
    if not named and not (folder / ".installed").exists():  # a half of it is none
        pytest.skip(f"no SearXNG in {folder}: make setup, or set HAL_TEST_PYTHON_SEARXNG")
    return named or str(folder / "bin/python")


class SearchedSite(ScriptedServer):
    """The search of a small site: /find?q=WORDS&hours=N as JSON. `trouble` is sent instead."""

    def __init__(self, *entries: Entry) -> None:
        super().__init__()
        self.entries = entries
        self.trouble: Status | None = None

    @property
    def queries(self) -> list[str]:
        return [parse_qs(request.query).get("q", [""])[0] for request in self.asked("/find")]

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        await reply(exchange, self.trouble or self._found(parse_qs(request.query)))

    def _found(self, asked: dict[str, list[str]]) -> Status:
        words = re.findall(r"\w+", asked.get("q", [""])[0].lower())
        hours = float(asked.get("hours", ["inf"])[0])
        found = [one for one in self.entries if one.age_days * 24 <= hours and one.matches(words)]
        rows = [{"url": one.url, "title": one.title, "text": one.content} for one in found]
        return Status(200, {"results": rows})


class RealSearxng:
    """SearXNG on a free port of loopback, with its settings and files in `folder`."""

    def __init__(self, folder: Path, site: str, *, formats: Sequence[str] = ("html", "json")):
        self._python = interpreter()
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = folder / "settings.yml"
        folder.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        self._settings.write_text(json.dumps(_settings(site, formats)), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start, and wait until it answers; RuntimeError with its log if it does not."""
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, "-c", _SERVE, str(self._port)],
                cwd=self._folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"SearXNG did not start:\n{self.log()[-4000:]}")
            time.sleep(_POLL_S)
        return self

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def log(self) -> str:
        return (self._folder / "log.txt").read_text(encoding="utf-8", errors="replace")

    def _environment(self) -> dict[str, str]:
        """Its caches are files in the folder for temporary ones: each has a folder of its own."""
        foreign = ("SEARXNG_", "PYTHON", "HTTP_", "HTTPS_", "ALL_")
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(foreign)}
        own = {"SEARXNG_SETTINGS_PATH": str(self._settings), "TMPDIR": str(self._folder)}
        return kept | own | {"NO_PROXY": "*", "PYTHONDONTWRITEBYTECODE": "1"}

    def _answers(self) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False
                return session.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False


def _settings(site: str, formats: Sequence[str]) -> dict[str, Any]:
    engine = {
        "name": "corpus",
        "engine": "json_engine",
        "shortcut": "co",
        "enable_http": True,
        "search_url": f"{site}/find?q={{query}}{{time_range}}",
        "time_range_support": True,
        "time_range_url": "&hours={time_range_val}",
        "results_query": "results",
        "url_query": "url",
        "title_query": "title",
        "content_query": "text",
    }
    return {
        "use_default_settings": {"engines": {"keep_only": ["corpus"]}},
        "server": {"secret_key": secrets.token_hex(16), "limiter": False},
        # A provoked error would put the engine aside for the tests that follow.
        "search": {
            "formats": [*formats],
            "ban_time_on_fail": 0,
            "max_ban_time_on_fail": 0,
            "suspended_times": dict.fromkeys(_FAULTS, 0),
        },
        "outgoing": {"request_timeout": 1.5},
        "valkey": {"url": False},
        "engines": [engine],
    }
