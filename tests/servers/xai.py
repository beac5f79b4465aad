"""A scripted server that speaks xAI's OpenAI-compatible dialect.

Checks what the real one checks (key, model, parameters, prompt length), then plays the script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest
from .play import play, reply
from .script import (
    Body,
    Matcher,
    Playbook,
    Say,
    Script,
    Status,
    Steps,
    last_user_text,
    prompt_tokens,
)
from .xai_sse import Sse, XaiModel

KEY = "xai-test-key"
ErrorShape = Literal["xai", "plain", "openai"]
_CREATED = 1_790_000_000


MODELS = (
    XaiModel("grok-4.3"),
    XaiModel("grok-4.7", 500_000, prices=(2.00, 0.50, 6.00)),
    XaiModel("grok-4.20-non-reasoning", reasoning=False),
)


def echo(body: Body) -> Steps:
    """The default script: names the server and repeats the question."""
    return [Say("cloud"), Say(": "), Say(last_user_text(body))]


class XaiServer(ScriptedServer):
    """`POST /v1/chat/completions`, streamed or not, and `GET /v1/models`.

    `wrong_key_status`: 401, or the 400 that has been seen too. `headers` go with every answer.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[XaiModel] = MODELS,
        api_key: str = KEY,
        error_shape: ErrorShape = "xai",
        wrong_key_status: int = 401,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.models = {model.id: model for model in models}
        self.api_key = api_key
        self.error_shape: ErrorShape = error_shape
        self.wrong_key_status = wrong_key_status
        self.headers = {"x-request-id": "req-test", "x-zero-data-retention": "false"}
        self.headers |= dict(headers or {})
        self._playbook = Playbook(echo)
        if scripts:
            self.answer(*scripts)

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return f"{self.url}/v1"

    @property
    def chats(self) -> list[RecordedRequest]:
        """The chat requests so far, refused ones included."""
        return self.asked("/v1/chat/completions")

    def answer(self, *scripts: Script) -> None:
        """Answer the next requests with these scripts, one each; the last repeats."""
        self._playbook.add(None, *scripts)

    def when(self, match: Matcher, *scripts: Script) -> None:
        """As `answer`, for one model's name or for requests that meet a predicate."""
        self._playbook.add(match, *scripts)

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        """Check the key, then answer models or chat."""
        match (request.method, request.path):
            case _ if request.headers.get("authorization") != f"Bearer {self.api_key}":
                status = self._error(self.wrong_key_status, "Incorrect API key provided.")
            case ("GET", "/v1/models"):
                status = Status(200, {"object": "list", "data": self._listing()})
            case ("POST", "/v1/chat/completions"):
                await self._chat(request.json, exchange)
                return
            case _:
                status = self._error(404, f"No such endpoint: {request.path}")
        await reply(exchange, status, self.headers)

    def _listing(self) -> list[dict[str, Any]]:
        common = {"created": _CREATED, "object": "model", "owned_by": "xai"}
        return [{"id": model} | common for model in self.models]

    async def _chat(self, body: Any, exchange: Exchange) -> None:
        if refused := self._refusal(body):
            await reply(exchange, refused, self.headers)
            return
        dialect = Sse(body, self.models[body["model"]], self.error_body)
        steps = self._playbook.steps(body)
        await play(steps, exchange, dialect, bool(body.get("stream")), self.headers)

    def _refusal(self, body: Any) -> Status | None:
        """The error with which the real server would answer, if any."""
        if not isinstance(body, dict) or not body.get("messages"):
            return self._error(422, "Failed to deserialize the JSON body: missing field messages")
        model = self.models.get(str(body.get("model")))
        if model is None:
            text = f"The model {body.get('model')} does not exist or your team has no access to it."
            return self._error(404, text)
        if "search_parameters" in body:
            return self._error(
                410, "Live search is deprecated. Please switch to the Agent Tools API"
            )
        if name := _unsupported(body, model):
            return self._error(400, f"Argument not supported on this model: {name}")
        if (size := prompt_tokens(body)) > model.context_tokens:
            text = f"This model's maximum prompt length is {model.context_tokens} but the request"
            return self._error(400, f"{text} contains {size} tokens.")
        return None

    def _error(self, code: int, text: str) -> Status:
        return Status(code, self.error_body(text, code))

    def error_body(self, text: str, code: int = 500) -> dict[str, Any]:
        """An error in the shape that this server was told to use."""
        if self.error_shape == "openai":
            return {"error": {"message": text, "type": "error", "param": None, "code": code}}
        if self.error_shape == "plain":
            return {"error": text}
        return {"code": _CODES.get(code, "The system is currently unavailable"), "error": text}


_CODES = {
    400: "Client specified an invalid argument",
    401: "Unauthenticated",
    404: "Some requested entity was not found",
    410: "Gone",
    422: "Unprocessable",
}


def _unsupported(body: Body, model: XaiModel) -> str | None:
    reasoning_refuses = ("stop", "presence_penalty", "frequency_penalty")
    refused = reasoning_refuses if model.reasoning else ("reasoning_effort",)
    return next((name for name in refused if body.get(name) is not None), None)
