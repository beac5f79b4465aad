"""`hal privacy allow`: the values that the user does not count as private.

A value is read from stdin or at a prompt, never from the command line, which shells write down.
What is kept is its hash under this machine's key, so nobody can list the values, only count them.
A running server takes a change over with its next turn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from getpass import getpass

from ..errors import ConfigError, HalError
from ..privacy.allowed import value_hash
from ..privacy.detect import Detector
from ..privacy.kinds import WORDS, Kind
from ..privacy.values import normalise
from ..privacy_files import load_allowed, load_key, save_allowed
from ..settings import LogSettings
from .stored import settings_in_force


class NotOneValue(HalError):
    """It is not clear which value is meant, so nothing was changed."""

    code = "not_one_value"


def allow(detector: Detector, args: argparse.Namespace) -> int:
    """0 when the list is as it was asked for, 1 when the value is none or is not in the list."""
    log = settings_in_force(os.environ).log
    if args.list:
        count = len(load_allowed(log.allowed_values))
        words = "1 value is" if count == 1 else f"{count:,} values are"
        sentence = f"{words} allowed. Their hashes do not say which."
        return _tell(args, sentence, allowed=count)
    kind = None if args.kind is None else Kind(args.kind)
    value = _read_value()
    if args.remove:
        return _remove(args, log, detector, kind, value)
    return _add(args, log, *_meant(detector, kind, value))


def _add(args: argparse.Namespace, log: LogSettings, kind: Kind, value: str) -> int:
    new = value_hash(load_key(log.privacy_key), kind, value)
    hashes = load_allowed(log.allowed_values)
    if new in hashes:
        sentence = f"This {WORDS[kind]} ({kind}) was allowed already."
    else:
        _save(log, {*hashes, new})
        sentence = f"This {WORDS[kind]} ({kind}) does not count as private from now on."
    return _tell(args, sentence, allowed=len({*hashes, new}), type=kind.value)


def _remove(
    args: argparse.Namespace, log: LogSettings, detector: Detector, kind: Kind | None, value: str
) -> int:
    """Whatever it was allowed as: who takes it back need not remember."""
    key = load_key(log.privacy_key)
    meant = [(each, value) for each in (Kind if kind is None else (kind,))]
    if kind is None:
        meant += _values(detector, value)
    hashes = load_allowed(log.allowed_values)
    kept = hashes - {value_hash(key, *each) for each in meant}
    if kept == hashes:
        _tell(args, "This value is not in the list.", allowed=len(hashes))
        return 1
    _save(log, kept)
    return _tell(args, "This value counts as private again.", allowed=len(kept))


def _meant(detector: Detector, kind: Kind | None, value: str) -> tuple[Kind, str]:
    """Which value, and as what. Raises NotOneValue, whose words do not quote it."""
    if kind is not None:
        if not normalise(kind, value):
            raise NotOneValue(f"That is no {WORDS[kind]}.")
        return kind, value
    found = _values(detector, value)
    if not found:
        raise NotOneValue(
            "Nothing private is found in that, so there is nothing to allow.",
            "Where it is found in a longer text, say with --kind what it is.",
        )
    if len(found) > 1:
        names = ", ".join(each.value for each, _ in found)
        raise NotOneValue(f"Several values are found in that: {names}.", "Allow one at a time.")
    return found[0]


def _values(detector: Detector, text: str) -> list[tuple[Kind, str]]:
    """Each value once, as it is spelled first."""
    found: dict[tuple[Kind, str], str] = {}
    for span in detector.find(text):
        value = text[span.start : span.end]
        found.setdefault((span.kind, normalise(span.kind, value)), value)
    return [(kind, value) for (kind, _), value in found.items()]


def _read_value() -> str:
    if sys.stdin.isatty():
        value = getpass("Value (not shown): ")
    else:
        value = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not value.strip():
        raise ConfigError("No value was given.", "It is read from stdin, or typed at the prompt.")
    return value.strip()


def _save(log: LogSettings, hashes: Iterable[str]) -> None:
    try:
        save_allowed(log.allowed_values, hashes)
    except OSError as error:
        raise ConfigError(f"{log.allowed_values} cannot be written: {error.strerror}.") from error


def _tell(args: argparse.Namespace, sentence: str, **facts: int | str) -> int:
    print(json.dumps(facts) if args.json else sentence)
    return 0
