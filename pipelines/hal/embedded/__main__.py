"""Serve local models in Ollama's protocol: `python -m hal.embedded --model qwen2.5-coder:0.5b`.

It does not know the router. One line on stdout says that it is ready and where; all else is stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from .answer import Answerer
from .catalogue import DEFAULT_MODEL, FALLBACK_MODEL, MODELS, Model, find
from .durations import keep_alive_s
from .engine import Engine, EngineSettings, default_threads
from .errors import EmbeddedError
from .fetch import cache_folder, ensure_first_available, override
from .library import Library
from .progress import Bar, Progress, Step
from .server import application

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHUTDOWN_S = 1.0  # running answers get this long to notice; the promise is an end within 2 s
_PARENT_POLL_S = 0.5
_EPILOG = """\
Models: {models}.
A model that is not here yet is fetched once, checked against its publisher's SHA-256, and kept in
{folder}
Environment: HAL_EMBEDDED_MODEL=/path/model.gguf uses a file of your own; HAL_DATA_DIR moves the
folder (to HAL_DATA_DIR/models); HAL_EMBEDDED_THREADS sets the number of threads.
"""


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    names = ", ".join(model.name for model in MODELS)
    parser = argparse.ArgumentParser(
        prog="python -m hal.embedded",
        description="Serve small local models in Ollama's protocol, without Ollama.",
        epilog=_EPILOG.format(models=names, folder=cache_folder()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    model = f"may be repeated; the first is loaded ({DEFAULT_MODEL}, else {FALLBACK_MODEL})"
    threads = f"never all cores: they spin, so other work slows them ({default_threads()})"
    keep_alive = "unload a model that is idle for so long (5m; -1: never)"
    add("--model", action="append", metavar="NAME", dest="models", help=model)
    add("--alias", action="append", default=[], metavar="NAME=MODEL", help="answer to NAME, too")
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    add("--port", type=int, default=11435, help="0 picks a free one (11435)")
    add("--context", type=int, default=4096, metavar="TOKENS", help="for each request (4096)")
    add("--parallel", type=int, default=2, metavar="N", help="requests at once for a model (2)")
    add("--threads", type=int, default=default_threads(), metavar="N", help=threads)
    add("--keep-alive", default="5m", metavar="TIME", help=keep_alive)
    add("--no-load", action="store_true", help="be ready before the first model is loaded")
    add("--parent-pid", type=int, metavar="PID", help="end when this process has ended")
    return parser


def main() -> int:
    """Run the server until it is told to end; returns the exit code."""
    parser = arguments()
    options = parser.parse_args()
    try:
        aliases = dict(_alias(text) for text in options.alias)
        settings = EngineSettings(
            threads=max(1, options.threads),
            parallel=max(1, options.parallel),
            context_tokens=max(256, options.context),  # less holds no question and answer
            keep_alive_s=keep_alive_s(options.keep_alive, 300.0),
        )
        for name in options.models or ():
            find(name)
    except (ValueError, EmbeddedError) as error:
        parser.error(str(error))
    if importlib.util.find_spec("xllamacpp") is None:  # before half a gigabyte is fetched
        print("error: needs xllamacpp: pip install 'hal-auto[embedded]'", file=sys.stderr)  # noqa: T201
        return 1
    try:
        library, first = stock(options.models, aliases, Bar())
        asyncio.run(_serve(options, settings, library, first))
    except (OSError, EmbeddedError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _alias(text: str) -> tuple[str, str]:
    name, _, model = text.partition("=")
    if not name or not model:
        raise ValueError(f"--alias {text}: expected NAME=MODEL")
    return name, model


def stock(
    names: list[str] | None, aliases: dict[str, str], progress: Progress
) -> tuple[Library, str]:
    """Fetch what is missing; returns the library and the name of the model to load first.

    Without names it is the default, or the fallback when that cannot be had. A named model that
    cannot be had is an error for the first, and a warning for the others.
    """
    folder = cache_folder()
    model, path = ensure_first_available(names[:1] if names else [DEFAULT_MODEL, FALLBACK_MODEL],
                                         folder, progress)  # fmt: skip
    found: list[tuple[Model, Path]] = [(model, path)]
    for name in names[1:] if names else ():
        try:
            found.append(ensure_first_available([name], folder, progress))
        except EmbeddedError as error:
            progress(Step(f"warning: {error}"))
    given = tuple(found) if override() else ()
    return Library(folder, given, aliases), model.name


async def _serve(
    options: argparse.Namespace, settings: EngineSettings, library: Library, first: str
) -> None:
    """Listen, load, say so, and wait for the end."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(loop, number, ending)
    engine = Engine(settings)
    app = application(Answerer(engine, library), loopback_only=options.host in _LOOPBACK)
    # handler_cancellation: a client that goes away cancels its handler, and so the generation.
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S
    )
    watch = asyncio.create_task(_watch_parent(options.parent_pid, ending))
    ready = asyncio.create_task(_get_ready(runner, engine, library, first, options))
    try:
        await asyncio.wait(
            [ready, asyncio.create_task(ending.wait())], return_when=asyncio.FIRST_COMPLETED
        )
        if ready.done():
            print(f"ready {ready.result()}", flush=True)  # noqa: T201  # for whoever started us
            await ending.wait()
    finally:
        for task in (watch, ready):
            task.cancel()
        await asyncio.gather(watch, ready, return_exceptions=True)
        await engine.close()  # first: answers in flight end with their model
        await runner.cleanup()


async def _get_ready(
    runner: web.AppRunner, engine: Engine, library: Library, first: str, options: argparse.Namespace
) -> str:
    """Listen, load the first model unless told not to; returns the address."""
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port).start()
    host, port = runner.addresses[0][:2]
    if not options.no_load:
        served, stay_s = library.find(first), engine.settings.keep_alive_s
        async with engine.lease(served, stay_s, embedding=served.model.only_embeds):
            pass
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _watch_parent(pid: int | None, ending: asyncio.Event) -> None:
    while pid is not None and _exists(pid):
        await asyncio.sleep(_PARENT_POLL_S)
    if pid is not None:
        ending.set()


def _exists(pid: int) -> bool:
    """Tell whether a process runs; on Windows asking would kill it, so there it always does."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, ending: asyncio.Event) -> None:
    try:
        loop.add_signal_handler(number, ending.set)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ending.set))


if __name__ == "__main__":
    sys.exit(main())
