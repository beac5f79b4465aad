"""One step of docker/try-compose.sh: asks the running stack over HTTP, as a browser would.

Knows Open WebUI's API as far as it needs it, and nothing of Docker. Standard library only.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

MODEL = "hal.auto"
# An invented account of an invented person, in a stack that is removed at the end.
ACCOUNT = {"name": "Trial", "email": "trial@example.org", "password": "trial-of-compose"}
# The model runs on two cores without a GPU, beside everything else.
ANSWER_S = 180.0
STATE = Path("answers.json")


class Failed(Exception):
    """A step that did not come out as it has to."""


class Site:
    """Open WebUI, signed in."""

    def __init__(self, port: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=ANSWER_S) as reply:  # noqa: S310
                return json.loads(reply.read() or b"null")
        except HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
        except URLError as error:
            raise Failed(f"{method} {path}: {error.reason}") from error

    def sign_up(self) -> None:
        self.token = self.call("POST", "/api/v1/auths/signup", ACCOUNT)["token"]

    def sign_in(self) -> None:
        account = {key: ACCOUNT[key] for key in ("email", "password")}
        self.token = self.call("POST", "/api/v1/auths/signin", account)["token"]

    def ask(self, text: str) -> tuple[str, dict[str, Any]]:
        """The answer and its usage, with route and reason."""
        body = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": text}]}
        reply = self.call("POST", "/api/chat/completions", body)
        return reply["choices"][0]["message"]["content"], reply.get("usage") or {}

    def valves(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "/api/v1/pipelines/hal/valves?urlIdx=0")
        return found

    def notes(self) -> dict[str, str]:
        """What the admin panel shows under each valve."""
        spec = self.call("GET", "/api/v1/pipelines/hal/valves/spec?urlIdx=0")
        return {name: row["description"] for name, row in spec["properties"].items()}

    def save(self, **changes: object) -> dict[str, Any]:
        path = "/api/v1/pipelines/hal/valves/update?urlIdx=0"
        saved: dict[str, Any] = self.call("POST", path, self.valves() | changes)
        return saved


def first(site: Site) -> None:
    """An account, the model in the picker, and an answer."""
    if site.call("GET", "/api/config").get("onboarding"):
        site.sign_up()
    else:  # somebody has made the account in the browser
        site.sign_in()
    models = [model["id"] for model in site.call("GET", "/api/models")["data"]]
    require(models == [MODEL], f"the picker shows {models}")
    answer, usage = answered(site, "What is the capital of Portugal?")
    require(bool(answer), "the answer is empty")
    note(f"{usage.get('hal_route')} by {usage.get('hal_model')}: {answer[:80]!r}")
    answer, usage = answered(site, "/web Who won the last Tour de France?")
    # Nothing outside can be reached: what has to hold is that SearXNG was asked and said so.
    require("does not answer" not in answer, f"SearXNG was not reached: {answer[:200]!r}")
    note(f"with a search: {answer[:120]!r}")


def valve(site: Site) -> None:
    """A saved valve is in force with the next turn; a wrong one is explained where it was set."""
    site.sign_in()
    saved = site.save(SHOW_STATUS=False, CLOUD_CONFIDENCE="abc")
    require(saved["SHOW_STATUS"] is False, "the valve was not saved")
    require("'abc'" in site.notes()["CLOUD_CONFIDENCE"], "the panel does not say what is wrong")
    answer, _ = answered(site, "/why")
    note(f"/why: {answer[:160]!r}")
    STATE.write_text(json.dumps(site.valves()), encoding="utf-8")


def kept(site: Site) -> None:
    """After a restart the account, the valves and the answers are there."""
    site.sign_in()
    require(site.valves() == json.loads(STATE.read_text(encoding="utf-8")), "valves were lost")
    answered(site, "Say hello.")


def updated(site: Site) -> None:
    """An old valves.json does not stop the server, and is explained."""
    site.sign_in()
    found = site.valves()
    require(found["STICKY"] is False, "a usable value of the old file was lost")
    require("OLD_VALVE" not in found, "a setting of another version is still there")
    require("'high'" in site.notes()["CLOUD_CONFIDENCE"], "the panel does not say what is wrong")
    answered(site, "Say hello.")


def restored(site: Site) -> None:
    """The same account and valves, in volumes that are new."""
    site.sign_in()
    require(site.valves()["STICKY"] is False, "the valves of the backup are not in force")
    answered(site, "Say hello.")


def answered(site: Site, text: str) -> tuple[str, dict[str, Any]]:
    began = time.monotonic()
    answer, usage = site.ask(text)
    require(bool(answer), f"no answer to {text!r}")
    note(f"answered in {time.monotonic() - began:.1f} s")
    return answer, usage


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)


def note(text: str) -> None:
    sys.stderr.write(f"   {text}\n")


STEPS = {step.__name__: step for step in (first, valve, kept, updated, restored)}


def main(words: list[str]) -> int:
    """`check.py PORT STEP`; 0 when it passed, 1 when not, 2 for wrong usage."""
    if len(words) != 2 or words[1] not in STEPS:
        sys.stderr.write(f"usage: check.py PORT {' | '.join(STEPS)}\n")
        return 2
    try:
        STEPS[words[1]](Site(words[0]))
    except Failed as failed:
        sys.stderr.write(f"FAILED {words[1]}: {failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
