#!/usr/bin/env python3
"""`ollama serve`, `list`, `show` and `pull` for the stand-in image of docker/try-compose.sh.

Serves hal-auto's embedded engine in Ollama's protocol; knows nothing of the rest of Ollama.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

PORT = 11434
# A model that is not in the image cannot be fetched either: asking takes no longer than this.
TIMEOUT_S = 60.0


def main(words: list[str]) -> int:
    """Do what the first word says; the exit codes are those that docker-compose.yml relies on."""
    match words:
        case ["serve"]:
            command = ["-m", "hal.embedded", "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104
            models = os.environ["TRY_MODELS"].split()
            options = [word for name in models for word in ("--model", name)]
            os.execv(sys.executable, [sys.executable, *command, *options])  # noqa: S606 - our own words
        case ["list"]:
            return _ask("GET", "/api/tags")
        case ["show" | "pull" as verb, name]:
            return _ask("POST", f"/api/{verb}", {"model": name})
    sys.stderr.write("usage: ollama serve | list | show MODEL | pull MODEL\n")
    return 2


def _ask(method: str, path: str, body: object = None) -> int:
    host = os.environ.get("OLLAMA_HOST") or f"http://127.0.0.1:{PORT}"
    data = None if body is None else json.dumps(body).encode()
    request = Request(host + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310 - the address of our own engine
            sys.stdout.write(f"{reply.read().decode()}\n")
    except HTTPError as error:
        sys.stderr.write(f"{error.read().decode()}\n")
        return 1
    except (URLError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
