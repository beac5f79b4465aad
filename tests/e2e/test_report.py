"""From a thumb in the browser to a figure in the report, by the commands that a user types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from playwright.sync_api import expect

from tests.harness.interpreters import REPO
from tests.server.logbook import wait_until
from tests.servers import Say, Sleep, Stall

from .conftest import Shoot
from .page import ChatPage
from .stack import Stack

Json = dict[str, Any]


def hal(stack: Stack, *words: str) -> Json:
    """One command on the data folder of the running server; its JSON."""
    env = {
        **os.environ,
        "PYTHONPATH": str(REPO / "pipelines"),
        "HAL_DATA_DIR": str(stack.house.server.data),
        "OPEN_WEBUI_API_KEY": stack.webui.token(),
    }
    command = [sys.executable, "-m", "hal.cli", *words, "--json"]
    done = subprocess.run(command, env=env, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    return found


def signals(stack: Stack) -> dict[str, int]:
    """How many turns each signal is about."""
    report = hal(stack, "report")
    return {entry["name"]: entry["turns"]["hits"] for entry in report["quality"]["signals"]}


def test_a_thumb_a_regenerate_and_a_stop_are_in_the_report(
    chat: ChatPage, stack: Stack, shoot: Shoot
) -> None:
    hal(stack, "feedback", "pull", "--url", stack.webui.url)  # what other tests have rated
    before = signals(stack)

    rated = chat.ask("Good morning, how do you do?")
    chat.settled()
    rated.button("Bad Response").click()
    expect(rated.button("Save")).to_be_visible()
    pulled = hal(stack, "feedback", "pull", "--url", stack.webui.url)
    assert pulled["new"] == 1, pulled

    rated.button("Close feedback").click()
    rated.button("Regenerate").click()
    chat.page.get_by_role("button", name="Try Again").click()
    again = chat.last().wait()
    chat.settled()
    assert again.id != rated.id

    stack.house.answer_with(
        [*(step for n in range(9) for step in (Say(f"{n} "), Sleep(0.05))), Stall()]
    )
    stopped = chat.send("Count, please.")
    expect(stopped.box).to_contain_text("8")
    chat.stop()
    stopped.wait()
    stack.turn(stopped.id, "stopped")
    shoot("rated-regenerated-stopped")

    wanted = ("user_thumb", "regenerate", "stop")
    expected = {name: before.get(name, 0) + 1 for name in wanted}
    wait_until(
        lambda: {name: signals(stack).get(name, 0) for name in wanted} == expected,
        30.0,
        lambda: f"{signals(stack)} instead of {expected}",
    )
    row = stack.turn(rated.id)
    (thumb,) = stack.house.log.rows("score", "turn_id = ? AND name = 'user_thumb'", row["id"])
    assert (thumb["value"] < 0, thumb["source"]) == (True, "human")
