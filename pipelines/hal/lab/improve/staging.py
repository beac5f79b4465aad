"""Keeps a proposal that has passed the gate as a version, with where it comes from.

Nothing goes live here but thresholds, and those only when asked for. Knows no gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...prompt_versions import Manifest, version_of
from .cases import Sides
from .options import Options, Tools
from .outcome import Result
from .parts import is_only_a_threshold
from .pins import mended


@dataclass(frozen=True, slots=True)
class Stage:
    """The last step of one run."""

    options: Options
    run_id: str
    tools: Tools

    def staged(self, one: Result, sides: Sides) -> Result:
        """As it was where the gate did not let it pass. Raises OSError, VersionsBusy."""
        tools, name = self.tools, self.options.name
        if not one.verdict.passed:
            return one
        tools.pins.keep(one.attempt.version, mended(sides.test, one.trial.first))
        version = tools.versions.stage(name, one.attempt.text, self._manifest(one))
        old, new = tools.prompts.named(name), tools.versions.load(name, version)
        is_live = self.options.auto and is_only_a_threshold(old, new)
        if is_live:
            tools.versions.apply(name, version, tools.clock(), "thresholds, by --auto")
        return replace(one, staged=version, is_live=is_live)

    def _manifest(self, one: Result) -> Manifest:
        tools, trial = self.tools, one.trial
        return Manifest(
            parent=version_of(tools.prompts.named(self.options.name).text),
            at=tools.clock(),
            run=self.run_id,
            proposer=one.attempt.proposer,
            model=tools.model,
            model_digest=tools.digest,
            note=one.verdict.reason,
            scores={
                "cases": len(trial.first),
                "fixed": trial.fixed,
                "broken": trial.broken,
                "points": round(trial.points, 2),
                "p": one.verdict.p,
                "interval": one.verdict.interval,
            },
        )
