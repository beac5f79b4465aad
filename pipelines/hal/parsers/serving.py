"""The commands that answer turns, and those about the set-up: serve, ask, route, doctor, valves,
bundle.

Knows names and arguments; what they do stands in `hal.commands`.
"""

from __future__ import annotations

import argparse

from .parts import Commands, add, add_actions, port

# Nobody waits for an answer here: a slow machine may take its time over a large model.
ROUTE_DEADLINE_S = 60.0
_BUNDLE_MORE = "  hal bundle --function -o hal_auto_function.json\n"


def add_serve(commands: Commands) -> None:
    summary = "start the Pipelines server with hal-auto, and an engine if there is no Ollama"
    parser = add(commands, "serve", summary, "hal serve --port 9099")
    parser.add_argument("--port", type=port, default=9099, help="default: %(default)s")
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: %(default)s; chat and valves have no password"
    )
    _add_engine(parser)


def add_ask(commands: Commands) -> None:
    parser = add(commands, "ask", "ask one question", 'hal ask "Why is the sky blue?"')
    parser.add_argument("text", metavar="TEXT", help="the question; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    _add_engine(parser)


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="local model for this run, instead of the settings'")
    parser.add_argument(
        "--engine",
        choices=("auto", "ollama", "embedded"),
        default="auto",
        help="auto (default): a running Ollama that has the models, else the embedded engine",
    )


def add_doctor(commands: Commands) -> None:
    parser = add(
        commands, "doctor", "check the set-up, with a remedy for each problem", "hal doctor"
    )
    parser.add_argument("--json", action="store_true", help="a list of checks as JSON")
    parser.add_argument(
        "--offline", action="store_true", help="do not ask xAI whether the key works"
    )
    parser.add_argument(
        "--port", type=port, default=9099, help="of the Pipelines server; default: %(default)s"
    )


def add_route(commands: Commands) -> None:
    summary = "decide the route of prompts without answering them"
    example = 'echo \'{"id": 1, "text": "hello"}\' | hal route --jsonl'
    parser = add(commands, "route", summary, example)
    parser.add_argument(
        "--jsonl", action="store_true", required=True, help="JSON lines from stdin to stdout"
    )
    parser.add_argument(
        "--deadline",
        type=float,
        default=ROUTE_DEADLINE_S,
        metavar="SECONDS",
        help="longest time for one prompt; default: %(default)s",
    )
    parser.add_argument(
        "--classifier",
        action="store_true",
        help="ask the classifier alone, whatever the router has learned",
    )
    _add_engine(parser)


def add_valves(commands: Commands) -> None:
    parser = add(commands, "valves", "print settings", "hal valves example > valves.json")
    actions = add_actions(parser)
    add(actions, "example", "every valve with its default, as JSON", "hal valves example")
    words = "what the valve ADVANCED may set, with defaults"
    add(actions, "advanced", words, "hal valves advanced")
    add(actions, "docs", "all of them in words, as Markdown", "hal valves docs > docs/valves.md")


def add_bundle(commands: Commands) -> None:
    summary = "write the whole pipeline as one file, to upload it or to install it from a URL"
    parser = add(commands, "bundle", summary, "hal bundle -o hal_auto.py", _BUNDLE_MORE)
    parser.add_argument(
        *("-o", "--output"), metavar="FILE", required=True, help="where to; - is stdout"
    )
    parser.add_argument(
        "--function",
        action="store_true",
        help="as a Function of Open WebUI: FILE.json to import, or FILE.py to paste",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is no bundle")
    parser.add_argument("--json", action="store_true", help="file, bytes, requirements as JSON")
