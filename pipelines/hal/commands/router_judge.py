"""`hal router judge`: has the local model, or a person, compare the answers of shadow pairs.

Wires the log, the model and the words together, and writes one score for each pair as soon as there
is one, so that it may be ended at any time. The verdicts are `lab.router.judge`'s, what they are
worth is `lab.router.judging`'s.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import time
from dataclasses import dataclass, field, replace

import aiohttp

from ..database import transaction
from ..errors import BadReply, HalError
from ..gateway.providers.local_servers import LocalServers
from ..lab.router.judge import PROMPT, Judge
from ..lab.router.judging import PairScore
from ..lab.router.shadow_pairs import AnswerPair, answer_pairs, pair_scores, score_row
from ..prompts import Prompt, load_prompt
from ..services import ClassifierCalls
from ..sessions.own_connection import writing
from ..sessions.reader import SessionReader
from ..sessions.record import PromptVersionRow, Row
from ..sessions.signals import Origin
from ..sessions.statements import save
from ..settings import Settings
from .core import engine_for
from .router_judge_report import Judged, tell
from .router_rate import rate
from .stored import settings_in_force

# Nobody waits in a chat: a small machine may read two long answers for minutes.
PATIENCE_S = 600.0
# Without a bar: often enough to see that it goes on.
SECONDS_BETWEEN_LINES = 10.0
NO_PAIRS = (
    "There is no pair to judge yet. Set SHADOW_SHARE (0.1, say): then so many turns that may leave "
    "are answered by the other model as well."
)


def run(args: argparse.Namespace) -> int:
    """0 when pairs are judged, or were before; 1 when there are none."""
    settings = settings_in_force(os.environ)
    reader = SessionReader(settings.log.database)
    pairs = answer_pairs(reader)
    if not pairs:
        _say(NO_PAIRS)
        return 1
    judged = _rate(args, settings, pairs) if args.human else _judge(args, settings, pairs)
    tell(judged, pair_scores(reader), as_json=args.json)
    return 1 if judged.problem else 0


@dataclass(slots=True)
class _Progress:
    """Lines on stderr, with what is left at the speed until now."""

    total: int
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def done(self, count: int) -> None:
        now = time.monotonic()
        if now - self.said < SECONDS_BETWEEN_LINES:
            return
        self.said = now
        left_min = (now - self.began) / count * (self.total - count) / 60
        _say(f"{count} of {self.total} pairs judged, about {left_min:.0f} min left")


def _judge(args: argparse.Namespace, settings: Settings, pairs: list[AnswerPair]) -> Judged:
    """No runtime: a classifier that warms up would be in the judge's way."""
    known = pair_scores(SessionReader(settings.log.database))
    with engine_for(args.model, args.engine) as served:
        return asyncio.run(_judge_new(served, pairs, known, args.limit))


async def _judge_new(
    settings: Settings, pairs: list[AnswerPair], known: list[PairScore], limit: int | None
) -> Judged:
    async with aiohttp.ClientSession() as http:
        patient = replace(settings.local, first_token_s=PATIENCE_S)
        servers = LocalServers(patient, http)
        try:
            judge = _judge_of(settings, servers)
            version = await judge.version()
            done = {score.turn_id for score in known if score.source_version == version}
            missing = [pair for pair in pairs if pair.turn_id not in done]
            new = missing[:limit]
            _say(f"{len(pairs)} pairs in the log, {len(missing)} of them not judged yet.")
            if new:
                _say(f"{len(new)} are judged now: {2 * len(new)} calls to {judge.name}.")
            return await _judge_all(settings, new, judge, version)
        finally:
            await servers.close()


def _judge_of(settings: Settings, servers: LocalServers) -> Judge:
    """The local model, in the window that it has in service: no second load."""
    calls = ClassifierCalls(servers.main, settings.local.keep_alive)
    model = settings.local.model
    return Judge(calls, model, load_prompt(PROMPT), settings.window_tokens(model))


async def _judge_all(
    settings: Settings, pairs: list[AnswerPair], judge: Judge, version: str
) -> Judged:
    judged = Judged(version=version, who=Origin.JUDGE)
    progress = _Progress(len(pairs))
    with writing(settings.log.database) as log:
        if pairs:
            _write(log, _prompt_row(judge.prompt))
        for count, pair in enumerate(pairs, 1):
            try:
                verdict = await judge.verdict(pair)
            except BadReply:
                judged.unreadable += 1
                continue
            except HalError as error:
                judged.problem = error.sentence
                break
            _write(log, score_row(pair, verdict, Origin.JUDGE, version, time.time()))
            judged.labels[verdict.label] += 1
            progress.done(count)
    return judged


def _rate(args: argparse.Namespace, settings: Settings, pairs: list[AnswerPair]) -> Judged:
    """Those that a judge has judged come first: they are what it can be measured by."""
    scores = pair_scores(SessionReader(settings.log.database))
    rated = {score.turn_id for score in scores if score.source == Origin.HUMAN}
    by_judge = {score.turn_id for score in scores if score.source == Origin.JUDGE}
    new = [pair for pair in pairs if pair.turn_id not in rated]
    new.sort(key=lambda pair: pair.turn_id not in by_judge)
    judged = Judged(version="", who=Origin.HUMAN)
    _say(f"{len(pairs)} pairs in the log, {len(new)} of them not rated by a person yet.")
    with writing(settings.log.database) as log:
        for pair, verdict in rate(new[: args.limit], sys.stdin, sys.stderr):
            _write(log, score_row(pair, verdict, Origin.HUMAN, "", time.time()))
            judged.labels[verdict.label] += 1
    return judged


def _write(log: sqlite3.Connection, row: Row) -> None:
    with transaction(log):
        save(log, row)


def _prompt_row(prompt: Prompt) -> PromptVersionRow:
    return PromptVersionRow(
        id=prompt.id,
        name=prompt.name,
        version=prompt.version,
        sha256=prompt.sha256,
        text=prompt.text,
        first_seen=time.time(),
    )


def _say(note: str) -> None:
    print(note, file=sys.stderr, flush=True)
