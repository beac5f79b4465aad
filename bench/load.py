"""hal-auto under load, beside what else could stand in its place, against one stub upstream.

In one run: the stub directly, a plain pass-through in a bare Pipelines server, hal-auto (`/local`,
session log on), and where they are installed LiteLLM's proxy and Portkey's gateway. Knows nothing
of how an answer is made: times to the first token and to the end, CPU and memory per server.

Run: python bench/load.py [--json FILE] [--plot FILE.svg] [--quick]
     python -m venv /tmp/litellm && /tmp/litellm/bin/pip install 'litellm[proxy]'
     npm install --prefix /tmp/portkey @portkey-ai/gateway
     python bench/load.py --litellm /tmp/litellm/bin/litellm \\
         --portkey /tmp/portkey/node_modules/@portkey-ai/gateway/build/start-server.js

Portkey 1.15.2 as plainly installed cannot stream on Node 20; then it is left out, with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from _servers import litellm, pipelines, portkey
from _side_by_side import Result, Scenario, Subject, run, table, trial
from _stub import StubProcess

# 100 tokens a second after 50 ms: a 30B on a good card. 20 a second: the same card with company.
SCENARIOS = (
    Scenario("one_user", "One user, 64 tokens at 100/s, the first at once", 1, 20, 0.0, 0.01),
    Scenario("crowd", "64 users, 64 tokens at 100/s after 50 ms", 64, 128, 0.05, 0.01),
    Scenario("many", "200 users, 200 tokens at 20/s", 200, 200, 0.0, 0.05, tokens=200, rounds=1),
)
# Figure, title and unit of each chart, and the scenario it is taken from.
CHARTS = (
    ("one_user", "first_token_ms", "One user: time to first token", "ms"),
    ("crowd", "cpu_ms", "64 users: CPU per stream", "ms"),
    ("crowd", "total_ms", "64 users: whole answer", "ms"),
    ("many", "total_ms", "200 slow streams: whole answer", "ms"),
)
Results = Mapping[str, Sequence[Result]]


def main() -> None:
    args = _arguments()
    before = os.getloadavg()
    scenarios = [replace(s, rounds=1) for s in SCENARIOS] if args.quick else list(SCENARIOS)
    with tempfile.TemporaryDirectory() as name, StubProcess() as stub, ExitStack() as stack:
        subjects = _subjects(args, Path(name), stub, stack)
        results = {scenario.name: run(subjects, scenario, stub) for scenario in scenarios}
    for scenario in scenarios:
        table(scenario.title, results[scenario.name])
    ratios = _ratios(results)
    print("\nhal-auto: " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    conditions = {"cores": os.cpu_count(), "load_before": before, "load_after": os.getloadavg()}
    print(
        f"{conditions['cores']} cores, load {before[0]:.1f} before, {os.getloadavg()[0]:.1f} after"
    )
    if args.json:
        rows = {name: [asdict(result) for result in found] for name, found in results.items()}
        figures = {"conditions": conditions, "ratios": ratios, "scenarios": rows}
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    if args.plot:
        _plot(results, args.plot)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plot", type=Path, help="draw the main figures, as SVG")
    parser.add_argument("--quick", action="store_true", help="one round of each scenario")
    parser.add_argument("--litellm", metavar="PATH", help="the command `litellm` of its own venv")
    parser.add_argument("--portkey", metavar="PATH", help="start-server.js of Portkey's gateway")
    return parser.parse_args()


def _subjects(
    args: argparse.Namespace, folder: Path, stub: StubProcess, stack: ExitStack
) -> list[Subject]:
    """All that run and stream; why another one does not is printed."""
    subjects = stack.enter_context(pipelines(folder, stub))
    for start, path in ((litellm, args.litellm), (portkey, args.portkey)):
        if path is None:
            continue
        subject = stack.enter_context(start(path, folder, stub))
        if (problem := asyncio.run(trial(subject))) is None:
            subjects.append(subject)
        else:
            print(f"{subject.name} is left out: {problem}")
    return subjects


def _ratios(results: Results) -> dict[str, float]:
    """What the project's targets are about, from one run."""
    one, crowd, many = results["one_user"], results["crowd"], results["many"]
    ideal_ms = next(s.ideal_ms for s in SCENARIOS if s.name == "many")
    return {
        "one_user_added_first_token_ms": one[2].first_token_ms - one[0].first_token_ms,
        "one_user_added_total_ms": one[2].total_ms - one[0].total_ms,
        "crowd_cpu_ms_per_stream": crowd[2].cpu_ms or 0.0,
        "crowd_cpu_vs_passthrough": (crowd[2].cpu_ms or 0.0) / (crowd[1].cpu_ms or 1.0),
        "crowd_total_vs_stub": crowd[2].total_ms / crowd[0].total_ms,
        "many_total_vs_ideal": many[2].total_ms / ideal_ms,
        "many_first_token_ms": many[2].first_token_ms,
    }


def _plot(results: Results, path: Path) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed (pip install matplotlib)")
        return
    mpl.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(CHARTS), 1, figsize=(7, 2 * len(CHARTS)))
    for axis, chart in zip(axes, CHARTS, strict=True):
        _bars(axis, results, chart)
    figure.tight_layout()
    figure.savefig(path)
    print(f"plot: {path}")


def _bars(axis: Any, results: Results, chart: tuple[str, str, str, str]) -> None:
    scenario, figure, title, unit = chart
    rows = [(r.name, getattr(r, figure)) for r in reversed(results[scenario])]
    rows = [row for row in rows if row[1] is not None]
    drawn = axis.barh([name for name, _ in rows], [value for _, value in rows], color="#4878a8")
    axis.bar_label(drawn, fmt=f"%.1f {unit}", padding=3)
    axis.set_title(title, loc="left", fontsize=10)
    axis.margins(x=0.15)
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
