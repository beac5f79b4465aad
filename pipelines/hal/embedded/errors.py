"""What can go wrong in the embedded engine, as classes.

It does not know HTTP handlers: each class carries the status that Ollama would answer with.

    EmbeddedError             500
      BadRequest              400   the caller's words do not make a request
      ModelNotFound           404   not on this machine, or not a name we know
      EngineFailed            500   llama.cpp refused or broke
        WorkerGone            500   ... because its process ended
      ModelUnavailable        500   the file could not be had; cause and remedy in the text
        HashMismatch                ... because the bytes are not the publisher's
      Cancelled               499   the one who asked went away
"""

from __future__ import annotations

from typing import ClassVar

REMEDY = "Set HAL_EMBEDDED_MODEL=/path/to/model.gguf to use a file that you already have."


class EmbeddedError(Exception):
    """Anything the embedded engine reports on purpose."""

    status: ClassVar[int] = 500


class BadRequest(EmbeddedError):
    """The request is not one that Ollama would accept either."""

    status: ClassVar[int] = 400


class ModelNotFound(EmbeddedError):
    """Ollama's own wording, because clients match on it."""

    status: ClassVar[int] = 404

    def __init__(self, name: str) -> None:
        super().__init__(f"model '{name}' not found")
        self.name = name


class EngineFailed(EmbeddedError):
    """llama.cpp did not do what it was asked to."""


class WorkerGone(EngineFailed):
    """The process that held the model ended; the next request loads it again."""


class ModelUnavailable(EmbeddedError):
    """A model file cannot be had; says why and what to do."""

    def __init__(self, model: str, cause: str) -> None:
        super().__init__(f"model '{model}' is not available: {cause} {REMEDY}")
        self.model = model
        self.cause = cause


class HashMismatch(ModelUnavailable):
    """The bytes came, but they are not those the publisher signed off."""


class Cancelled(EmbeddedError):
    """The one who waited for the download went away; what came so far is kept."""

    status: ClassVar[int] = 499
