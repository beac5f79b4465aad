"""The embedding model in the real server, asked by the client that production uses."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Sequence

import ollama
import pytest

from hal.embedded.errors import ModelUnavailable
from hal.embedded.fetch import ensure_model
from hal.embedded.launch import EmbeddedProcess, start

pytestmark = pytest.mark.engine

MODEL = "all-minilm"
# The first dimensions of the published model for "Hello World", computed with another runtime
# (onnxruntime, from the same weights).
HELLO_WORLD = (-0.0345, 0.0309, 0.0067, 0.0261, -0.0394, -0.1604, 0.0669)


@pytest.fixture(scope="module")
def embedder() -> Iterator[EmbeddedProcess]:
    """Run a server with the embedding model alone; the first test may download 83 MB."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install 'hal-auto[embedded]'")
    try:
        ensure_model(MODEL)
    except ModelUnavailable as error:
        pytest.skip(str(error))
    process = start([MODEL], extra=["--threads", "1"], timeout_s=45)
    yield process
    process.stop()


@pytest.fixture
def client(embedder: EmbeddedProcess) -> Iterator[ollama.Client]:
    made = ollama.Client(embedder.url, timeout=30)
    yield made
    made._client.close()


def alike(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_it_is_the_published_model(client: ollama.Client) -> None:
    (vector,) = client.embed(MODEL, "Hello World").embeddings
    assert len(vector) == 384
    assert math.hypot(*vector) == pytest.approx(1.0, abs=1e-3)
    assert vector[: len(HELLO_WORLD)] == pytest.approx(HELLO_WORLD, abs=2e-3)


def test_paraphrases_are_near_and_case_does_not_matter(client: ollama.Client) -> None:
    egg, again, tax, shouted = client.embed(
        MODEL,
        [
            "How do I boil an egg?",
            "How can I boil an egg?",
            "What is a quarterly tax report?",
            "HOW DO I BOIL AN EGG?",
        ],
    ).embeddings
    assert alike(egg, again) > 0.95
    assert alike(egg, tax) < 0.3
    assert alike(egg, shouted) == pytest.approx(1.0, abs=1e-3)


def test_a_text_beyond_its_window_is_cut(client: ollama.Client) -> None:
    reply = client.embed(MODEL, "egg " * 2000)
    assert reply.prompt_eval_count == 512
    with pytest.raises(ollama.ResponseError, match="exceeds the context length"):
        client.embed(MODEL, "egg " * 2000, truncate=False)


def test_it_says_what_it_can_do(client: ollama.Client) -> None:
    shown = client.show(MODEL)
    assert shown.capabilities == ["embedding"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["bert.embedding_length"] == 384
    assert "all-minilm:latest" in {item.model for item in client.list().models}
    assert "all-minilm:latest" in {item.model for item in client.ps().models}


@pytest.mark.parametrize("call", ["chat", "generate"])
def test_it_does_not_answer(client: ollama.Client, call: str) -> None:
    argument = [{"role": "user", "content": "hi"}] if call == "chat" else "hi"
    with pytest.raises(ollama.ResponseError, match=f"does not support {call}") as caught:
        getattr(client, call)(MODEL, argument)
    assert caught.value.status_code == 400
