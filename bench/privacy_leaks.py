"""Whether anything private reaches xAI in ten thousand turns, of which half must not leave at all.

    python bench/privacy_leaks.py [--turns 10000] [--seed 1] [--modes local scrub]

Generated requests of Open WebUI (tests/privacy) go through the real manifold, with failing servers,
retries, fallbacks, a cache, answers begun ahead, and `/cloud` in a third of the turns. Every byte
that reached xAI, headers included, is searched for the values of all turns in all their forms. A
tenth of the turns holds nothing private and has to arrive, which proves that somebody listens. The
same values go through the query cleaner of the search as well.

Data on stdout, progress on stderr. Exit code 1 when a value was found, when a HARD turn left, when
a harmless one did not, or when a placeholder was shown. A turn that may leave and stayed because of
a failing server decides nothing; the log says why.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from _leak_audit import Audit, Leak
from _leak_house import LeakHouse
from tests.privacy.generate import PrivateTurn
from tests.privacy.mixed_turns import HARMLESS, mixed, tier_of

from hal.privacy.detect import Detector
from hal.privacy.kinds import Kind, Tier
from hal.privacy.name_lists import NameLists
from hal.privacy.queries import clean_query

BATCH = 250
# Asked a second time, beside the harmless ones, of which the cache has something to give back.
AGAIN = 10
SHOWN_LEAKS = 40
COLUMNS = (Tier.HARD, Tier.CONTACT, Tier.SOFT, None)


@dataclass(slots=True)
class Result:
    """One mode. `left` counts turns by position and tier, `values` are those of all turns."""

    turns: Counter[tuple[str, Tier | None]] = field(default_factory=Counter)
    left: Counter[tuple[str, Tier | None]] = field(default_factory=Counter)
    whose: list[PrivateTurn] = field(default_factory=list)
    values: list[tuple[Kind, str]] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    stayed: Counter[str] = field(default_factory=Counter)
    shown: int = 0
    sent: int = 0

    def left_of(self, tier: Tier | None) -> int:
        return sum(n for (_, whose), n in self.left.items() if whose is tier)

    def turns_of(self, tier: Tier | None) -> int:
        return sum(n for (_, whose), n in self.turns.items() if whose is tier)


def play(mode: str, turns: Sequence[PrivateTurn], began: float) -> Result:
    """Half of the turns with a cache, half without; then one audit of all that left."""
    result, sent = Result(), []
    halves = (turns[0::2], turns[1::2])
    for half, cache in zip(halves, (True, False), strict=True):
        with LeakHouse(mode, cache=cache) as house:
            for start in range(0, len(half), BATCH):
                batch = half[start : start + BATCH]
                house.ask(batch, [*batch[:AGAIN], *(turn for turn in batch if not turn.values)])
                say(f"{mode}, cache {cache}: {start + len(batch):,} of {len(half):,}", began)
            count(result, half, house, mode)
            result.happened += house.finish()
            result.shown += house.heard.shown
            sent += house.heard.sent
    result.sent = len(sent)
    say(f"{mode}: searching {len(sent):,} requests", began)
    result.leaks = Counter(words_of(leak, result) for leak in Audit(result.values).leaks(sent))
    return result


def count(result: Result, turns: Iterable[PrivateTurn], house: LeakHouse, mode: str) -> None:
    for turn in turns:
        where = (turn.position, tier_of(turn))
        left = house.has_heard_of(turn)
        result.turns[where] += 1
        result.left[where] += left
        if not left and _may_leave(*where, mode):
            result.stayed[house.why_not(turn)] += 1
        for value in turn.values:
            result.whose.append(turn)
            result.values.append(value)


def words_of(leak: Leak, result: Result) -> str:
    """What leaked from where; never the value."""
    turn = result.whose[leak.number]
    return f"{leak.hit.kind} ({turn.sort}, {turn.language}) {turn.position}, {leak.hit.how}"


def without_names(result: Result) -> None:
    """In local mode a lone name leaves as it is, by design."""
    for words in [words for words in result.leaks if words.startswith(Kind.PERSON)]:
        del result.leaks[words]


def report(mode: str, result: Result) -> bool:
    """Print it; whether all is well."""
    print(f"\n{mode}: {sum(result.turns.values()):,} turns, {result.sent:,} requests reached xAI")
    print(f"  {'turns that left':24}" + "".join(f"{name:>16}" for name in _titles()))
    for position in sorted({position for position, _ in result.turns}):
        cells = (_cell(result, position, tier) for tier in COLUMNS)
        print(f"  {position:24}" + "".join(f"{cell:>16}" for cell in cells))
    print("  " + ", ".join(f"{name} {n:,}" for name, n in sorted(result.happened.items())))
    silent = result.turns_of(None) - result.left_of(None)
    # The row comes first: one whose request was not made after it is no leak.
    rows = max(0, result.happened["requests"] - result.happened["egress rows"])
    print(f"  values found: {sum(result.leaks.values())}")
    for words, times in result.leaks.most_common(SHOWN_LEAKS):
        print(f"    {times} x {words}")
    print(f"  HARD turns that left: {result.left_of(Tier.HARD)}")
    print(f"  harmless turns that did not arrive: {silent}")
    print(f"  placeholders shown: {result.shown}; requests without an egress row: {rows}")
    print(f"  turns that may leave and stayed: {result.stayed.total()}")
    for words, times in result.stayed.most_common():
        print(f"    {times} x {words}")
    return not (result.leaks or result.left_of(Tier.HARD) or silent or result.shown or rows)


def _may_leave(position: str, tier: Tier | None, mode: str) -> bool:
    """Tasks never leave, and a tool round goes on where its turn began: here, in these chats."""
    if position.endswith("task") or position.startswith("tool "):
        return False
    return tier in (None, Tier.SOFT) or (mode == "scrub" and tier is Tier.CONTACT)


def _titles() -> list[str]:
    return [tier.name.lower() if tier else HARMLESS for tier in COLUMNS]


def _cell(result: Result, position: str, tier: Tier | None) -> str:
    turns = result.turns[position, tier]
    return f"{result.left[position, tier]:,} of {turns:,}" if turns else ""


def check_queries(turns: Iterable[PrivateTurn]) -> bool:
    """What the cleaner leaves of the texts that hold a value, as if each were searched for."""
    detector, values, queries = Detector(NameLists.load()), [], []
    for turn in turns:
        for value in turn.values:
            values.append(value)
            text = next(text for text in _texts(turn) if value[1] in text)
            queries.append(clean_query(text, detector.find(text)))
    leaks = Audit(values).leaks(query.encode() for query in queries)
    left = Counter(f"{leak.hit.kind}, {leak.hit.how}" for leak in leaks)
    empty = sum(not query for query in queries)
    print(f"\nqueries: {len(queries):,}, {empty:,} of them empty; values left: {left.total()}")
    for words, times in left.most_common():
        print(f"    {times} x {words}")
    return not left


def _texts(turn: PrivateTurn) -> Iterable[str]:
    for message in turn.turn.messages:
        content = message["content"]
        yield from [content] if isinstance(content, str) else (p.get("text", "") for p in content)
        for call in message.get("tool_calls", ()):
            yield from json.loads(call["function"]["arguments"]).values()


def say(words: str, began: float) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {words}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=10_000, help="in each mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modes", nargs="*", default=["local", "scrub"])
    options = parser.parse_args()
    turns = list(itertools.islice(mixed(options.seed), options.turns))
    fine = True
    for mode in options.modes:
        began = time.monotonic()
        result = play(mode, turns, began)
        if mode == "local":
            without_names(result)
        fine &= report(mode, result)
        print(f"  {time.monotonic() - began:.0f} s")
    fine &= check_queries(turns)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
