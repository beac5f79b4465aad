"""Open WebUI's list of ratings as 0.12.4 serves it to administrators, and as older versions did.

Follows routers/evaluations.py and models/feedbacks.py: pages of 30, the newest change first, no
chat in the list, and the page of the user interface for every path that is not known.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from .base import ScriptedServer
from .exchange import Exchange, RecordedRequest

API = "/api/v1/evaluations"
KEY = "sk-0123456789abcdef0123456789abcdef"
PAGE_ITEMS = 30
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
# What stands in a chat must not come out of a pull.
SECRET = "the text of the whole chat"
UI = b"<!doctype html><html><head><title>Open WebUI</title></head><body></body></html>"

Json = dict[str, Any]


def feedback(id: str = "f1", **changes: Any) -> Json:
    """An item as the browser makes it: a thumb with its reason, comment and number."""
    given = {
        "chat_id": "chat-1",
        "message_id": "m1",
        "parent_id": "u1",
        "rating": 1,
        "number": None,
        "reason": "",
        "comment": "",
        "model_id": "hal.auto",
        "siblings": None,
        "updated_at": 1_772_366_500,
        **changes,
    }
    data: Json = {
        "rating": given["rating"],
        "model_id": given["model_id"],
        "sibling_model_ids": given["siblings"],
        "reason": given["reason"] or None,
        "comment": given["comment"] or None,
        "tags": ["General"],
        "details": None if given["number"] is None else {"rating": given["number"]},
    }
    message = {"id": given["message_id"], "parentId": given["parent_id"], "content": SECRET}
    return {
        "id": id,
        "user_id": "user-1",
        "version": 0,
        "type": "rating",
        "data": data,
        "meta": {
            "arena": False,
            "model_id": given["model_id"],
            "message_id": given["message_id"],
            "message_index": 2,
            "chat_id": given["chat_id"],
            "base_models": {given["model_id"]: None},
        },
        "snapshot": {
            "chat": {
                "id": given["chat_id"],
                "title": SECRET,
                "chat": {"history": {"messages": {given["message_id"]: message}}},
            }
        },
        "created_at": given["updated_at"],
        "updated_at": given["updated_at"],
    }


class OpenWebUIAdmin(ScriptedServer):
    """`feedbacks` is what people gave. `version` is "0.12", "0.6" or "0.5"; `says` answers instead.

    0.12 has the paged list; 0.6 all at once; 0.5 only the export, with chats.
    """

    def __init__(self, *feedbacks: Json, version: str = "0.12") -> None:
        super().__init__()
        self.feedbacks = list(feedbacks)
        self.version = version
        self.key = KEY
        self.says: Callable[[Exchange], Awaitable[None]] | None = None

    async def handle(self, request: RecordedRequest, exchange: Exchange) -> None:
        if self.says is not None:
            await self.says(exchange)
        elif not (path := self._known(request.path)):
            await exchange.reply(200, UI, HTML)
        elif request.headers.get("authorization") != f"Bearer {self.key}":
            await self._json(exchange, {"detail": "Your session has expired."}, 401)
        else:
            await self._json(exchange, self._document(path, request.query))

    def _known(self, path: str) -> str:
        rest = path.removeprefix(API)
        known = {
            "0.12": ("/feedbacks/list", "/feedbacks/all/export"),
            "0.6": ("/feedbacks/all", "/feedbacks/all/export"),
            "0.5": ("/feedbacks/all/export",),
        }[self.version]
        is_one = rest.startswith("/feedback/")
        return rest if rest != path and (rest in known or is_one) else ""

    def _document(self, path: str, query: str) -> Any:
        newest = sorted(self.feedbacks, key=lambda each: -each["updated_at"])
        if path.endswith("/export"):
            return newest
        if path.startswith("/feedback/"):
            return next(each for each in newest if each["id"] == path.split("/")[-1])
        bare = [{k: v for k, v in each.items() if k != "snapshot"} for each in newest]
        if path == "/feedbacks/all":
            return bare
        user = {"id": "user-1", "name": "Jane", "email": "jane@example.org", "role": "user"}
        start = (int(parse_qs(query)["page"][0]) - 1) * PAGE_ITEMS
        page = [{**each, "user": user} for each in bare[start : start + PAGE_ITEMS]]
        return {"items": page, "total": len(bare)}

    async def _json(self, exchange: Exchange, document: Any, code: int = 200) -> None:
        await exchange.reply(code, json.dumps(document).encode(), JSON)
