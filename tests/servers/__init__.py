"""Scripted test servers: real HTTP on loopback, no mocks. Start at `base.ScriptedServer`."""

from .base import ScriptedServer, refused_url
from .exchange import Exchange, RecordedRequest
from .ollama import BUSY, OllamaServer
from .ollama_models import OllamaModel
from .script import (
    Begin,
    Cut,
    End,
    ErrorLine,
    Finish,
    Label,
    Raw,
    Say,
    Script,
    Sleep,
    Stall,
    Status,
    Step,
    Steps,
    Think,
    ToolCall,
    Until,
    Usage,
    Wire,
    last_user_text,
    words,
)
from .xai import KEY, XaiServer
from .xai_sse import XaiModel

__all__ = [
    "BUSY",
    "KEY",
    "Begin",
    "Cut",
    "End",
    "ErrorLine",
    "Exchange",
    "Finish",
    "Label",
    "OllamaModel",
    "OllamaServer",
    "Raw",
    "RecordedRequest",
    "Say",
    "Script",
    "ScriptedServer",
    "Sleep",
    "Stall",
    "Status",
    "Step",
    "Steps",
    "Think",
    "ToolCall",
    "Until",
    "Usage",
    "Wire",
    "XaiModel",
    "XaiServer",
    "last_user_text",
    "refused_url",
    "words",
]
