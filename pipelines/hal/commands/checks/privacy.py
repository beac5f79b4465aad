"""The privacy gate: which mode is in force, whether its key can be used, what the user allowed.

Sends nothing, makes no key, and shows no hash. Whether something private has left is `hal audit`'s
to say: that takes minutes with a long log.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from ...errors import HalError
from ...privacy_files import load_allowed, load_key
from .result import Check, Context, fail, ok, warn

# Anybody else who may read or write it.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MEANINGS = MappingProxyType(
    {
        "local": "turns with personal data or keys stay on this machine",
        "scrub": "the cloud sees placeholders for personal data; turns with keys, cards, accounts "
        "or identity numbers stay on this machine",
        "off": "nobody looks for private data",
    }
)


def checks(context: Context) -> Iterator[Check]:
    yield _mode(context)
    yield _key(context.settings.log.privacy_key)
    yield _allowed(context.settings.log.allowed_values)


def _mode(context: Context) -> Check:
    mode = context.settings.privacy.mode
    detail = f"{mode}: {_MEANINGS.get(mode, mode)}"
    if mode != "off" or not context.settings.cloud.usable:
        return ok("privacy", detail)
    remedy = "Whatever a turn holds may go to the cloud; PRIVACY_MODE=local or scrub prevents it."
    return warn("privacy", detail, remedy)


def _key(path: Path) -> Check:
    name = "privacy key"
    if not path.exists():
        return ok(name, "none yet: the first start makes one")
    try:
        load_key(path)
        mode = stat.S_IMODE(path.stat().st_mode)
    except HalError as error:
        return fail(name, str(error), error.remedy)
    except OSError as error:
        return fail(name, f"{path}: {error.strerror}", "Check the rights of that folder.")
    if mode & _OTHERS:
        return warn(name, f"{path} is open to others ({mode:04o})", f"chmod 600 {path}")
    return ok(name, "usable, for this user alone")


def _allowed(path: Path) -> Check:
    name = "allowed values"
    try:
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return ok(name, "0: everything that is found counts as private")
    except OSError as error:
        remedy = "Until then all of them count as private; check the rights of that file."
        return warn(name, f"{path} cannot be read ({error.strerror})", remedy)
    hashes = load_allowed(path)
    if strange := len(lines) - len(hashes):
        remedy = "Use `hal privacy allow`, which writes hashes: values are not read from there."
        return warn(name, f"{len(hashes)}; {strange} line(s) of {path} are none", remedy)
    return ok(name, f"{len(hashes)} (`hal privacy allow`)")
