"""A scripted server that speaks Ollama's native API.

Keeps which models are installed and loaded, checks what Ollama checks, then plays the script.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest
from .ollama_models import MODELS, OllamaModel, full_name
from .ollama_ndjson import ChatFacts, Ndjson, instance
from .play import play, reply
from .script import (
    Body,
    End,
    ErrorLine,
    Label,
    Matcher,
    Playbook,
    Raw,
    Say,
    Script,
    Sleep,
    Status,
    Step,
    Steps,
    Think,
    last_user_text,
    rough_tokens,
)

BUSY = Status(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
DEFAULT_NUM_CTX = 4096
_LOGPROBS_SINCE = (0, 12, 11)
_EMBEDDING_SIZE = 64
NO_MANIFEST = "pull model manifest: file does not exist"


def echo(body: Body) -> Steps:
    """The default script: names the model, repeats the question; fills a schema if there is one."""
    if body.get("format"):
        return [Say(json.dumps(instance(body["format"])))]
    text = last_user_text(body)
    return [Think(f"about {text}"), Say(str(body["model"])), Say(": "), Say(text)]


class OllamaServer(ScriptedServer):
    """Scripted /api/chat; real /api/{version,tags,show,ps,embed,pull}.

    `loads`: each (model, num_ctx) that had to be loaded, in order: a test of "never reload".
    `library`: what /api/pull can fetch, beside the installed models.
    """

    def __init__(
        self,
        *scripts: Script,
        models: Sequence[OllamaModel] = MODELS,
        version: str = "0.13.5",
        library: Sequence[OllamaModel] = (),
        pull_gap_s: float = 0.0,
    ) -> None:
        super().__init__()
        self.version = version
        self.models = {model.name: model for model in models}
        self.library = {model.name: model for model in (*models, *library)}
        self.pull_gap_s = pull_gap_s
        self.loads: list[tuple[str, int]] = []
        self._loaded: dict[str, int] = {}
        self._playbook = Playbook(echo)
        if scripts:
            self.answer(*scripts)

    @property
    def chats(self) -> list[RecordedRequest]:
        """The chat requests so far, refused ones included."""
        return self.asked("/api/chat")

    def answer(self, *scripts: Script) -> None:
        """Answer the next chats with these scripts, one each; the last repeats."""
        self._playbook.add(None, *scripts)

    def when(self, match: Matcher, *scripts: Script) -> None:
        """As `answer`, for one model's name or for requests that meet a predicate."""
        self._playbook.add(match, *scripts)

    def labels(self, probabilities: Mapping[str, float], match: Matcher | None = None) -> None:
        """Answer chats that match with the most probable label, and the distribution."""
        self._playbook.add(match, [Label(probabilities)])

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        """Dispatch to the endpoint."""
        match (request.method, request.path):
            case ("GET" | "HEAD", "/"):
                await exchange.reply(200, b"Ollama is running", {"content-type": "text/plain"})
            case ("GET" | "HEAD", path) if status := self._inventory(path):
                await reply(exchange, status)
            case ("POST", path) if path in self._posts:
                await self._posts[path](request.json, exchange)
            case _:
                await exchange.reply(404, b"404 page not found", {"content-type": "text/plain"})

    @property
    def _posts(self) -> dict[str, Callable[[Any, Exchange], Awaitable[None]]]:
        return {
            "/api/chat": self._chat,
            "/api/show": self._show,
            "/api/embed": self._embed,
            "/api/pull": self._pull,
        }

    def load(self, model: str, context_tokens: int) -> None:
        """Have this model in memory, as if it had just answered."""
        self._loaded[model] = context_tokens

    def unload(self, model: str) -> None:
        """Have it in memory no more."""
        self._loaded.pop(model, None)

    def _inventory(self, path: str) -> Status | None:
        if path == "/api/version":
            return Status(200, {"version": self.version})
        if path == "/api/tags":
            return Status(200, {"models": [m.listing() for m in self.models.values()]})
        if path == "/api/ps":
            known = ((self.models.get(name), ctx) for name, ctx in self._loaded.items())
            loaded = [model.running(ctx) for model, ctx in known if model]
            return Status(200, {"models": loaded})
        return None

    def _find(self, body: Any) -> OllamaModel | Status:
        """The model that a request names, or Ollama's refusal."""
        if not isinstance(body, dict):
            return _error(400, "missing request body")
        name = body.get("model") or body.get("name")
        if not name:
            return _error(400, "model is required")
        model = self.models.get(full_name(str(name)))
        return model or _error(404, f"model '{name}' not found")

    async def _show(self, body: Any, exchange: Exchange) -> None:
        found = self._find(body)
        await reply(exchange, found if isinstance(found, Status) else Status(200, found.shown()))

    async def _chat(self, body: Any, exchange: Exchange) -> None:
        model = self._find(body)
        refused = model if isinstance(model, Status) else self._refusal(model, body)
        if isinstance(model, Status) or refused:
            await reply(exchange, refused or BUSY)
            return
        if not body.get("messages"):
            await self._load_only(model, body, exchange)
            return
        steps = self._playbook.steps(body)
        facts = await self._load(model, body)
        await play(steps, exchange, Ndjson(facts), body.get("stream", True), {})

    def _refusal(self, model: OllamaModel, body: Body) -> Status | None:
        if body.get("think") and not model.can_think:
            return _error(400, f'"{body["model"]}" does not support thinking')
        if body.get("tools") and "tools" not in model.capabilities:
            return _error(400, f'"{body["model"]}" does not support tools')
        if self._has_logprobs and not 0 <= int(body.get("top_logprobs") or 0) <= 20:
            return _error(400, "top_logprobs must be between 0 and 20")
        return None

    @property
    def _has_logprobs(self) -> bool:
        return tuple(int(part) for part in self.version.split(".")) >= _LOGPROBS_SINCE

    async def _load(self, model: OllamaModel, body: Body) -> ChatFacts:
        """Load the model unless it runs with this context already."""
        wanted = int((body.get("options") or {}).get("num_ctx") or DEFAULT_NUM_CTX)
        num_ctx, load_s = min(wanted, model.context_tokens), 0.0
        if self._loaded.get(model.name) != num_ctx:
            load_s = model.load_s
            self.loads.append((model.name, num_ctx))
            await asyncio.sleep(load_s)
            self._loaded[model.name] = num_ctx
        logprobs = bool(body.get("logprobs")) and self._has_logprobs
        return ChatFacts(body, model.thinks(body), logprobs, num_ctx, load_s)

    async def _load_only(self, model: OllamaModel, body: Body, exchange: Exchange) -> None:
        """Empty messages load the model; with keep_alive 0 they unload it."""
        if body.get("keep_alive") == 0:
            self._loaded.pop(model.name, None)
            reason = "unload"
        else:
            await self._load(model, body)
            reason = "load"
        done: dict[str, Any] = {"model": body["model"], "created_at": "2026-11-01T12:00:00Z"}
        done |= {"message": {"role": "assistant", "content": ""}}
        await reply(exchange, Status(200, done | {"done": True, "done_reason": reason}))

    async def _embed(self, body: Any, exchange: Exchange) -> None:
        model = self._find(body)
        if isinstance(model, Status):
            await reply(exchange, model)
            return
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input") or []
        size = int(body.get("dimensions") or _EMBEDDING_SIZE)
        answer = {"model": body["model"], "embeddings": [embedding(t, size) for t in texts]}
        counters = {"total_duration": 1_000_000, "load_duration": 100_000}
        counters |= {"prompt_eval_count": sum(rough_tokens(text) for text in texts)}
        await reply(exchange, Status(200, answer | counters))

    async def _pull(self, body: Any, exchange: Exchange) -> None:
        name = full_name(str((body or {}).get("model") or (body or {}).get("name") or ""))
        model = self.library.get(name)
        if (body or {}).get("stream", True):
            dialect = Ndjson(ChatFacts({"model": name}, False, False, 0))
            await play(pull_steps(model, self.pull_gap_s), exchange, dialect, True, {})
        elif model:
            await reply(exchange, Status(200, {"status": "success"}))
        else:
            await reply(exchange, _error(500, NO_MANIFEST))
        if model:
            self.models[name] = model


