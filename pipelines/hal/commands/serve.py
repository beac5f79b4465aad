"""`hal serve`: an engine if there is no Ollama, the Pipelines server, and an orderly end of both.

Knows the order of things; what each of them is stands in `engine` and `pipelines_server`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import NoReturn

from ..addresses import without_user
from .checks.search import look
from .core import warm_up
from .engine import Engine, choose
from .pipelines_server import (
    LOOPBACK,
    api_key,
    lay_out,
    require_free_port,
    server_environment,
    start_server,
    stop_server,
    url_of,
    wait_until_ready,
)
from .stored import Places, forget_echoes, settings_in_force

WATCH_S = 0.2
# It answers without searching, in milliseconds; the start does not wait for one that hangs.
SEARCH_LOOK_S = 3.0
# A container is the one way that SearXNG's own project maintains; our settings switch JSON on.
HOW_TO_GET = """
               For example, from the folder of hal-auto:
               docker run -d --restart unless-stopped -p 127.0.0.1:8080:8080 \\
                 -e SEARXNG_SECRET="$(openssl rand -hex 16)" \\
                 -v "$PWD/docker/searxng/settings.yml:/etc/searxng/settings.yml:ro" \\
                 docker.io/searxng/searxng"""
_NOT_THERE = {"refused", "unreachable"}
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_QUESTION = {
    "model": "hal.auto",
    "stream": True,
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
}


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM (0), or until one of the parts dies (1)."""
    with _interruptible(), ExitStack() as started:
        require_free_port(args.host, args.port)
        environ = dict(os.environ) | ({"HAL_LOCAL_MODEL": args.model} if args.model else {})
        places = Places.of(environ)
        places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for note in (lay_out(places), _warning(args.host)):
            _say(note)
        engine = _start_engine(environ, args.engine, places, started)
        key = api_key(environ, places)
        environment = server_environment(environ, engine.environment, places, key)
        if engine.process is not None:  # Ollama warms up beside the server, on its GPU
            warm_up(settings_in_force(environment), _say)
        server = start_server(args.host, args.port, environment)
        started.callback(stop_server, server)
        search = _search_line(settings_in_force(environment).searxng_url)
        url = url_of(args.host, args.port)
        wait_until_ready(server, url, key)
        print(_block(environment, engine, url, places, search), flush=True)
        return _watch(engine, server)


def _start_engine(
    environ: Mapping[str, str], kind: str, places: Places, started: ExitStack
) -> Engine:
    forget_echoes(places)
    engine = choose(environ, kind, _say)
    started.callback(engine.stop)
    if engine.process is not None:
        text = json.dumps({name: value for name, value in engine.environment.items() if value})
        places.engine.write_text(text, encoding="utf-8")
    told = {**environ, **engine.environment}
    settings = settings_in_force(told)
    if told.get("HAL_LOCAL_MODEL", settings.local.model) != settings.local.model:
        _say(f"The admin panel's LOCAL_MODEL wins over {told['HAL_LOCAL_MODEL']}.")
    for name in engine.inventory.missing(*settings.local.models, settings.routing.classifier_model):
        _say(f"WARNING: the settings name {name}, which is not there; see `hal doctor`.")
    return engine


def _watch(engine: Engine, server: subprocess.Popen[bytes]) -> int:
    try:
        while server.poll() is None and engine.alive:
            time.sleep(WATCH_S)
    except KeyboardInterrupt:
        _say("Stopping.")
        return 0
    if server.poll() is None:
        _say("The embedded engine ended; stopping the server. What it said last stands above.")
    else:
        _say(f"The Pipelines server ended (exit code {server.returncode}); stopping the rest.")
    return 1


def _warning(host: str) -> str:
    if host in LOOPBACK:
        return ""
    return (
        f"WARNING: listening at {host}: whoever reaches this port can chat, read and change the "
        "settings without a password."
    )


def _search_line(url: str) -> str:
    """The SearXNG that is there, or what is wrong with it, and how to get one."""
    problem = look(url, read_s=SEARCH_LOOK_S)
    if problem is None:
        return f"SearXNG at {without_user(url)}"
    return f"off: {problem.sentence}{HOW_TO_GET if problem.code in _NOT_THERE else ''}"


def _block(
    environment: Mapping[str, str], engine: Engine, url: str, places: Places, search: str
) -> str:
    settings = settings_in_force(environment)
    cloud = f"on, {settings.cloud.model}" if settings.cloud.usable else "off (no XAI_API_KEY)"
    if not settings.cloud.enabled:
        cloud = "off (CLOUD_ENABLED)"
    key = environment["PIPELINES_API_KEY"]
    origin = "from PIPELINES_API_KEY" if os.environ.get("PIPELINES_API_KEY") else places.key
    return f"""
hal-auto is ready. Ctrl-C ends it.

  URL          {url}
  key          {key}   ({origin})
  model        hal-auto, id hal.auto
  local model  {settings.local.model}   ({engine.sentence})
  xAI          {cloud}
  web search   {search}
  session log  {settings.log.database}

In Open WebUI: Admin Settings > Connections > OpenAI API > +, with this URL and key.
In a terminal:

  curl -N {url}/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{json.dumps(_QUESTION)}'
"""


def _say(note: str) -> None:
    if note:
        print(note, file=sys.stderr, flush=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let every way to end us raise KeyboardInterrupt: what was started is then stopped."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        for ending in _ENDING:  # a second Ctrl-C must not cut the clearing up short; it is brief
            signal.signal(ending, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
