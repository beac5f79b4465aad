"""The one-file bundle, and a house whose server begins without any pipeline.

Knows how an admin brings a file into the server; nothing of what it should answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import requests

from hal.lab.bundle.compose import PIPELINE, bundle
from tests.harness import PipelinesServer
from tests.harness.interpreters import python
from tests.harness.sse import Json
from tests.servers import refused_url

from .house import House

# The server runs pip for what the bundle requires. All of it is there; and the old pydantic of the
# pinned set must stay, whatever the metadata of the client of Ollama wishes.
NO_PIP = {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class EmptyServer(PipelinesServer):
    """A server without a pipeline, into which the file at `source` is brought: `how` it is at the
    start ("upload", "url"), or "" for not yet."""

    how = ""

    def _lay_out(self, source: Path, copy: bool) -> None:
        super()._lay_out(source, copy)
        (self.pipelines / source.name).unlink()
        self.source = source

    def start(self) -> Self:
        super().start()
        if self.how == "upload":
            self.upload()
        elif self.how == "url":
            self.install_from_url()
        return self

    def valves(self) -> Json:
        """None of them before there is a pipeline."""
        return super().valves() if self.models() else {}

    def upload(self) -> None:
        with self.source.open("rb") as file:
            self._post("/pipelines/upload", files={"file": (self.source.name, file)})

    def install_from_url(self) -> None:
        with self.published() as url:
            self._post("/pipelines/add", json={"url": url})

    @contextmanager
    def published(self) -> Iterator[str]:
        """The address of the file, for as long as somebody may fetch it."""
        handler = partial(SimpleHTTPRequestHandler, directory=str(self.source.parent))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/{self.source.name}"
            server.shutdown()
            thread.join()

    def remove(self) -> None:
        """Delete the pipeline, as the panel's button does."""
        self._json("DELETE", "/pipelines/delete", {"id": self.pipeline_id})

    def _post(self, path: str, **more: Any) -> None:
        url = f"{self.url}{path}"
        reply = requests.post(url, headers=self._headers, timeout=50, **more)
        assert reply.json()["status"] is True, reply.text


class BundleHouse(House):
    """The house with an empty server, and the bundle brought into it, or ready beside it."""

    def __init__(self, folder: Path, interpreter: str, how: str) -> None:
        super().__init__(folder, interpreter=interpreter)
        self.how = how

    def _server(self) -> PipelinesServer:
        folder, interpreter, _, key, _, env = self._make
        built = folder / "built"
        built.mkdir(parents=True)
        (built / PIPELINE.name).write_text(bundle(PIPELINE), encoding="utf-8")
        addresses = {
            "HAL_OLLAMA_BASE_URL": self.ollama.url,
            "HAL_XAI_API_BASE_URL": self.xai.base_url,
            "HAL_SEARXNG_URL": refused_url(),
            "HAL_SPECULATE": "False",
            "XAI_API_KEY": str(key),
        }
        source = built / PIPELINE.name
        server = EmptyServer(
            folder, python=python(interpreter), env=addresses | NO_PIP | env, source=source
        )
        server.how = self.how
        return server