def pull_steps(model: OllamaModel | None, gap_s: float) -> Steps:
    """The progress lines of a pull, with a pause before each layer's; or the error line."""
    steps: list[Step] = [_progress(status="pulling manifest")]
    if model is None:
        return [*steps, ErrorLine(NO_MANIFEST)]
    layer = {"digest": f"sha256:{model.digest}", "total": model.size_bytes}
    for tenths in (0, 3, 7, 10):
        done = {"completed": model.size_bytes * tenths // 10} if tenths else {}
        steps.append(Sleep(gap_s))
        steps.append(_progress(status=f"pulling {model.digest[:12]}", **layer, **done))
    last = ("verifying sha256 digest", "writing manifest", "success")
    return [*steps, *(_progress(status=status) for status in last), End()]


def _progress(**fields: Any) -> Raw:
    return Raw(json.dumps(fields).encode() + b"\n")


def embedding(text: str, size: int = _EMBEDDING_SIZE) -> list[float]:
    """A deterministic unit vector: texts that share words are near to each other."""
    vector = [0.0] * size
    for word in text.lower().split() or [""]:
        value = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        vector[value % size] += 1.0 if value >> 63 else -1.0
    norm = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / norm for x in vector]


def _error(code: int, text: str) -> Status:
    return Status(code, {"error": text})
