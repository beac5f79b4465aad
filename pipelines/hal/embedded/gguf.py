"""Make a GGUF file for llama.cpp out of a BERT model's weights and its word list.

Pure: bytes in, bytes out, the same bytes on every machine. It does not know where the weights come
from; which BERT it is, it reads off their shapes. As with llama.cpp's own converter, matrices
become float16 and all else stays float32.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MAGIC, _VERSION = b"GGUF", 3
_ALIGNMENT = 32
# GGUF's numbers for the types of values and of tensors.
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 6, 7, 8, 9
_INT32 = 5
_F32, _F16 = 0, 1
_MOSTLY_F16 = 1
_MEAN = 1
_NORMAL, _CONTROL = 1, 3
_HEAD_DIMENSIONS = 32  # MiniLM's; the shapes do not tell how a layer is divided into heads
_EPSILON = 1e-12
# Before a word that does not continue another one; WordPiece marks those that do, with ##.
_WORD_BEGINS = "\u2581"
_CHUNK_FLOATS = 1 << 18  # 1 MiB at a time

_TENSORS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_ALWAYS_F32 = ("position_embd.weight", "token_types.weight")


class NotBert(ValueError):
    """These are not the weights of a BERT model in float32."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor: its name in GGUF, and where its float32 values lie among the weights' bytes."""

    name: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def kind(self) -> int:
        is_matrix = len(self.shape) > 1 and self.name not in _ALWAYS_F32
        return _F16 if is_matrix else _F32

    @property
    def size_bytes(self) -> int:
        return (self.end - self.start) // (2 if self.kind == _F16 else 1)


def converted(weights: bytes, words: str, name: str) -> Iterator[bytes]:
    """The file, piece by piece, from safetensors and `vocab.txt`. Raises NotBert."""
    tensors, data = _tensors(weights)
    facts = _metadata(tensors, words.removesuffix("\n").split("\n"), name)
    head = _MAGIC + struct.pack("<IQQ", _VERSION, len(tensors), len(facts))
    head += b"".join(_text(key) + value for key, value in facts.items())
    offset = 0
    for tensor in tensors:
        dimensions = tensor.shape[::-1]  # GGUF has the fastest one first
        head += _text(tensor.name)
        head += struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        head += struct.pack("<IQ", tensor.kind, offset)
        offset += _padded(tensor.size_bytes)
    yield head + bytes(_padded(len(head)) - len(head))
    for tensor in tensors:
        yield from _values(data, tensor)
        yield bytes(_padded(tensor.size_bytes) - tensor.size_bytes)


def _tensors(weights: bytes) -> tuple[list[_Tensor], memoryview]:
    """The tensors that llama.cpp wants, in order of their names, and the bytes they lie in."""
    try:
        (length,) = struct.unpack_from("<Q", weights)
        header: Mapping[str, Any] = json.loads(weights[8 : 8 + length])
    except (struct.error, ValueError) as error:
        raise NotBert("no safetensors") from error
    found = [
        _Tensor(name, tuple(entry["shape"]), *entry["data_offsets"])
        for key, entry in header.items()
        if (name := _renamed(key)) is not None and entry["dtype"] == "F32"
    ]
    if len(found) < len(_TENSORS):
        raise NotBert("not the tensors of a BERT model")
    return sorted(found, key=lambda one: one.name), memoryview(weights)[8 + length :]


def _renamed(key: str) -> str | None:
    """`encoder.layer.0.output.dense.bias` is `blk.0.ffn_down.bias`; None for what is not needed."""
    module, _, kind = key.rpartition(".")
    block = ""
    if module.startswith("encoder.layer."):
        _, _, number, module = module.split(".", 3)
        block = f"blk.{number}."
    return f"{block}{_TENSORS[module]}.{kind}" if module in _TENSORS else None


def _metadata(tensors: Sequence[_Tensor], words: Sequence[str], name: str) -> dict[str, bytes]:
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    count, width = shapes["token_embd.weight"]
    if count != len(words):
        raise NotBert(f"{len(words)} words for {count} vectors")
    kinds = [_CONTROL if _is_control(word) else _NORMAL for word in words]
    return {
        "general.architecture": _string("bert"),
        "general.name": _string(name),
        "general.file_type": _uint32(_MOSTLY_F16),
        "bert.block_count": _uint32(len([n for n in shapes if n.endswith("attn_q.weight")])),
        "bert.context_length": _uint32(shapes["position_embd.weight"][0]),
        "bert.embedding_length": _uint32(width),
        "bert.feed_forward_length": _uint32(shapes["blk.0.ffn_up.weight"][0]),
        "bert.attention.head_count": _uint32(width // _HEAD_DIMENSIONS),
        "bert.attention.layer_norm_epsilon": struct.pack("<If", _FLOAT32, _EPSILON),
        "bert.attention.causal": struct.pack("<I?", _BOOL, False),
        "bert.pooling_type": _uint32(_MEAN),
        "tokenizer.ggml.model": _string("bert"),
        "tokenizer.ggml.pre": _string("default"),
        "tokenizer.ggml.token_type_count": _uint32(shapes["token_types.weight"][0]),
        "tokenizer.ggml.tokens": _array(_STRING, [_text(_token(word)) for word in words]),
        "tokenizer.ggml.token_type": _array(_INT32, [struct.pack("<i", kind) for kind in kinds]),
        "tokenizer.ggml.unknown_token_id": _uint32(words.index("[UNK]")),
        "tokenizer.ggml.seperator_token_id": _uint32(words.index("[SEP]")),  # spelt like this
        "tokenizer.ggml.padding_token_id": _uint32(words.index("[PAD]")),
        "tokenizer.ggml.cls_token_id": _uint32(words.index("[CLS]")),
        "tokenizer.ggml.bos_token_id": _uint32(words.index("[CLS]")),
        "tokenizer.ggml.eos_token_id": _uint32(words.index("[SEP]")),
        "tokenizer.ggml.mask_token_id": _uint32(words.index("[MASK]")),
    }


def _is_control(word: str) -> bool:
    return word in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def _token(word: str) -> str:
    if _is_control(word):
        return word
    return word[2:] if word.startswith("##") else f"{_WORD_BEGINS}{word}"


def _values(data: memoryview, tensor: _Tensor) -> Iterator[bytes]:
    for start in range(tensor.start, tensor.end, 4 * _CHUNK_FLOATS):
        block = data[start : min(start + 4 * _CHUNK_FLOATS, tensor.end)]
        count = len(block) // 4
        if tensor.kind == _F32:
            yield bytes(block)
        else:
            yield struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", block))


def _padded(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _string(text: str) -> bytes:
    return struct.pack("<I", _STRING) + _text(text)


def _uint32(value: int) -> bytes:
    return struct.pack("<II", _UINT32, value)


def _array(kind: int, items: Sequence[bytes]) -> bytes:
    return struct.pack("<IIQ", _ARRAY, kind, len(items)) + b"".join(items)
