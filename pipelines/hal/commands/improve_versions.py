"""`hal improve show|apply|rollback`: what versions there are, and which one is in force.

Starts nothing and asks nobody: a running server notices the change by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..errors import ConfigError
from ..lab.improve.folder import Runs
from ..lab.improve.names import ADVISED, CHANGEABLE
from ..lab.improve.outcome import diff
from ..prompt_pointer import SHIPPED, Pointer
from ..prompt_versions import VersionStore, version_of
from ..settings import Settings
from .stored import settings_in_force


def show(args: argparse.Namespace) -> int:
    settings = settings_in_force(os.environ)
    store = VersionStore(settings.log.prompt_versions)
    if args.version:
        name, version = _found(store, args.version)
        return _show_one(store, name, version, as_json=args.json)
    listed = {name: _listed(store, name) for name in (*CHANGEABLE, *ADVISED)}
    runs = [folder.run_id for folder in Runs(settings.log.improvement).all()]
    if args.json:
        json.dump({"prompts": listed, "runs": runs}, sys.stdout, indent=2)
        print()
        return 0
    for name, one in listed.items():
        for line in _lines(name, one):
            print(line)
    print(f"runs: {', '.join(runs) or 'none yet; `hal improve run` begins one'}")
    return 0


def apply(args: argparse.Namespace) -> int:
    """0 when it was done, 1 when it was only shown."""
    store = _store(settings_in_force(os.environ))
    name, version = _found(store, args.version)
    _check(name, version, args)
    pointer = store.pointer(name)
    old, new = store.load(name, pointer.active), store.load(name, version)
    if not args.json:
        for line in diff(old.text, new.text, pointer.active, version):
            print(line)
    if not args.yes:
        return _only_shown(args, "Nothing was changed; --yes puts it in force.")
    if args.canary:
        pointer = store.try_out(name, version, args.canary, time.time())
        words = f"Version {version} of {name} gets {args.canary:.0%} of the chats."
    else:
        pointer = store.apply(name, version, time.time(), "applied by hand")
        words = f"Version {version} of {name} is in force with the next turn."
    return _changed(args, name, pointer, words)


def _check(name: str, version: str, args: argparse.Namespace) -> None:
    """Raises ConfigError for a prompt that is not to be changed, or not in this way."""
    if name not in (*CHANGEABLE, *ADVISED):
        raise ConfigError(f"{name} is not changed by `hal improve`.", "Edit the prompt yourself.")
    if name not in ADVISED:
        return
    if args.canary:
        raise ConfigError(
            f"{name} has no canary: its harm does not show in the log.", "Leave out --canary."
        )
    if args.yes and args.approve != name:
        raise ConfigError(
            f"Nothing has measured this version of {name}: --yes alone is not enough.",
            f"Read the change, then: hal improve apply {version} --approve {name} --yes",
        )


def rollback(args: argparse.Namespace) -> int:
    """0 when it was done, 1 when it was only shown. Raises NoSuchVersion with nothing before."""
    store = _store(settings_in_force(os.environ))
    pointer = store.pointer(args.prompt)
    if not args.yes:
        return _only_shown(args, _what_would_happen(args.prompt, pointer))
    ends_canary = bool(pointer.canary)
    pointer = store.rollback(args.prompt, time.time())
    words = f"{args.prompt} is at {pointer.active} again, with the next turn."
    if ends_canary:
        words = f"The canary of {args.prompt} has ended; {pointer.active} is in force for all."
    return _changed(args, args.prompt, pointer, words)


def _what_would_happen(name: str, pointer: Pointer) -> str:
    if pointer.canary:
        return f"This would end the canary {pointer.canary} of {name}; --yes does it."
    if not pointer.history:
        return f"There is no earlier version of {name} to go back to."
    return (
        f"This would put {name} from {pointer.active} back to {pointer.history[-1].version};"
        " --yes does it."
    )


def _only_shown(args: argparse.Namespace, words: str) -> int:
    if args.json:
        print(json.dumps({"changed": False, "words": words}))
    else:
        print(words, file=sys.stderr)
    return 1


def _changed(args: argparse.Namespace, name: str, pointer: Pointer, words: str) -> int:
    if args.json:
        print(json.dumps({"changed": True, "prompt": name, "pointer": asdict(pointer)}))
    else:
        print(words)
    return 0


def _store(settings: Settings) -> VersionStore:
    return VersionStore(settings.log.prompt_versions)


def _found(store: VersionStore, beginning: str) -> tuple[str, str]:
    """The prompt and the version whose name begins so; `NAME:shipped` for a shipped one."""
    name, _, rest = beginning.partition(":")
    if rest == SHIPPED and name in (*CHANGEABLE, *ADVISED):
        return name, SHIPPED
    found = [(n, v) for n in store.names() for v in store.versions(n) if v.startswith(beginning)]
    if len(found) == 1 and beginning:
        return found[0]
    problem = f"There is no version {beginning!r}." if not found else "Several versions begin so."
    raise ConfigError(problem, "`hal improve show` lists them.")


def _listed(store: VersionStore, name: str) -> dict[str, Any]:
    pointer = store.pointer(name)
    shipped = store.shipped(name)
    versions = {}
    for version in store.versions(name):
        manifest = store.manifest(name, version)
        versions[version] = asdict(manifest) if manifest else {}
    return {
        "active": pointer.active,
        "canary": pointer.canary,
        "share": pointer.share,
        "note": pointer.note,
        "shipped": version_of(shipped.text),
        "versions": versions,
        "history": [asdict(former) for former in pointer.history],
    }


def _lines(name: str, listed: dict[str, Any]) -> Iterator[str]:
    yield f"{name}: {listed['active']} is in force"
    if listed["canary"]:
        yield f"  canary {listed['canary']} for {listed['share']:.0%} of the chats"
    if listed["note"]:
        yield f"  {listed['note']}"
    newest = sorted(listed["versions"].items(), key=lambda one: -one[1].get("at", 0.0))
    for version, manifest in newest:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(manifest.get("at", 0.0)))
        yield f"  {version}  {when}  {manifest.get('proposer', '')}  {manifest.get('note', '')}"
        parent = manifest.get("parent")
        if parent and parent != listed["shipped"] and parent not in listed["versions"]:
            yield "    made for another shipped prompt: run `hal improve run` again"


def _show_one(store: VersionStore, name: str, version: str, *, as_json: bool) -> int:
    prompt, manifest = store.load(name, version), store.manifest(name, version)
    if as_json:
        told = {"prompt": name, "version": version, "text": prompt.text}
        print(json.dumps({**told, "manifest": asdict(manifest) if manifest else None}))
        return 0
    if manifest is not None:
        print(f"{name} {version}, from {manifest.parent or 'the program'}: {manifest.note}")
        if manifest.model:
            print(f"tested with {manifest.model} ({manifest.model_digest}); not valid for others")
    for line in diff(store.shipped(name).text, prompt.text, SHIPPED, version):
        print(line)
    return 0
