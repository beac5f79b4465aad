"""Which models this server offers: those of the catalogue whose file is here, and their aliases.

It does not know how files are fetched or run. What was pulled a moment ago is here at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .catalogue import MODELS, Model, find
from .errors import ModelNotFound
from .fetch import cached


@dataclass(frozen=True, slots=True)
class Served:
    """A model under the name it was asked for."""

    name: str
    model: Model
    path: Path

    @property
    def modified_at(self) -> datetime:
        """Return when the file came here."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)


@dataclass(frozen=True, slots=True)
class Library:
    """Those of `models` whose file is in `folder`, and files `given` by path; with `aliases`."""

    folder: Path
    given: tuple[tuple[Model, Path], ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    models: tuple[Model, ...] = MODELS

    def find(self, name: str) -> Served:
        """Return the model that answers to `name`; raises ModelNotFound."""
        real = self.aliases.get(name, self.aliases.get(f"{name}:latest", name))
        for model, path in self._here():
            if model.answers_to(real):
                return Served(name, model, path)
        raise ModelNotFound(name)

    def known(self, name: str) -> Model:
        """Return the catalogue's model for `name`, here or not; raises ModelNotFound."""
        return find(self.aliases.get(name, name), self.models)

    def all(self) -> Iterator[Served]:
        """Yield every model that is here, then every alias of one that is."""
        for model, path in self._here():
            yield Served(model.name, model, path)
        for alias in self.aliases:
            try:
                yield self.find(alias)
            except ModelNotFound:
                continue

    def _here(self) -> Iterator[tuple[Model, Path]]:
        yield from self.given
        named = {model.name for model, _ in self.given}
        for model in self.models:
            path = cached(model, self.folder)
            if path is not None and model.name not in named:
                yield model, path
