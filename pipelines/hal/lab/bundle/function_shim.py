"""
title: hal-auto
author: the hal-auto contributors
description: One model that decides, turn by turn - local, cloud or search.
version: 0.1.0
license: MIT
"""

# Open WebUI runs this file, takes its class Pipe, and switches a Function off whose file raises: so
# nothing raises here. No postponed annotations, because this module is not in sys.modules while it
# is run. What this does not know: anything of turns.
import importlib
import logging
from typing import Any

# The package: `hal bundle --function` puts the texts in the place of these lines.


def _import_package() -> None:
    """Outside of a bundle the package is imported as it was found."""


# End of the package.


def _load() -> Any:
    _import_package()
    return importlib.import_module("hal.function").Pipe


class Unloaded:
    """Stands in when the package cannot be loaded, and says why in the chat."""

    def __init__(self) -> None:
        self.type = "pipe"

    async def pipe(self, body: Any) -> str:
        del body
        return f"hal-auto could not be loaded: {_reason} {_REMEDY}"


_REMEDY = (
    "Mend it and save the Function again (Admin Panel > Functions); your settings are kept. After "
    "packages were installed for it, Open WebUI may have to be started anew."
)

try:
    _reason = ""
    Pipe = _load()
except BaseException as error:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise
    logging.getLogger("hal").exception("hal-auto could not be loaded")
    _reason = f"{type(error).__name__}: {error}."
    Pipe = Unloaded
