"""The real server with the smallest model, started once; skips when the model cannot be had."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import ollama
import pytest

from hal.embedded.errors import ModelUnavailable
from hal.embedded.fetch import ensure_model
from hal.embedded.launch import EmbeddedProcess, start

MODEL = "smollm2:135m"
ALIAS = "nemotron-mini:4b"
CONTEXT_TOKENS = 320  # small, so that overflowing it takes seconds, not half a minute


@pytest.fixture(scope="session")
def model() -> str:
    """Name a model that is here; the first test that asks for it may download 98 MB."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install 'hal-auto[embedded]'")
    try:
        ensure_model(MODEL)
    except ModelUnavailable as error:
        pytest.skip(str(error))
    return MODEL


@pytest.fixture(scope="session")
def server(model: str) -> Iterator[EmbeddedProcess]:
    """Run one server for all tests; one thread, so that it can share the machine."""
    extra = ["--threads", "1", "--context", str(CONTEXT_TOKENS)]
    process = start([model], aliases={ALIAS: model}, extra=extra, timeout_s=45)
    yield process
    process.stop()


@pytest.fixture
def client(server: EmbeddedProcess) -> Iterator[ollama.Client]:
    """Give the client that production uses."""
    made = ollama.Client(server.url, timeout=30)
    yield made
    made._client.close()
