"""The vocabulary of a turn: what comes in, what is decided, what goes out.

Knows no server, no client and no file; every value is frozen, so that parallel steps can share it.
"""

from .answer import (
    Chunk,
    Cited,
    Decided,
    Evidence,
    Failure,
    Finish,
    ProviderChunk,
    Request,
    Sources,
    Status,
    Summary,
    Text,
    Thinking,
    ToolCalls,
    Usage,
)
from .decision import Decision, Findings, Plan, Target
from .turn import Message, Parameters, ToolCall, Turn
from .words import DIFFICULTIES, Outcome, Override, PrivacyWord, Route, Source

__all__ = [
    "DIFFICULTIES",
    "Chunk",
    "Cited",
    "Decided",
    "Decision",
    "Evidence",
    "Failure",
    "Findings",
    "Finish",
    "Message",
    "Outcome",
    "Override",
    "Parameters",
    "Plan",
    "PrivacyWord",
    "ProviderChunk",
    "Request",
    "Route",
    "Source",
    "Sources",
    "Status",
    "Summary",
    "Target",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolCalls",
    "Turn",
    "Usage",
]
