"""What Open WebUI is told when it starts: its environment variables, and its secret.

Knows the names of Open WebUI 0.12; starts nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from hal.commands.pipelines_server import MODEL_ID

HOST = "127.0.0.1"

# What Open WebUI is told unless the caller's environment says otherwise.
DEFAULTS = {
    # Nobody has to make an account on a machine of one's own; it listens at 127.0.0.1 alone.
    "WEBUI_AUTH": "False",
    "DEFAULT_MODELS": MODEL_ID,
    # The picker shows hal-auto alone: no bare Ollama models, no arena.
    "ENABLE_OLLAMA_API": "False",
    "ENABLE_EVALUATION_ARENA_MODELS": "False",
    # With a login: without this a model is the admin's alone until each is made public by hand.
    "BYPASS_MODEL_ACCESS_CONTROL": "True",
    # Nothing is reported to anybody.
    "ENABLE_VERSION_UPDATE_CHECK": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "True",
    "SCARF_NO_ANALYTICS": "True",
    # Of its own origin alone: without a login, another site must not read the chats.
    "CORS_ALLOW_ORIGIN": "http://{host}:{port};http://localhost:{port}",
    "GLOBAL_LOG_LEVEL": "WARNING",
    "UVICORN_LOG_LEVEL": "warning",
}
# What it has no use for, and must not see.
_FOREIGN = ("HAL_", "XAI_", "PIPELINES_", "PYTHON")


def webui_environment(
    environ: Mapping[str, str], folder: Path, url: str, key: str, port: int
) -> dict[str, str]:
    """What Open WebUI is started with: the caller's environment over our defaults, and the rest."""
    kept = {k: v for k, v in environ.items() if not k.upper().startswith(_FOREIGN)}
    defaults = {k: v.format(host=HOST, port=port) for k, v in DEFAULTS.items()}
    own = {
        "DATA_DIR": str(folder),
        "OPENAI_API_BASE_URLS": url,
        "OPENAI_API_KEYS": key,
        "PYTHONUNBUFFERED": "1",
    }
    secret = {} if kept.get("WEBUI_SECRET_KEY") else {"WEBUI_SECRET_KEY": secret_key(folder)}
    return defaults | kept | own | secret


def secret_key(folder: Path) -> str:
    """What signs the sessions: made once, for the owner's eyes alone."""
    path = folder / "secret.key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
    return path.read_text(encoding="utf-8").strip()
