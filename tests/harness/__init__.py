"""Drives the real Pipelines server as Open WebUI does. Start at `pipelines.PipelinesServer`."""

from tests.servers.ports import free_port

from . import openwebui
from .client import PipelinesClient, Stream
from .openwebui import WebUITurn
from .pipelines import PipelinesServer
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
