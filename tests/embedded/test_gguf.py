"""What is made out of a model's weights is a GGUF file with the same numbers in it."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from hal.embedded.gguf import NotBert, converted
from tests.embedded.packages import WORDS, tiny_weights

SCALARS = {4: "I", 5: "i", 6: "f", 7: "?"}


class Gguf:
    """Reads a GGUF file by its specification."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0
        assert raw[:4] == b"GGUF"
        self.at = 4
        version, tensors, facts = self.take("IQQ")
        assert version == 3
        self.facts = {self.text(): self.value(*self.take("I")) for _ in range(facts)}
        found = [self.tensor() for _ in range(tensors)]
        data = -(-self.at // 32) * 32
        self.tensors = {
            name: self.numbers(kind, shape, data + at) for name, shape, kind, at in found
        }
        self.shapes = {name: shape for name, shape, _, _ in found}
        self.kinds = {name: kind for name, _, kind, _ in found}

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.raw, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def text(self) -> str:
        (length,) = self.take("Q")
        self.at += length
        return self.raw[self.at - length : self.at].decode()

    def value(self, kind: int) -> Any:
        if kind == 8:
            return self.text()
        if kind == 9:
            inner, count = self.take("IQ")
            return [self.value(inner) for _ in range(count)]
        return self.take(SCALARS[kind])[0]

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self.text()
        (dimensions,) = self.take("I")
        shape = self.take(f"{dimensions}Q")
        kind, offset = self.take("IQ")
        assert offset % 32 == 0
        return name, shape, kind, offset

    def numbers(self, kind: int, shape: tuple[int, ...], start: int) -> tuple[float, ...]:
        count = 1
        for size in shape:
            count *= size
        return struct.unpack_from(f"<{count}{'fe'[kind]}", self.raw, start)


@pytest.fixture
def made() -> Gguf:
    return Gguf(b"".join(converted(tiny_weights(), "\n".join(WORDS) + "\n", "tiny")))


def test_the_facts_are_read_off_the_weights(made: Gguf) -> None:
    facts = made.facts
    assert facts["general.architecture"] == "bert"
    assert facts["bert.block_count"] == 2
    assert facts["bert.embedding_length"] == 32
    assert facts["bert.context_length"] == 5
    assert facts["bert.feed_forward_length"] == 64
    assert facts["bert.attention.head_count"] == 1
    assert facts["bert.attention.causal"] is False
    assert facts["bert.pooling_type"] == 1
    assert facts["bert.attention.layer_norm_epsilon"] == pytest.approx(1e-12)


def test_words_are_marked_as_llama_cpp_wants_them(made: Gguf) -> None:
    tokens = made.facts["tokenizer.ggml.tokens"]
    assert tokens == [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "\u2581egg",
        "s",
        "\u2581\u2028",
    ]
    assert made.facts["tokenizer.ggml.token_type"] == [3, 3, 3, 3, 3, 1, 1, 1]
    assert made.facts["tokenizer.ggml.cls_token_id"] == WORDS.index("[CLS]")
    assert made.facts["tokenizer.ggml.seperator_token_id"] == WORDS.index("[SEP]")
    assert made.facts["tokenizer.ggml.unknown_token_id"] == WORDS.index("[UNK]")


def test_every_tensor_is_there_with_its_numbers(made: Gguf) -> None:
    weights = tiny_weights()
    (length,) = struct.unpack_from("<Q", weights)
    header = json.loads(weights[8 : 8 + length])
    data = weights[8 + length :]

    def original(key: str) -> tuple[float, ...]:
        start, end = header[key]["data_offsets"]
        return struct.unpack(f"<{(end - start) // 4}f", data[start:end])

    assert len(made.tensors) == len(header) - 3  # position ids, and the pooler's two
    assert made.shapes["blk.1.ffn_up.weight"] == (32, 64)
    assert made.tensors["blk.1.ffn_up.weight"] == pytest.approx(
        original("encoder.layer.1.intermediate.dense.weight"), rel=1e-3
    )
    assert made.tensors["token_embd_norm.bias"] == original("embeddings.LayerNorm.bias")
    assert made.tensors["position_embd.weight"] == original("embeddings.position_embeddings.weight")
    assert made.kinds["token_embd.weight"] == 1
    assert {made.kinds[name] for name in made.kinds if name.endswith("bias")} == {0}


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (b"", "\n".join(WORDS)),
        (b"\xff" * 64, "\n".join(WORDS)),
        (struct.pack("<Q", 2) + b"{}", "\n".join(WORDS)),
        (tiny_weights(), "\n".join(WORDS[:-1])),
    ],
    ids=["empty", "garbage", "no tensors", "a word too few"],
)
def test_what_is_no_bert_is_refused(weights: bytes, words: str) -> None:
    with pytest.raises(NotBert):
        b"".join(converted(weights, words, "tiny"))
