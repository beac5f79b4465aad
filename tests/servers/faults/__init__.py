"""The catalogue of faults: every way in which a server of a target has been seen to fail.

Data: a name, and what a scripted server does in each dialect. What hal-auto has to make of it
stands with its tests (tests/faults). Begin at `fault.Fault`.
"""

from .addresses import ADDRESSES
from .bodies import BODIES
from .breaks import BREAKS
from .fault import GOOD, HALF, NDJSON, SSE, Fault, Voice, Where
from .silences import SILENCES
from .statuses import STATUSES
from .streams import STREAMS

FAULTS: tuple[Fault, ...] = (*ADDRESSES, *STATUSES, *SILENCES, *BREAKS, *BODIES, *STREAMS)

__all__ = ["FAULTS", "GOOD", "HALF", "NDJSON", "SSE", "Fault", "Voice", "Where"]
