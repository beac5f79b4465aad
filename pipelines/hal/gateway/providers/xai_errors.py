"""What to do when xAI fails, and the key that is none.

Knows no status: that is completions_errors.py.
"""

from __future__ import annotations

from ...addresses import without_user
from ...errors import ModelMissing, OutOfCredits, Unauthorized
from .completions_errors import Complaints
from .service import Service

PROVIDER = "xai"
SETTING = "XAI_API_BASE_URL"


def complaints(url: str, model: str) -> Complaints:
    """The failures of one model."""
    service = Service(
        "xAI", PROVIDER, without_user(url), SETTING, f"Check the network and {SETTING}."
    )
    remedies = {
        Unauthorized: "Check XAI_API_KEY.",
        OutOfCredits: "Add credits in xAI's console, or stay local with /local.",
        ModelMissing: "Set CLOUD_MODEL to a model that your xAI team may use.",
    }
    return Complaints(service, model, remedies)


def key_missing() -> Unauthorized:
    return Unauthorized("There is no usable xAI key.", "Set XAI_API_KEY.", provider=PROVIDER)
