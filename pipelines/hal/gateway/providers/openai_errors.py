"""What to do when a local OpenAI-compatible server fails.

Knows no status: that is completions_errors.py.
"""

from __future__ import annotations

from ...addresses import without_user
from ...errors import ContextTooLong, ModelMissing, OutOfCredits, Unauthorized
from ...types import Target
from .completions_errors import Complaints
from .service import Service

PROVIDER = "openai"
SETTING = "LOCAL_HOSTS"


def service(url: str, place: str = "") -> Service:
    name = f"The server {place}" if place else "The local server"
    return Service(
        name, PROVIDER, without_user(url), SETTING, f"Start it, or check {SETTING}.", place
    )


def complaints(url: str, target: Target) -> Complaints:
    """The failures of one model on one server."""
    key = f"If it wants a password, put user:password@ before its name in {SETTING}."
    remedies = {
        Unauthorized: key,
        OutOfCredits: key,
        ModelMissing: f"Set {SETTING} to ADDRESS#MODEL, with the model's name there.",
        ContextTooLong: "Shorten it, or start the server with a larger context.",
    }
    return Complaints(service(url, target.place), target.model, remedies)
