"""GEPA (arXiv 2507.19457, `pip install hal-auto[lab]`) behind our own port.

It searches over the rules of the prompt alone, with our replay, our reflection and our guards.
What it is known to do is dealt with here: it goes on after a reflector's error and returns the seed
(the latch stops it, and `propose` raises), and it overshoots its budget by a pass over the
validation cases (which is taken off before it begins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from ....errors import ConfigError, HalError
from ....prompts import load_prompt
from ..cases import Case
from ..parts import Parts
from ..replies import BudgetSpent
from .problem import Problem
from .reflector import ReflectionFailed, ReflectionsSpent, rewrite

COMPONENT = "rules"
# Enough decisions to see a pattern in, few enough to afford one reflection for each.
BATCH = 6


def _installed() -> Any:
    try:
        return import_module("gepa")
    except ImportError:
        return None


# Untyped on purpose: before 1.0 its types move with every release.
gepa: Any = _installed()


def is_installed() -> bool:
    return gepa is not None


class Gepa:
    """`propose` leaves every text that was accepted in the tree."""

    name = "gepa"

    def __init__(self) -> None:
        if gepa is None:
            raise ConfigError(
                "The proposer gepa is not installed.",
                "pip install 'hal-auto[lab]', or use --proposers rewriting.",
            )

    def propose(self, problem: Problem) -> None:
        problem.begin()
        latch = problem.reflect
        spare = problem.replay.model.left - len(problem.validation)
        if latch is None or spare <= 2 * len(problem.validation):
            return
        adapter, listener = _Adapter(problem), _Listener()

        def has_to_stop(_state: Any) -> bool:
            # A prompt's bias takes calls that GEPA does not count.
            return latch.is_closed or listener.has_failed or not problem.can_choose

        try:
            gepa.optimize(
                seed_candidate={COMPONENT: Parts.of(problem.parent).system},
                trainset=list(problem.train),
                valset=list(problem.validation),
                adapter=adapter,
                reflection_minibatch_size=BATCH,
                max_metric_calls=spare,
                stop_callbacks=[has_to_stop],
                # Its cache takes a training case for the validation case of the same number; our
                # replies are remembered anyway.
                cache_evaluation=False,
                display_progress_bar=False,
                logger=listener,
                seed=problem.seed,
            )
        except BudgetSpent:
            return
        finally:
            latch.raise_error()
            adapter.raise_error()
            listener.raise_error()


class _Listener:
    """GEPA's logger. It says nothing, as its lines hold texts, but hears what GEPA survives: an
    exception that it only logs has cost the proposal, and would cost all others as well."""

    def __init__(self) -> None:
        self.has_failed = False

    def log(self, message: str) -> None:
        self.has_failed = self.has_failed or "xception" in message.partition("\n")[0]

    def raise_error(self) -> None:
        if self.has_failed:
            raise ReflectionFailed(
                "GEPA met an error of its own and went on without a proposal.",
                "Another release may not fit; use --proposers rewriting.",
            )


class _Adapter:
    """GEPA's duck-typed adapter: batches in, scores out, and new rules from our reflection."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._parts = Parts.of(problem.parent)
        self._instructions = load_prompt("reflect_rules")
        self._error: HalError | None = None
        self._whole = {case.id for case in problem.validation}

    def raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def evaluate(
        self,
        batch: Sequence[Case],
        candidate: Mapping[str, str],
        capture_traces: bool = False,  # noqa: ARG002 - they cost nothing
    ) -> Any:
        text = replace(self._parts, system=candidate[COMPONENT]).text
        routes = self._routes(text, batch)
        return gepa.EvaluationBatch(
            outputs=[routes.get(case.id, "") for case in batch],
            scores=[case.weight * (routes.get(case.id) == case.expected) for case in batch],
            trajectories=[(case, routes.get(case.id, "")) for case in batch],
        )

    def _routes(self, text: str, batch: Sequence[Case]) -> dict[str, str]:
        """Nothing for a text that a guard refuses: it scores zero, and no model was asked."""
        problem = self._problem
        try:
            if {case.id for case in batch} == self._whole:
                attempt = problem.try_out(Gepa.name, text, problem.current.version, "rules anew")
                refused = bool(attempt.refusal)
            else:
                refused = bool(problem.refusal(text))
            return {} if refused else problem.routes(text, batch)
        except BudgetSpent:
            raise
        except HalError as error:
            self._error = error  # GEPA may go on after it; `propose` does not
            raise

    def make_reflective_dataset(
        self,
        candidate: Mapping[str, str],  # noqa: ARG002 - GEPA's signature
        evaluation: Any,
        components: Sequence[str],
    ) -> dict[str, list[dict[str, Any]]]:
        rows = [{"case": case, "route": route} for case, route in evaluation.trajectories]
        return {component: rows for component in components}

    def propose_new_texts(
        self,
        candidate: Mapping[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: Sequence[str],  # noqa: ARG002 - there is one
    ) -> dict[str, str]:
        latch = self._problem.reflect
        assert latch is not None  # noqa: S101  (`propose` has returned without one)
        seen = reflective_dataset[COMPONENT]
        cases = [row["case"] for row in seen]
        chosen = {row["case"].id: row["route"] for row in seen}
        try:
            rules = rewrite(latch, self._instructions, candidate[COMPONENT], cases, chosen)
        except ReflectionsSpent:
            return {COMPONENT: candidate[COMPONENT]}
        return {COMPONENT: rules}
