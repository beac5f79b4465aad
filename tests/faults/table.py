"""The table of docs/reliability.md: `python -m tests.faults.table`, a line for each kind of fault.

Every word about hal-auto comes from the expectations that the tests hold it to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.servers.faults import FAULTS, NDJSON, SSE

from .expected import TABLE
from .peers import NAMES, ROWS, Row

DIALECTS = {"xAI fails": SSE, "Ollama fails": NDJSON}
SPOKEN = {fault.name: fault.dialects for fault in FAULTS}


def lines() -> Iterator[str]:
    """Markdown."""
    yield _line("fault", *DIALECTS, *NAMES)
    yield _line(*["---"] * (1 + len(DIALECTS) + len(NAMES)))
    for row in ROWS:
        ours = (_behaviour(row, dialect) for dialect in DIALECTS.values())
        yield _line(row.title, *ours, *row.peers)


def _behaviour(row: Row, dialect: str) -> str:
    """What comes of these faults; more than one answer where it depends on how far it had come."""
    found = [TABLE[name][dialect].behaviour for name in row.faults if dialect in SPOKEN[name]]
    return " / ".join(dict.fromkeys(found)) or "-"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines())


if __name__ == "__main__":
    main()
