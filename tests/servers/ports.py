"""Ports on loopback for servers that cannot choose their own, and where nobody shall listen.

Not from the range that the system takes for outgoing connections and for port 0: between the choice
and the bind, one of those of another test process could sit there.
"""

from __future__ import annotations

import itertools
import os
import random
import socket

HOST = "127.0.0.1"
# Below Linux' 32768 to 60999, above what other programs on a machine listen on.
_FIRST, _LAST = 20_000, 32_000
# One after the other, so that no two threads get the same one; processes that run at the same time
# begin at other places.
_next = itertools.count(random.Random(os.getpid()).randrange(_LAST - _FIRST))
_kept: list[socket.socket] = []


def free_port() -> int:
    """A port at which nobody listens at the moment, for a server that binds it itself."""
    with _bound() as probe:
        port: int = probe.getsockname()[1]
        return port


def refused_port() -> int:
    """A port at which nobody will listen as long as this process lives."""
    probe = _bound()
    _kept.append(probe)  # bound and not listening: a connection is refused, and nobody else binds
    port: int = probe.getsockname()[1]
    return port


def _bound() -> socket.socket:
    while True:
        probe = socket.socket()
        try:
            probe.bind((HOST, _FIRST + next(_next) % (_LAST - _FIRST)))
        except OSError:
            probe.close()
        else:
            return probe
