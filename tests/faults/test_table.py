"""The printed table holds every fault once, and says what the expectations say."""

from __future__ import annotations

from tests.servers.faults import FAULTS

from .peers import NAMES, ROWS
from .table import DIALECTS, lines


def test_every_fault_has_its_line() -> None:
    listed = [fault for row in ROWS for fault in row.faults]
    assert sorted(listed) == sorted(fault.name for fault in FAULTS)


def test_what_is_printed() -> None:
    head, rule, *body = lines()
    assert head == f"| fault | {' | '.join(DIALECTS)} | {' | '.join(NAMES)} |"
    assert set(rule) <= set("|- ")
    assert len(body) == len(ROWS)
    assert {line.count(" | ") for line in (head, *body)} == {len(DIALECTS) + len(NAMES)}
    refused = next(line for line in body if line.startswith("| 401"))
    assert refused.startswith("| 401, 403: the key | fallback | fallback |")
    cut = next(line for line in body if line.startswith("| cut or reset mid-stream"))
    assert cut.count("kept, with a note") == len(DIALECTS)
