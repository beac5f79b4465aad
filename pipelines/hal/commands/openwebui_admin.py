"""Reads ratings from Open WebUI's API for administrators, page by page.

Knows the paths of its versions, and every way in which a server can fail to answer. The key goes to
the one address that was given, past no proxy and after no redirect, and is in no message. What an
item means is known to `openwebui_ratings`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from ..addresses import host_and_port, is_public, without_user
from ..errors import ConfigError, HalError
from .openwebui_ratings import is_item, updated_at

# To connect, and between two pieces of an answer: an export is read from the disk first.
TIMEOUT_S = (5.0, 60.0)
# A whole answer. A page of 30 ratings is some kilobytes; only old versions send all at once, some
# of them with whole chats.
ANSWER_MAX_S = 300.0
ANSWER_MAX_BYTES = 64 << 20
# Nobody has rated that much; a server that answers every page with new items has no end.
PAGES_MAX = 10_000

_API = "/api/v1/evaluations"
# The newest first. 0.12 has the first one; before 0.6.36 the second; both without any chat. The
# third one brings whole chats, which are dropped as they come.
_PAGED = f"{_API}/feedbacks/list"
_WHOLE = (f"{_API}/feedbacks/all", f"{_API}/feedbacks/all/export")

_KEY_REMEDY = (
    "It has to be the key of an administrator: Settings > Account > API keys in Open WebUI."
)
_KEYS_OFF = (
    "API keys are switched off there (Admin Settings > General, or ENABLE_API_KEYS=true in its "
    "environment), or limited to other endpoints: this one is " + _API + "."
)


class AdminApiFailed(HalError):
    """Open WebUI gave no ratings; the sentence says why."""

    code = "open_webui"


class _NotThere(AdminApiFailed):
    """This path is none of this version's."""


