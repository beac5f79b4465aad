"""The loop, stage by stage: collect, mine, propose, evaluate, gate, stage.

Each stage writes what it has done and is skipped when a run is gone on with. Nothing goes live here
but thresholds, and those only when asked for. The order is the point: the prompts are tried on what
may be seen, and the unseen cases are opened once, for the finalists together, after the ledger has
noted it. Knows stages, and none from the inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from ...errors import ConfigError
from ...prompts import parse_prompt
from . import mine
from .cases import Case, Sides
from .collect import Collected, collect
from .folder import RunFolder
from .gate import judge, missing_cases
from .guards import Gatekeeper
from .mine import Failure
from .options import FINALISTS, Options, Tools
from .outcome import Outcome, Result
from .pins import with_pins
from .proposers.choice import chosen, search
from .proposers.problem import Attempt, Problem, Tree
from .proposers.reflector import Latch
from .replay import PromptPair, pairs
from .replies import BudgetSpent
from .split import split
from .staging import Stage
from .trial import Trial

# Of the calls, what the cheap proposers may take before the thorough one gets the rest.
CHEAP_SHARE = 0.25
_CHEAP = frozenset({"thresholds", "demonstrations", "rules"})


class Loop:
    """One run. Raises ConfigError, LogUnreadable, ProviderError, ReflectionFailed; a run that has
    raised can be gone on with."""

    def __init__(self, options: Options, folder: RunFolder, tools: Tools) -> None:
        self._options, self._folder, self._tools = options, folder, tools
        self._calls: dict[str, int] = {}

    def run(self) -> Outcome:
        options, tools = self._options, self._tools
        self._begin()
        outcome = self._collected()
        if self._ends_after("collect") or not outcome.sides.seen:
            return replace(outcome, stopped_after="collect")
        outcome = self._mined(outcome)
        if self._ends_after("mine"):
            return replace(outcome, stopped_after="mine", calls=self._calls)
        outcome = self._proposed(outcome)
        missing = missing_cases(len(outcome.sides.test), len(outcome.sides.test))
        outcome = replace(outcome, missing=missing, calls=self._calls)
        finalists = _finalists(outcome.tree)
        if self._ends_after("propose") or missing or not finalists:
            return replace(outcome, stopped_after="propose")
        trials = self._evaluated(outcome.sides, finalists)
        verdicts = judge(trials, options.seed)
        tools.say(f"The gate has judged {len(verdicts)} proposal(s).")
        results = [Result(*one) for one in zip(finalists, trials, verdicts, strict=True)]
        if not self._ends_after("evaluate", "gate"):
            stage = Stage(options, self._folder.run_id, tools)
            results = [stage.staged(one, outcome.sides) for one in results]
        self._folder.write("verdicts", [asdict(verdict) for verdict in verdicts])
        return replace(outcome, results=tuple(results), calls=self._calls)

    def _ends_after(self, *stages: str) -> bool:
        return self._options.until in stages

    def _begin(self) -> None:
        """A run belongs to one prompt and one model: what was measured is of no use to others."""
        now = {
            "name": self._options.name,
            "prompts": [
                p.sha256 for p in (self._tools.prompts.classify, self._tools.prompts.search_need)
            ],
            "digest": self._tools.digest,
            "seed": self._options.seed,
        }
        begun = self._folder.done("run", lambda: now)
        if begun != now:
            raise ConfigError(
                f"Run {self._folder.run_id} was begun with another prompt, seed or model.",
                "Leave out --run to begin a new one.",
            )

    def _collected(self) -> Outcome:
        tools = self._tools
        found = collect(tools.reader, tools.find, self._options.since)
        kept = self._folder.done("cases", lambda: self._split(found))
        sides = {str(id): str(side) for id, side in kept}
        cases = [replace(c, side=sides[c.id]) for c in found.cases if c.id in sides]
        pinned = tools.pins.of(tools.versions.pointer(self._options.name).in_use)
        tools.say(f"{len(cases)} cases from the log.")
        return Outcome(
            run_id=self._folder.run_id,
            name=self._options.name,
            prompt=tools.prompts.named(self._options.name),
            model=tools.model,
            digest=tools.digest,
            sides=with_pins(Sides.of(cases), pinned),
            left_out={
                "alike": found.alike,
                "of one chat": found.of_one_chat,
                "not maskable": found.unmasked,
            },
        )

    def _split(self, found: Collected) -> list[list[str]]:
        placed = split(found.cases, self._tools.ledger.retired(found.cases))
        new = {
            case.id: case.side
            for case, before in zip(placed, found.cases, strict=True)
            if not before.side
        }
        self._tools.save_sides(new)
        return [[case.id, case.side] for case in placed]

    def _mined(self, outcome: Outcome) -> Outcome:
        """How the prompts in force decide what may be seen."""
        routes = self._routes("baseline", self._tools.prompts, outcome.sides.seen)
        return replace(
            outcome,
            confusion=mine.confusion(outcome.sides.seen, routes),
            failures=tuple(mine.failures(outcome.sides.train, routes)),
        )

    def _routes(
        self, name: str, prompts: PromptPair, cases: Sequence[Case], generation: int = 0
    ) -> dict[str, str]:
        model = self._tools.replay.model
        model.limit, before = None, model.calls
        found: dict[str, str] = self._folder.done(
            name, lambda: self._tools.replay.routes(prompts, cases, generation)
        )
        self._count("replay", model.calls - before)
        missing = [case for case in cases if case.id not in found]
        return found if not missing else self._tools.replay.routes(prompts, cases, generation)

    def _count(self, what: str, calls: int) -> None:
        self._calls[what] = self._calls.get(what, 0) + calls

    def _proposed(self, outcome: Outcome) -> Outcome:
        tools, options = self._tools, self._options
        kept = self._folder.read("attempts") or {"tree": [], "done": [], "reflections": 0}
        tree = Tree.from_json(kept["tree"])
        left = options.reflections - kept["reflections"]
        latch = Latch(tools.reflect, left) if tools.reflect else None
        model, begun = tools.replay.model, tools.replay.model.calls
        problem = Problem(
            name=options.name,
            prompts=tools.prompts,
            train=self._shown(outcome.sides.train),
            validation=outcome.sides.validation,
            failures=self._shown_failures(outcome),
            replay=tools.replay,
            keeper=Gatekeeper.of(_said(outcome.sides), tools.find),
            tree=tree,
            reflect=latch,
            seed=options.seed,
            say=tools.say,
        )
        for proposer in chosen(options.proposers):
            if proposer.name in kept["done"]:
                continue
            share = CHEAP_SHARE if proposer.name in _CHEAP else 1.0
            spare = options.calls - (model.calls - begun)
            model.limit = model.calls + int(share * spare)
            try:
                search(proposer, problem)
            except BudgetSpent:
                tools.say(f"{proposer.name}: its calls are used up.")
            asked = kept["reflections"] + (latch.asked if latch else 0)
            done = [*kept["done"], proposer.name]
            kept = {**kept, "done": done}
            self._folder.write("attempts", {**kept, "tree": tree.as_json(), "reflections": asked})
        self._count("propose", model.calls - begun)
        reflections = kept["reflections"] + (latch.asked if latch else 0)
        return replace(outcome, tree=tree, reflections=reflections)

    def _shown(self, cases: Sequence[Case]) -> tuple[Case, ...]:
        """What proposers learn from. Masked or not, a turn with anything private in it is not shown
        to a model outside of this machine."""
        outside = self._tools.reflects_outside
        return tuple(case for case in cases if not (outside and case.is_private))

    def _shown_failures(self, outcome: Outcome) -> tuple[Failure, ...]:
        found = (replace(one, examples=self._shown(one.examples)) for one in outcome.failures)
        return tuple(one for one in found if one.examples)

    def _evaluated(self, sides: Sides, finalists: Sequence[Attempt]) -> list[Trial]:
        """The one look at the unseen cases, twice each, and at the pins."""
        tools = self._tools
        tools.ledger.open(self._folder.run_id, sides.test, tools.clock())
        before = [self._both("old", tools.prompts, sides, run) for run in (0, 1)]
        return [self._trial(one, before, sides) for one in finalists]

    def _trial(self, one: Attempt, before: Sequence[dict[str, str]], sides: Sides) -> Trial:
        old = self._tools.prompts
        new = old.with_prompt(parse_prompt(self._options.name, one.text))
        after = [self._both(one.version, new, sides, run) for run in (0, 1)]
        first, second = (pairs(sides.test, b, a) for b, a in zip(before, after, strict=True))
        return Trial(
            name=one.proposer,
            first=first,
            second=second,
            pins=pairs(sides.pins, before[0], after[0]),
            chars_before=len(old.named(self._options.name).text),
            chars_after=len(one.text),
            tokens_before=self._tokens(old, sides),
            tokens_after=self._tokens(new, sides),
        )

    def _tokens(self, prompts: PromptPair, sides: Sides) -> float:
        return self._tools.replay.tokens(prompts.named(self._options.name), sides.test)

    def _both(self, name: str, prompts: PromptPair, sides: Sides, run: int) -> dict[str, str]:
        """Test cases and pins. The second run asks the model anew."""
        cases = {case.id: case for case in (*sides.test, *sides.pins)}
        return self._routes(f"test-{name}-{run + 1}", prompts, tuple(cases.values()), run)


def _finalists(tree: Tree) -> list[Attempt]:
    """The best of each proposer that beats the prompt in force where it was chosen."""
    found = [best for name in tree.proposers if (best := tree.best(name)) is not None]
    return sorted(found, key=lambda one: -(one.score or 0.0))[:FINALISTS]


def _said(sides: Sides) -> list[str]:
    """All that users said, also in cases that nothing is learned from."""
    return [text for case in sides.all for text in (case.question, *(t for _, t in case.earlier))]
