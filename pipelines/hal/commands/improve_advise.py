"""`hal improve advise`: rules for the prompts of a search, proposed here and approved by a person.

Says before and after what is measured and what cannot be. Knows arguments and words; the guards and
the counting stand in `hal.lab.improve`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ..enrichment.asked import SCHEMA, RewritePrompt
from ..lab.improve.advice import accepted, told
from ..lab.improve.guards import RULE_GUARDS, Gatekeeper
from ..lab.improve.lookups import Lookup, Written, failures, lookups, objection, written
from ..lab.improve.outcome import diff
from ..lab.improve.proposers.reflector import BULLETS
from ..live_prompts import REWRITE
from ..prompt_versions import Manifest, VersionStore, version_of
from ..prompts import Prompt, load_prompt, parse_prompt
from ..runtime import Runtime
from ..services import ClassifierCalls, Services
from ..sessions.reader import SessionReader
from ..types import Message, Turn
from .core import running_core
from .improve_reflector import Wait, local_reflector
from .improve_run import find_private, windows
from .stored import settings_in_force

NOT_MEASURED: Mapping[str, str] = {
    "grounded": "Not measured: the log keeps no pages, so no answer can be written again.",
    "rewrite": "Not measured: what another query would have found, the log cannot know.",
}
LEAKS = "Of its queries none held what is private in {private} of {n} messages."


@dataclass(frozen=True, slots=True)
class Advice:
    """What came of it. `objection`: why nothing is staged although a rule passed the guards."""

    prompt: Prompt
    text: str
    refused: Mapping[str, str]
    measured: tuple[Written, Written] | None = None

    @property
    def objection(self) -> str:
        if self.text == self.prompt.text:
            return "No rule is left."
        why = objection(*self.measured) if self.measured else ""
        return f"Refused: {why}." if why else ""

    @property
    def note(self) -> str:
        """For the manifest, and for whoever has to approve it."""
        after = self.measured[1] if self.measured else None
        seen = f" {LEAKS.format(private=after.private, n=after.n)}" if after else ""
        return f"{NOT_MEASURED[self.prompt.name]}{seen}"


def advise(args: argparse.Namespace) -> int:
    """0 when a version was staged, else 1. Raises ConfigError, LogUnreadable, ProviderError."""
    settings = settings_in_force(os.environ)
    store = VersionStore(settings.log.prompt_versions)
    found = lookups(SessionReader(settings.log.database)) if settings.log.database.exists() else []
    print(f"{len(found)} searches in the log. {NOT_MEASURED[args.prompt]}", file=sys.stderr)
    prompt = store.load(args.prompt, store.pointer(args.prompt).active)
    if args.rule and args.prompt != REWRITE:  # nobody has to be asked
        advice = _judged(prompt, args.rule, found)
    else:
        with running_core(args.model, args.engine) as runtime:
            advice = _with_models(args, runtime, prompt, found)
    staged = "" if advice.objection else _stage(store, advice, by_hand=bool(args.rule))
    _tell(advice, staged, as_json=args.json)
    return 0 if staged else 1


def _with_models(
    args: argparse.Namespace, runtime: Runtime, prompt: Prompt, found: Sequence[Lookup]
) -> Advice:
    services: Services = runtime.submit(runtime.services()).result()

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return runtime.submit(work).result()

    rules = args.rule or _proposed(services, wait, prompt, found)
    advice = _judged(prompt, rules, found)
    if prompt.name != REWRITE or advice.text == prompt.text:
        return advice
    new = parse_prompt(prompt.name, advice.text)
    before, after = (wait(_written(services, one, found)) for one in (prompt, new))
    return Advice(prompt, advice.text, advice.refused, (before, after))


def _judged(prompt: Prompt, rules: Sequence[str], found: Sequence[Lookup]) -> Advice:
    said = [one.question for one in found if one.question]
    return Advice(
        prompt, *accepted(prompt, rules, Gatekeeper.of(said, find_private(), RULE_GUARDS))
    )


def _proposed(
    services: Services, wait: Wait, prompt: Prompt, found: Sequence[Lookup]
) -> Sequence[str]:
    """By the local model, which sees the prompt and numbers, and no text of anybody."""
    reflect = local_reflector(services, services.settings.local.model, wait)
    failed = told(failures(prompt.name, found), len(found))
    asked = load_prompt("reflect_advice").render(instructions=prompt.body, failures=failed)
    bullets = reflect(asked, BULLETS).get("bullets")
    return [str(one) for one in bullets] if isinstance(bullets, list) else []


async def _written(services: Services, prompt: Prompt, found: Sequence[Lookup]) -> Written:
    settings = services.settings
    calls = ClassifierCalls(services.models, settings.local.keep_alive)
    asking, reads = RewritePrompt.from_prompt(prompt), windows(settings)
    today = datetime.now(UTC).date()

    async def write(question: str) -> Mapping[str, object]:
        turn = Turn("", (Message("user", question),), question)
        messages = asking.messages(turn, today, reads.reads_tokens)
        return await calls.structured(reads.model, messages, SCHEMA, num_ctx=reads.num_ctx)

    return await written(found, find_private(), write)


def _stage(store: VersionStore, advice: Advice, *, by_hand: bool) -> str:
    """Kept, and not in force."""
    scores = {} if advice.measured is None else {"queries": asdict(advice.measured[1])}
    manifest = Manifest(
        parent=version_of(advice.prompt.text),
        at=time.time(),
        proposer="a person" if by_hand else "advise",
        note=advice.note,
        scores=scores,
    )
    return store.stage(advice.prompt.name, advice.text, manifest)


def _tell(advice: Advice, staged: str, *, as_json: bool) -> None:
    if not as_json:
        for line in _lines(advice, staged):
            print(line)
        return
    measured = [asdict(one) for one in advice.measured or ()]
    told_ = {"prompt": advice.prompt.name, "version": staged, "note": advice.note}
    print(json.dumps({**told_, "refused": advice.refused, "queries": measured}))


def _lines(advice: Advice, staged: str) -> Iterator[str]:
    name = advice.prompt.name
    for rule, reason in advice.refused.items():
        # What was refused may hold what nobody should read again.
        yield f"refused: a rule of {len(rule)} characters: {reason}"
    if advice.objection:
        yield advice.objection
        return
    yield from diff(advice.prompt.text, advice.text, advice.prompt.id, staged)
    yield advice.note
    yield "Read the change: only you can say whether it is better."
    yield f"To put it in force: hal improve apply {staged} --approve {name} --yes"
