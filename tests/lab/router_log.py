"""A log with a known truth: the words of a question decide what the local model can answer.

Hard words make the local model fail most of the time; news words need a search. Everything else
is noise, and with `learnable=False` all of it. Hard questions are a word longer, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hal.sessions.columns import AnyRow
from hal.sessions.database import open_for_writing
from hal.sessions.record import ContentRow, ScoreRow, ShadowContentRow, ShadowRow, TurnRow
from hal.sessions.statements import save

BEGIN = 1_790_000_000.0  # 2026-09-21
LOCAL, CLOUD = "nemotron-3-nano:30b", "grok-4.3"
EASY = (
    "name",
    "colour",
    "capital",
    "city",
    "greeting",
    "food",
    "spelling",
    "animal",
    "day",
    "song",
)
HARD = (
    *("prove", "derive", "integral", "topology", "quantum", "compiler", "lemma", "theorem"),
    *("kernel", "asymptotic"),
)
NEWS = ("weather", "price", "election", "score", "headline", "traffic", "stock", "forecast")
FILLER = (
    *("what", "how", "tell", "please", "about", "with", "would", "some", "more", "again", "short"),
    *("my", "the", "for", "school", "friend", "table", "garden", "paper", "window", "monday"),
)
GOOD = "The answer is {n}. It follows from {n} + 1 = {m}."
BAD = "I think it might be {n}, but maybe 2 + {n} = {n}, sorry, I am not sure"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so of one turn."""

    text: str
    is_hard: bool
    needs_search: bool
    local_ok: bool
    cloud_ok: bool
    answer: str


@dataclass(frozen=True, slots=True)
class World:
    """How a log comes about. Shares are 0..1; `judge`: who judged the pairs, "" for people, who
    rated the share `checked` of a judge's pairs as well.
    """

    turns: int = 800
    pairs: float = 1.0
    seed: int = 0
    learnable: bool = True
    per_chat: int = 2
    explored: float = 0.0
    ratings: float = 0.0
    judge: str = ""
    checked: float = 0.0


def truths(world: World) -> Iterator[Truth]:
    random = np.random.default_rng(world.seed)
    for at in range(world.turns):
        is_hard, is_news = bool(random.random() < 0.4), bool(random.random() < 0.12)
        words = [*random.choice(FILLER, 5 + is_hard + random.integers(8))]
        words += [*random.choice(HARD if is_hard else EASY, 3)]
        words += [*random.choice(NEWS, 2)] if is_news else []
        text = " ".join(map(str, random.permutation(words))) + f" {at}?"
        knows = is_hard if world.learnable else random.random() < 0.4
        local = bool(random.random() < (0.25 if knows else 0.93))
        cloud = bool(random.random() < 0.95)
        answer = (GOOD if local else BAD).format(n=at, m=at + 1)
        yield Truth(text, is_hard, is_news, local, cloud, answer)


def rows(world: World) -> Iterator[AnyRow]:
    """Every row of the log, oldest turn first."""
    random = np.random.default_rng(world.seed + 1)
    for at, truth in enumerate(truths(world)):
        # Half of the turns are an hour apart, so that conversations follow each other.
        started = BEGIN + 1800.0 * at
        p_hard = float(
            np.clip((0.75 if truth.is_hard else 0.15) + random.normal(0, 0.12), 0.02, 0.98)
        )
        search = 0.9 if truth.needs_search else 0.04
        leaves = p_hard > 0.6 and not truth.needs_search
        propensity = 1.0
        if world.explored:
            flips = random.random() < world.explored
            leaves, propensity = leaves != flips, world.explored if flips else 1 - world.explored
        yield from _turn(world, random, truth, at, started, p_hard, search, leaves, propensity)


def _turn(
    world: World,
    random: np.random.Generator,
    truth: Truth,
    at: int,
    started: float,
    p_hard: float,
    search: float,
    leaves: bool,
    propensity: float,
) -> Iterator[AnyRow]:
    name = f"t{at:05}"
    easy = (1 - p_hard) * 0.6
    difficulty = {"SIMPLE": easy, "MODERATE": 1 - p_hard - easy, "COMPLEX": p_hard}
    route = "ENRICH" if truth.needs_search else "COMPLEX" if leaves else "MODERATE"
    yield TurnRow(
        id=name,
        started_at=started,
        chat_id=f"c{at // world.per_chat:05}",
        route=route,
        source="classifier",
        confidence=max(difficulty.values()),
        needs_search=search,
        probabilities={**{k: v * (1 - search) for k, v in difficulty.items()}, "ENRICH": search},
        provider="xai" if leaves else "ollama",
        model=CLOUD if leaves else LOCAL,
        leaves_machine=leaves,
        outcome="done",
        finish_reason="stop",
        classify_ms=float(random.gamma(8, 40)),
        cost_usd=0.004 if leaves else 0.0,
        cloud_cost_usd=0.004,
        propensity=propensity,
    )
    answer = "From the cloud." if leaves else truth.answer
    yield ContentRow(turn_id=name, created_at=started, question=truth.text, answer=answer)
    if not truth.needs_search and random.random() < world.pairs:
        yield from _pair(world, truth, name, started, leaves)
    if random.random() < world.ratings:
        is_good = truth.cloud_ok if leaves else truth.local_ok
        yield ScoreRow(
            id=f"{name}-thumb",
            turn_id=name,
            created_at=started + 60,
            name="user_thumb",
            value=1.0 if is_good else -1.0,
            source="human",
        )


def _pair(world: World, truth: Truth, name: str, started: float, leaves: bool) -> Iterator[AnyRow]:
    yield ShadowRow(
        id=f"{name}-shadow",
        turn_id=name,
        created_at=started + 30,
        reason="anchor",
        propensity=0.2,
        provider="ollama" if leaves else "xai",
        model=LOCAL if leaves else CLOUD,
        leaves_machine=not leaves,
        outcome="done",
    )
    shown = truth.answer if leaves else "From the cloud."
    yield ShadowContentRow(shadow_id=f"{name}-shadow", created_at=started + 30, answer=shown)
    label = {(1, 1): "tie", (0, 0): "tie", (1, 0): "local", (0, 1): "cloud"}[
        int(truth.local_ok), int(truth.cloud_ok)
    ]
    sources = ["judge"] if world.judge else ["human"]
    # By the number of the turn, so that a judge changes nothing else in the log.
    if world.judge and int(name[1:]) % 100 < 100 * world.checked:
        sources.append("human")
    for source in sources:
        yield ScoreRow(
            id=f"{name}-{source}",
            turn_id=name,
            created_at=started + 40,
            name="judge_pair",
            value=-1.0 if label == "cloud" else 1.0,
            label=label,
            source=source,
            source_version=world.judge if source == "judge" else "",
        )


def write(path: Path, world: World) -> Path:
    """The log as a file; rows are written as the recorder does."""
    with closing(open_for_writing(path, 5.0)) as connection:
        connection.execute("BEGIN")
        for row in rows(world):
            save(connection, row)
        connection.execute("COMMIT")
    return path
