"""What a local server that speaks OpenAI's API says of itself, asked once, for `hal doctor`.

Knows nothing of turns: the provider that answers them stands in `gateway/`.
"""

from __future__ import annotations

import requests

from ..addresses import without_user
from ..errors import Unauthorized, Unreachable
from ..gateway.providers.openai_request import authorization
from .ollama_host import CONNECT_S, READ_S, Inventory, OtherService


def take_openai_inventory(url: str) -> Inventory:
    """Ask for the list of models. Raises Unreachable when none is there, OtherService when it is
    something else, Unauthorized when it does not let us in. All that it lists counts as loaded.
    """
    shown = without_user(url)
    with requests.Session() as session:
        session.trust_env = False
        try:
            reply = session.get(
                f"{shown}/models",
                headers=authorization(url),
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            raise Unreachable(f"No server at {shown} ({type(error).__name__}).") from None
    if reply.status_code in (401, 403):
        raise Unauthorized(f"The server at {shown} does not let us in ({reply.status_code}).")
    try:
        models = tuple(str(entry["id"]) for entry in reply.json()["data"])
    except (ValueError, KeyError, TypeError):
        raise OtherService(f"What listens at {shown} does not speak OpenAI's API.") from None
    return Inventory(shown, "", models, models)
