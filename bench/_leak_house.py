"""A household that hears everything that leaves it, while things go wrong all the time.

The real manifold in this process between a scripted Ollama and a scripted xAI (tests/faults). The
classifier calls every turn COMPLEX, so that all that may leave does; files, pictures and what tools
return may leave, so that only what is found in them keeps them here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.faults.case import Place
from tests.faults.household import BY_NAME, Household
from tests.privacy.adversity import (
    CLOUD_EVERY,
    LOCAL_EVERY,
    all_complex,
    now_and_then,
)
from tests.privacy.generate import PrivateTurn
from tests.server.questions import question_of
from tests.servers import RecordedRequest
from tests.servers.faults import NDJSON, SSE

from hal.compose import conversation_id

MINI, NANO = "nemotron-mini:4b", "nemotron-3-nano:30b"
# Retries wait up to a second; as many others go on meanwhile.
AT_ONCE = 24
TOKEN = re.compile(r"\[\[[A-Z]{2,7}_[A-Z0-9]{3}_\d")
VALVES = {
    "CLASSIFIER_MODEL": MINI,
    "CLASSIFIER_DEADLINE_S": 20,
    "CLOUD_CONFIDENCE": 0,
    "CLOUD_WHEN_UNSURE": "cloud",
    "CLOUD_ATTACHMENTS": True,
    "CLOUD_CONCURRENT": 0,
    "CLOUD_PER_MINUTE": 0,
    "TURN_BUDGET_USD": -1,
    "DAILY_BUDGET_USD": -1,
    "MONTHLY_BUDGET_USD": -1,
}


@dataclass(slots=True)
class Heard:
    """All that left, and which turns it came from. `shown`: tokens that a user or the local model
    was shown."""

    sent: list[bytes] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    shown: int = 0
    happened: Counter[str] = field(default_factory=Counter)


class LeakHouse:
    """`mode`: PRIVACY_MODE. With `cache` answers are kept, without it the local one is begun ahead:
    hal-auto does either."""

    def __init__(self, mode: str, *, cache: bool) -> None:
        more = {"PRIVACY_MODE": mode, "CACHE": "exact" if cache else "off", "SPECULATE": True}
        self._house = Household(BY_NAME["500"], Place.LOCAL_FIRST, VALVES | more)
        ollama, xai = self._house.ollama, self._house.xai
        ollama.load(MINI, 4096)
        ollama.load(NANO, 32_768)
        ollama.answer(now_and_then(LOCAL_EVERY, NDJSON))
        ollama.when(lambda body: question_of(body) is not None, all_complex)
        xai.answer(now_and_then(CLOUD_EVERY, SSE))
        self.heard = Heard()

    def __enter__(self) -> LeakHouse:
        self._house.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._house.__exit__(*exc_info)

    def ask(self, turns: Iterable[PrivateTurn], again: Sequence[PrivateTurn] = ()) -> None:
        """Ask all of them, some at the same time, and afterwards some of them `again`."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for batch in (turns, again):
                self.heard.shown += sum(pool.map(self._tokens_shown, batch))
        self._collect()

    def has_heard_of(self, turn: PrivateTurn) -> bool:
        return str(conversation_id(turn.turn.metadata["chat_id"])) in self.heard.reached

    def why_not(self, turn: PrivateTurn) -> str:
        """In the log's words, why a turn has not left."""
        row = self._house.log.turns(turn.turn.metadata["chat_id"])[0]
        words = ["answered from cache"] if row["cache"] else [row["reason"], *row["notes"]]
        return ", ".join([*words, *row["degradations"]])

    def finish(self) -> Counter[str]:
        """What the session log says has happened; and as many egress rows as requests."""
        happened = self.heard.happened
        for row in self._house.log.turns():
            happened["answered from cache"] += bool(row["cache"])
            happened["begun ahead"] += bool(row["speculation"])
            happened["retried"] += any("_retried" in each for each in row["degradations"])
            happened["fallen back"] += any("retried" not in each for each in row["degradations"])
            happened[f"outcome {row['outcome']}"] += 1
        happened["egress rows"] = len(self._house.log.rows("egress"))
        return happened

    def _tokens_shown(self, private: PrivateTurn) -> int:
        answer = self._house.ask(private.turn)
        return len(TOKEN.findall(answer.text + answer.reasoning))

    def _collect(self) -> None:
        for request in list(self._house.xai.requests):
            self.heard.sent.append(_bytes_of(request))
            self.heard.reached.add(request.headers.get("x-grok-conv-id", ""))
            self.heard.happened["requests"] += request.method == "POST"
        self._house.xai.forget()
        for request in list(self._house.ollama.chats):
            self.heard.shown += len(TOKEN.findall(request.body.decode()))
        self._house.ollama.forget()


def _bytes_of(request: RecordedRequest) -> bytes:
    head = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return f"{request.path}?{request.query}\n{head}\n\n".encode() + request.body
