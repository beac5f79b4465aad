"""
title: hal-auto
author: the hal-auto contributors
description: One model that decides, turn by turn - local, cloud or search.
version: 0.1.0
license: MIT
"""

# The Pipelines server loads this file and nothing else. It moves a file that raises into failed/,
# and it keeps imported packages cached over a reload: so nothing raises here, and the package is
# dropped from the cache before it is imported again. No dataclass and no postponed annotations:
# this module never gets into sys.modules.
import importlib.util
import json
import logging
import sys
from pathlib import Path

# Where the server itself keeps this pipeline's valves: beside the file as it was found, not as it
# was linked.
VALVES_FILE = Path(__file__).parent / Path(__file__).stem / "valves.json"


# The package: a folder beside this file. `hal bundle` puts other lines in the place of these.
def _import_package():
    for name in [name for name in sys.modules if name == "hal" or name.startswith("hal.")]:
        del sys.modules[name]
    folder = Path(__file__).resolve().parent / "hal"
    spec = importlib.util.spec_from_file_location(
        "hal", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["hal"] = package
    spec.loader.exec_module(package)


# End of the package.


def _load():
    _import_package()
    return importlib.import_module("hal.manifold").Manifold


# pip may have replaced packages that the server had loaded already, in the official image pydantic.
REMEDY = (
    "If it has just been installed, start the Pipelines server anew. Otherwise mend it and reload "
    "the pipelines (Admin Settings > Pipelines); your settings are kept."
)


class Unloaded:
    """Stands in when the package cannot be loaded, and says why in the chat."""

    type = "manifold"
    id = "hal"
    name = ""
    pipelines = ({"id": "auto", "name": "hal-auto"},)

    def __init__(self, reason):
        self.error = {
            "error": {
                "message": f"hal-auto could not be loaded: {reason} {REMEDY}",
                "code": "load",
            }
        }

    def pipe(self, body=None, **_):
        return self._one() if (body or {}).get("stream", True) else self.error

    def _one(self):
        yield f"data: {json.dumps(self.error)}"


try:
    _Manifold = _load()

    def Pipeline():
        return _Manifold(VALVES_FILE)

except BaseException as error:
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise
    logging.getLogger("hal").exception("hal-auto could not be loaded")
    _reason = f"{type(error).__name__}: {error}."

    def Pipeline():
        return Unloaded(_reason)
