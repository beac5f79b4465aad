"""Drives the real Pipelines server as Open WebUI does. Start at `pipelines.PipelinesServer`."""

from . import openwebui
from .client import PipelinesClient, Stream
from .openwebui import WebUITurn
from .pipelines import PipelinesServer, free_port
from .sse import Answer

__all__ = [
    "Answer",
    "PipelinesClient",
    "PipelinesServer",
    "Stream",
    "WebUITurn",
    "free_port",
    "openwebui",
]
