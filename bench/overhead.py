"""What hal-auto adds to a local answer: the stub itself, a plain pass-through, and hal-auto.

Side by side in one run on one machine: a stub upstream, two real Pipelines servers, and this
process as the client. No classification (`/local`), session log on. The short form of load.py: time
to first token with one user, and CPU of the server per 64-token stream with 64 users, and ratios.

Run: python bench/overhead.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from _servers import pipelines
from _side_by_side import Scenario, run, table
from _stub import StubProcess

# 100 tokens a second after 50 ms: a 30B on a good card.
FIRST_S, GAP_S = 0.05, 0.01
BURST = Scenario("burst", "One user, the whole answer at once", 1, 20)
ONE_USER = Scenario("one_user", "One user, first token at once, then 100/s", 1, 20, 0.0, GAP_S)
CROWD = Scenario("crowd", "64 users, 64 tokens at 100/s after 50 ms", 64, 128, FIRST_S, GAP_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    figures: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory() as name,
        StubProcess() as stub,
        pipelines(Path(name), stub) as subjects,
    ):
        results = {s.name: run(subjects, s, stub) for s in (BURST, ONE_USER, CROWD)}
    for scenario in (BURST, ONE_USER, CROWD):
        table(scenario.title, results[scenario.name])
        figures[scenario.name] = [asdict(result) for result in results[scenario.name]]
    base, plain, ours = results["one_user"]
    added_ms = ours.first_token_ms - base.first_token_ms
    _, plain_crowd, our_crowd = results["crowd"]
    ratios = {
        "added_first_token_ms": added_ms,
        "added_first_token_vs_passthrough": added_ms / (plain.first_token_ms - base.first_token_ms),
        "cpu_ms_per_stream": our_crowd.cpu_ms or 0.0,
        "cpu_vs_passthrough": (our_crowd.cpu_ms or 0.0) / (plain_crowd.cpu_ms or 1.0),
    }
    print("\nhal-auto: " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items()))
    if args.json:
        args.json.write_text(json.dumps(figures | {"ratios": ratios}, indent=1) + "\n")


if __name__ == "__main__":
    main()
