"""`hal bundle`: the whole serving path as one file, for a panel that takes exactly one.

Decides where the text goes and what may be written over; `hal.lab.bundle` makes it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ..errors import ConfigError
from ..lab.bundle.compose import FUNCTION, PIPELINE, bundle, importable, is_bundle, requirements

# Enough for the mark of a bundle, also where it stands in the JSON of an export.
_HEAD_CHARS = 8000
_NEXT = {
    False: "Open WebUI: Admin Settings > Pipelines > Upload Pipeline (or its address as a URL).",
    True: "Open WebUI: Admin Panel > Functions > Import takes the .json; paste a .py as a new one.",
}


def run(args: argparse.Namespace) -> int:
    """0 when it is written; ConfigError for a file that is not ours to write over."""
    text = bundle(FUNCTION if args.function else PIPELINE)
    if args.function and args.output.endswith(".json"):
        text = importable(text)
    elif args.output != "-" and not args.output.endswith(".py"):
        raise ConfigError(f"{args.output} must end with .py{' or .json' * args.function}.")
    if args.output == "-":
        sys.stdout.write(text)
        return 0
    path = Path(args.output).expanduser()
    _write(path, text, force=args.force)
    if args.json:
        told = {"file": str(path.absolute()), "bytes": len(text.encode())}
        print(json.dumps(told | {"requirements": requirements()}))
    else:
        print(f"{path.absolute()}: {len(text.encode()) / 1e6:.2f} MB\n{_NEXT[args.function]}")
    return 0


def _write(path: Path, text: str, *, force: bool) -> None:
    if not force and path.exists() and not _is_ours(path):
        raise ConfigError(f"{path} is there and is no bundle of hal-auto.", "--force replaces it.")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return is_bundle(file.read(_HEAD_CHARS))
    except (OSError, UnicodeDecodeError):
        return False
