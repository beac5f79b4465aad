"""Where a router's files and its log are, and what the local server says its model is.

What all of `hal router` share. Sends one GET request to the local server, no text.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import ollama

from ..addresses import without_user
from ..errors import ConfigError, HalError, ProviderError
from ..gateway.providers.ollama_models import LocalModels
from ..lab.improve.ledger import Ledger
from ..lab.report.table import Table
from ..lab.report.terminal import show
from ..lab.router.logged import Log, Pair, read_log
from ..live_router import Models
from ..model_names import full_name
from ..routing.learned.folder import RouterFolder
from ..sessions.cases import collect as refresh_cases
from ..sessions.commands import parse_since
from ..sessions.own_connection import writing
from ..sessions.reader import SessionReader
from ..settings import Settings
from .engine import running_engine
from .ollama_host import CONNECT_S, READ_S
from .stored import settings_in_force

# Tables are made for 80 columns; beyond 120 the eye loses the line.
_WIDTH, _WIDTH_MAX = 80, 120


@dataclass(frozen=True, slots=True)
class Place:
    """The settings in force, the router's folder and the log."""

    settings: Settings
    folder: RouterFolder
    now_s: float

    @classmethod
    def here(cls) -> Place:
        settings = settings_in_force({**os.environ, **running_engine(os.environ)})
        return cls(settings, RouterFolder(settings.log.router), time.time())

    @property
    def ledger(self) -> Ledger:
        """Which turns were looked at to judge a router."""
        return Ledger(self.folder.path / "ledger.jsonl")

    @property
    def pair(self) -> Pair:
        local = self.settings.local
        names = [local.model, *(host.model for host in local.hosts if host.model)]
        return Pair.of(names, self.settings.cloud.model)

    def log(self, since: str | None = None) -> Log:
        """The log with the newest cases. Raises ConfigError, LogUnreadable, LogUnavailable."""
        database = self.settings.log.database
        begin = _since(since, self.now_s)
        if database.exists():
            with writing(database) as connection:
                refresh_cases(connection, self.now_s)
        return read_log(SessionReader(database), self.pair, begin)

    def models(self, digest: str) -> Models:
        return Models(self.settings.local.model, digest, self.settings.cloud.model)


class DigestUnknown(HalError):
    """Nobody can tell which version of the local model answers now."""

    code = "digest"


def local_digest(settings: Settings) -> str:
    """The local model's digest; "" where its server speaks no Ollama, which has none.

    Raises DigestUnknown.
    """
    local = settings.local
    if local.hosts[0].dialect != "ollama":
        return ""
    try:
        installed = asyncio.run(_digests(local.base_url))
    except ProviderError as error:
        raise DigestUnknown(f"{error}", "Start it: `hal serve`, or Ollama.") from None
    name = full_name(local.model)
    if name not in installed:
        raise DigestUnknown(
            f"{local.model} is not at {without_user(local.base_url)}.", f"ollama pull {local.model}"
        )
    return installed[name]


async def _digests(url: str) -> dict[str, str]:
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    # trust_env: a proxy that is meant for the internet cannot reach a host on this machine.
    client = ollama.AsyncClient(url, timeout=timeout, follow_redirects=False, trust_env=False)
    try:
        found = await LocalModels(client).list()
        return {name: model.digest for name, model in found.items()}
    finally:
        await client._client.aclose()  # its own close() has no types


def say(words: str) -> None:
    """Progress, for who watches."""
    print(words, file=sys.stderr, flush=True)


def show_tables(headline: str, notes: Sequence[str], tables: Sequence[Table]) -> None:
    """On stdout, as wide as the terminal."""
    columns = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
    width = min(max(columns, _WIDTH), _WIDTH_MAX)
    show(headline, "", notes, tables, sys.stdout, width)


def _since(text: str | None, now_s: float) -> float:
    try:
        return parse_since(text, now_s) if text else 0.0
    except ValueError as error:
        raise ConfigError(f"{error}.") from None
