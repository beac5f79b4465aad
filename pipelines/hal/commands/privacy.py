"""`hal privacy scan|scrub|restore|allow`: the detector and the tokens, by hand.

Values are shown only when asked for. Knows no rule; what is private is known to `hal.privacy`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, HalError
from ..privacy.detect import Detector
from ..privacy.kinds import Span, Tier
from ..privacy.name_lists import NameLists
from .privacy_allow import allow
from .privacy_tokens import restore, scrub


def run(args: argparse.Namespace) -> int:
    """What the exit code means stands in the help of each action."""
    detector = Detector(NameLists.load())
    if args.action == "scrub":
        return scrub(detector, args.chat, args.map)
    if args.action == "restore":
        return restore(args.map)
    if args.action == "allow":
        return allow(detector, args)
    if args.jsonl:
        return _scan_lines(detector, args)
    return _scan_text(detector, args)


def _scan_lines(detector: Detector, args: argparse.Namespace) -> int:
    """0 when every line could be read, 1 when some could not."""
    if args.file is not None or args.json:
        raise ConfigError(
            "--jsonl reads stdin and writes JSON lines.", "Leave FILE and --json out."
        )
    failed = 0
    for line in sys.stdin.buffer:
        if line.strip():
            answer = _answer(detector, line, show_values=args.show_values)
            failed += "error" in answer
            print(json.dumps(answer), flush=True)
    if failed:
        print(f"hal privacy scan: {failed} line(s) could not be read", file=sys.stderr)
    return 1 if failed else 0


def _answer(detector: Detector, line: bytes, *, show_values: bool) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    identity = asked.get("id") if isinstance(asked, dict) else None
    text = asked.get("text") if isinstance(asked, dict) else None
    if not isinstance(text, str):
        return {"id": identity, "error": 'a line is {"id": ..., "text": "..."}'}
    try:
        spans = detector.find(text)
    except HalError as error:
        return {"id": identity, "error": error.sentence}
    return {"id": identity, "spans": [_shown(text, span, show_values) for span in spans]}


def _scan_text(detector: Detector, args: argparse.Namespace) -> int:
    """0 when nothing was found that keeps the text here, 1 otherwise."""
    text = _text(args.file)
    spans = detector.find(text)
    if args.json:
        print(json.dumps({"spans": [_shown(text, span, args.show_values) for span in spans]}))
    else:
        _print_table(text, spans, show_values=args.show_values)
    return int(any(span.tier >= Tier.CONTACT for span in spans))


def _text(file: str | None) -> str:
    """As it is, line ends included: offsets must fit the file."""
    try:
        raw = sys.stdin.buffer.read() if file in (None, "-") else Path(str(file)).read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    return raw.decode("utf-8", "replace")


def _shown(text: str, span: Span, show_values: bool) -> dict[str, Any]:
    shown = {
        "start": span.start,
        "end": span.end,
        "type": span.kind.value,
        "tier": span.tier.name.lower(),
    }
    return {**shown, "value": text[span.start : span.end]} if show_values else shown


def _print_table(text: str, spans: Sequence[Span], *, show_values: bool) -> None:
    for span in spans:
        value = f"  {text[span.start : span.end]!r}" if show_values else ""
        print(f"{span.start:>8} {span.end:>8}  {span.kind:<12} {span.tier.name.lower():<8}{value}")
    counts = Counter(span.kind.value for span in spans)
    total = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    print(f"found: {total}" if total else "found nothing")
