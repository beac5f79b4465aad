"""The closed lists of words that the rest is said in: routes, commands, who decided, how it ended.

The log keeps these words; knows nothing else.
"""

from __future__ import annotations

from enum import StrEnum


class Route(StrEnum):
    """Where a turn goes. Difficulty is SIMPLE/MODERATE/COMPLEX; ENRICH and META stand beside it."""

    META = "META"
    SIMPLE = "SIMPLE"
    MODERATE = "MODERATE"
    COMPLEX = "COMPLEX"
    ENRICH = "ENRICH"


DIFFICULTIES = (Route.SIMPLE, Route.MODERATE, Route.COMPLEX)


class Override(StrEnum):
    """What the user may write as the first word of a turn."""

    LOCAL = "/local"
    CLOUD = "/cloud"
    WEB = "/web"
    WHY = "/why"


class PrivacyWord(StrEnum):
    """What the user may write as a first word, beside an Override, to say how private a turn is."""

    PRIVATE = "/private"
    PUBLIC = "/public"


class Source(StrEnum):
    """Who made a decision."""

    RULE = "rule"
    OVERRIDE = "override"
    CLASSIFIER = "classifier"
    LEARNED = "learned"
    STICKY = "sticky"
    EXPLORATION = "exploration"
    DEFAULT = "default"


class Outcome(StrEnum):
    """How a turn or a call ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    CUT = "cut"
