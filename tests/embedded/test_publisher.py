"""The publisher's address, played by a server on loopback that knows ranges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hal.embedded.errors import ModelUnavailable
from hal.embedded.fetch import ensure_model
from hal.embedded.sources import Publisher
from tests.embedded.packages import tiny_model

MIB = 1 << 20
BIG = bytes(range(256)) * (3 * MIB // 256)


class Shop(BaseHTTPRequestHandler):
    """Serves /whole, /cut (closes in the middle) and nothing else; honours Range."""

    asked: list[str]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.asked.append(f"{self.path} {wanted}".strip())
        if self.path not in ("/whole", "/cut"):
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
        body = BIG[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: 2 * MIB + 5] if self.path == "/cut" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[ThreadingHTTPServer]:
    Shop.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def address(shop: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{shop.server_port}{path}"


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAL_EMBEDDED_MODEL", raising=False)


def test_the_file_comes_in_one_go(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    model = tiny_model(address(shop, "/whole"), BIG)
    assert ensure_model(model, tmp_path, sources=[Publisher()]).read_bytes() == BIG


def test_only_what_is_missing_is_asked_for(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="publisher: not reachable"):
        ensure_model(tiny_model(address(shop, "/cut"), BIG), tmp_path, sources=[Publisher()])
    model = tiny_model(address(shop, "/whole"), BIG)
    assert ensure_model(model, tmp_path, sources=[Publisher()]).read_bytes() == BIG
    assert Shop.asked == ["/cut", f"/whole bytes={2 * MIB}-"]


def test_a_refusal_is_named(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="publisher: HTTP 404"):
        ensure_model(tiny_model(url=address(shop, "/gone")), tmp_path, sources=[Publisher()])
