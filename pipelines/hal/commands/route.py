"""`hal route --jsonl`: decide prompts without answering them, line by line.

One line in, one line out, flushed, so that a caller can keep one process open. Nothing is logged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from ..errors import ProviderError
from ..openwebui import read_turn
from ..routing.decide import decide, default_decision
from ..routing.rules import decide_by_rules
from ..runtime import Runtime
from ..types import Decision
from .core import running_core


def run(args: argparse.Namespace) -> int:
    """0 when every line was decided by a rule or the classifier, 1 when some were not."""
    failed = 0
    with running_core(args.model, args.engine) as runtime:
        # Loading and calibrating belong to no prompt, and take up none of its time.
        runtime.submit(runtime.warmed()).result()
        for line in sys.stdin:
            if line.strip():
                answer = _line(runtime, line, args.deadline)
                failed += "error" in answer
                print(json.dumps(answer), flush=True)
    if failed:
        print(f"hal route: {failed} line(s) could not be decided", file=sys.stderr)
    return 1 if failed else 0


def _line(runtime: Runtime, line: str, deadline_s: float) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        identity, text = asked["id"], asked["text"]
    except (ValueError, KeyError, TypeError):
        return {"id": None, "error": 'a line is {"id": ..., "text": "..."}'}
    decision: Decision = runtime.submit(_decide(runtime, str(text), deadline_s)).result()
    answer = {
        "id": identity,
        "route": decision.route,
        "confidence": round(decision.confidence, 4),
        "p": {name: round(p, 4) for name, p in decision.probabilities.items()},
        "latency_ms": round(decision.latency_ms, 1),
    }
    return {**answer, "error": decision.reason} if decision.degraded else answer


async def _decide(runtime: Runtime, text: str, deadline_s: float) -> Decision:
    services = await runtime.services()
    turn = read_turn({"stream": False}, [{"role": "user", "content": text}])
    ruled = decide_by_rules(turn, None)
    if ruled is not None:
        return ruled
    try:
        async with asyncio.timeout(deadline_s):
            verdict = await services.classifier.classify(turn)
    except TimeoutError:
        return default_decision("classifier_timeout", f"no decision within {deadline_s:g} s")
    except ProviderError as error:
        return default_decision(f"classifier_{error.code}", error.sentence)
    return decide(verdict, None, services.settings.routing)
