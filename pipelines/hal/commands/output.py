"""Where a command writes a document: stdout, or a file that only its owner can read.

Knows no document.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import ConfigError


@contextmanager
def private_output(file: str | None) -> Iterator[TextIO]:
    """stdout for None and "-", else a file that is there only when it is whole.

    Raises ConfigError when it cannot be written.
    """
    if file in (None, "-"):
        yield sys.stdout
        return
    path = Path(str(file)).expanduser()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise _unwritable(file, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        part.unlink(missing_ok=True)


def _unwritable(file: str | None, error: OSError) -> ConfigError:
    return ConfigError(f"{file} cannot be written: {error.strerror}.")