class AdminApi:
    """The API at one address, for the length of a `with`; every method may raise AdminApiFailed."""

    def __init__(self, url: str, key: str, *, allow_remote: bool = False) -> None:
        self._url = _checked_url(url, allow_remote)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no password of the environment's
        self._session.headers.update(
            {"Authorization": f"Bearer {_checked_key(key)}", "Accept": "application/json"}
        )

    def __enter__(self) -> AdminApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @property
    def name(self) -> str:
        """What the ratings come from, for the log: the host and the port."""
        return host_and_port(self._url)

    def items(self, since_s: float | None) -> Iterator[Mapping[str, Any]]:
        """Ratings changed from `since_s` (unix seconds) on, the newest first; None: all of them.

        One may come twice when somebody rates meanwhile.
        """
        try:
            first = self._page(1)
        except _NotThere:
            yield from self._whole(since_s)
            return
        yield from self._pages(first, since_s)

    def parent_of(self, feedback_id: str, message_id: str) -> str | None:
        """The question that a rated answer belongs to, from the chat that is kept with the rating;
        the chat itself is dropped."""
        document = self._get(f"{_API}/feedback/{_checked_id(feedback_id)}")
        for name in ("snapshot", "chat", "chat", "history", "messages", message_id, "parentId"):
            document = document.get(name) if isinstance(document, dict) else None
        return document if isinstance(document, str) else None

    def _pages(
        self, first: Mapping[str, Any], since_s: float | None
    ) -> Iterator[Mapping[str, Any]]:
        page, number = first, 1
        while items := _items(page):
            yield from items
            oldest = min(updated_at(item) for item in items)
            if (since_s is not None and oldest < since_s) or number >= PAGES_MAX:
                return
            number += 1
            page = self._page(number)

    def _page(self, number: int) -> Mapping[str, Any]:
        document = self._get(
            _PAGED, {"order_by": "updated_at", "direction": "desc", "page": str(number)}
        )
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            raise self._unknown_shape()
        return document

    def _whole(self, since_s: float | None) -> Iterator[Mapping[str, Any]]:
        """All of them in one answer, as older versions have it."""
        why: AdminApiFailed | None = None
        for path in _WHOLE:
            try:
                document = self._get(path)
            except _NotThere as error:
                why = error
                continue
            if not isinstance(document, list):
                raise self._unknown_shape()
            wanted = _items({"items": document})
            yield from (item for item in wanted if updated_at(item) >= (since_s or -math.inf))
            return
        raise why or self._unknown_shape()

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            reply = self._session.get(
                self._url + path,
                params=query,
                timeout=TIMEOUT_S,
                allow_redirects=False,
                stream=True,
            )
            with reply:
                self._check(reply)
                return json.loads(self._body(reply))
        except requests.RequestException as error:
            raise self._unanswered(error) from None
        except (ValueError, RecursionError):
            raise self._no_json() from None

    def _check(self, reply: requests.Response) -> None:
        status = reply.status_code
        if reply.is_redirect:
            to = host_and_port(reply.headers.get("location", "")) or "another page"
            raise AdminApiFailed(
                f"{self.name} sends on to {to}.", "Give the address it sends to with --url."
            )
        if status == requests.codes.unauthorized:
            raise AdminApiFailed(f"Open WebUI at {self.name} refuses the key (401).", _KEY_REMEDY)
        if status == requests.codes.forbidden:
            raise AdminApiFailed(f"Open WebUI at {self.name} refuses the key (403).", _KEYS_OFF)
        if status in (requests.codes.not_found, requests.codes.not_allowed):
            raise self._no_list(f"answers {status}")
        if status != requests.codes.ok:
            raise AdminApiFailed(
                f"Open WebUI at {self.name} answers {status}.", "Its own log says why."
            )
        # What it does not know, Open WebUI answers with the page of its own user interface.
        if "html" in reply.headers.get("content-type", "").lower():
            raise self._no_list("answers with a page instead of JSON")

    def _body(self, reply: requests.Response) -> bytes:
        deadline = time.monotonic() + ANSWER_MAX_S
        body = bytearray()
        for piece in reply.iter_content(1 << 16):
            body += piece
            if len(body) > ANSWER_MAX_BYTES:
                raise AdminApiFailed(
                    f"The answer of {self.name} is longer than {ANSWER_MAX_BYTES >> 20} MB.",
                    "Update Open WebUI: newer versions send ratings page by page, without chats.",
                )
            if time.monotonic() > deadline:
                raise AdminApiFailed(f"The answer of {self.name} takes too long.", "Try again.")
        return bytes(body)

    def _unanswered(self, error: requests.RequestException) -> AdminApiFailed:
        if isinstance(error, requests.Timeout) or _is_late(error):
            return AdminApiFailed(f"{self.name} does not answer in time.", "Try again.")
        if isinstance(error, requests.exceptions.SSLError):
            return AdminApiFailed(
                f"No safe connection to {self.name}.",
                "Is it https at all, and its certificate valid?",
            )
        return AdminApiFailed(
            f"Nothing answers at {self.name}.",
            "Start Open WebUI, or give its address with --url.",
        )

    def _no_list(self, what: str) -> _NotThere:
        return _NotThere(
            f"{self.name} has no list of ratings: it {what}.",
            "Is --url the address of Open WebUI itself (0.5 or newer), without /api or /v1?",
        )

    def _no_json(self) -> AdminApiFailed:
        return AdminApiFailed(f"{self.name} does not answer with JSON.", "Is --url right?")

    def _unknown_shape(self) -> AdminApiFailed:
        return AdminApiFailed(
            f"{self.name} answers with ratings of a shape that is not known here.",
            "Update hal-auto; if that does not help, report the version of Open WebUI.",
        )


def _is_late(error: requests.RequestException) -> bool:
    """Within an answer, requests takes the timeout of its own client for a lost connection."""
    return any(isinstance(cause, ReadTimeoutError) for cause in error.args)


def _items(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in page["items"] if is_item(item)]


def _checked_url(url: str, allow_remote: bool) -> str:
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
        is_url = parts.scheme in {"http", "https"} and bool(host) and parts.port != 0
    except ValueError:
        raise ConfigError("--url is no address.", "For example http://127.0.0.1:3000.") from None
    if not is_url:
        raise ConfigError("--url is no address.", "For example http://127.0.0.1:3000.")
    if is_public(host):
        if not allow_remote:
            raise ConfigError(
                f"{host} lies outside your own network: the key would leave it.",
                "Add --allow-remote if that is meant.",
            )
        if parts.scheme != "https":
            raise ConfigError(f"The key would go to {host} in clear.", "Use https.")
    return without_user(f"{parts.scheme}://{parts.netloc}{parts.path}").rstrip("/")


def _checked_key(key: str) -> str:
    """The client's own complaint about a header would show it."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("The key has characters that no key has.", "Is it the right file?")
    return key


def _checked_id(feedback_id: str) -> str:
    if not feedback_id.replace("-", "").isalnum() or not feedback_id.isascii():
        raise AdminApiFailed("A rating has an id that is none.")
    return feedback_id
