"""`hal route --jsonl`: decide prompts without answering them, line by line.

One line in, one line out, flushed, so that a caller can keep one process open. Nothing is logged.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..decision import ask_classifier, ask_learned
from ..openwebui import read_turn
from ..routing.rules import decide_by_rules
from ..runtime import Runtime
from ..types import Decision
from .core import running_core


def run(args: argparse.Namespace) -> int:
    """0 when every line was decided by somebody, 1 when some were not."""
    failed = 0
    with running_core(args.model, args.engine) as runtime:
        # Loading and calibrating belong to no prompt, and take up none of its time.
        runtime.submit(runtime.warmed()).result()
        for line in sys.stdin:
            if line.strip():
                answer = _line(runtime, line, args)
                failed += "error" in answer
                print(json.dumps(answer), flush=True)
    if failed:
        print(f"hal route: {failed} line(s) could not be decided", file=sys.stderr)
    return 1 if failed else 0


def _line(runtime: Runtime, line: str, args: argparse.Namespace) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        identity, text = asked["id"], asked["text"]
    except (ValueError, KeyError, TypeError):
        return {"id": None, "error": 'a line is {"id": ..., "text": "..."}'}
    decision: Decision = runtime.submit(
        _decide(runtime, str(text), args.deadline, classifier_alone=args.classifier)
    ).result()
    answer = {
        "id": identity,
        "route": decision.route,
        "confidence": round(decision.confidence, 4),
        "source": decision.source,
        "p": {name: round(p, 4) for name, p in decision.probabilities.items()},
        "p_local_ok": None if decision.p_local_ok is None else round(decision.p_local_ok, 4),
        "latency_ms": round(decision.latency_ms, 1),
    }
    return {**answer, "error": decision.reason} if decision.degraded else answer


async def _decide(
    runtime: Runtime, text: str, deadline_s: float, *, classifier_alone: bool
) -> Decision:
    services = await runtime.services()
    turn = read_turn({"stream": False}, [{"role": "user", "content": text}])
    ruled = decide_by_rules(turn, None)
    if ruled is not None:
        return ruled
    boundary, decision = (None, None) if classifier_alone else ask_learned(turn, services, None)
    return decision or await ask_classifier(turn, services, None, boundary, deadline_s)
