"""One model in one process: loads it with xllamacpp and serves llama.cpp's HTTP API on loopback.

It does not know Ollama's protocol, and it is run as a file, so that it needs nothing of this
package. A process of its own because loading a model holds Python's interpreter lock from start to
end (1 to 5 s in which no other request would move), because killing a process gives all memory back
at once, and because a crash of native code must not take the server with it.

Reads one JSON line with its orders from stdin, prints one JSON line with its address (or the error)
to stdout, and ends when stdin is closed: when its parent goes, so does it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, TextIO

try:
    import xllamacpp
except ImportError as missing:  # for a person who reads the chat, not a traceback
    sys.stdout.write(json.dumps({"error": f"{missing}; pip install 'hal-auto[embedded]'"}) + "\n")
    sys.exit(1)

# The longest stretch between two looks at whether the client is still there, while a prompt is
# read: 64 tokens are 0.9 s on one slow core. 512 were not read faster (0.5B: 58 to 72 tokens a
# second with every size from 64 to 2048, one thread, shared core).
_BATCH_TOKENS = 64
# Prompts of finished requests, kept so that the next one with the same beginning starts from there:
# the classifier's long fixed prefix survives a chat that took its slot. 4096 tokens of the 0.5B
# model are 50 MB.
_PREFIX_CACHE_MIB = 256
_ERRORS_ONLY = 1  # llama.cpp's log level


def params(orders: dict[str, Any]) -> xllamacpp.CommonParams:
    """Translate our orders into llama.cpp's parameters."""
    made = xllamacpp.CommonParams()
    made.model.path = orders["path"]
    made.port = 0
    made.api_keys = [orders["api_key"]]  # a web page in the user's browser can reach loopback too
    made.ui = False
    made.endpoint_slots = False
    made.verbosity = _ERRORS_ONLY
    made.n_gpu_layers = 0
    made.cpuparams.n_threads = orders["threads"]
    made.cpuparams_batch.n_threads = orders["threads"]
    made.n_parallel = orders["parallel"]
    made.n_ctx = orders["context_tokens"] * orders["parallel"]  # llama.cpp divides it by the slots
    made.cache_prompt = True
    made.cache_ram_mib = _PREFIX_CACHE_MIB
    made.n_batch = made.n_ubatch = _BATCH_TOKENS
    if orders["embedding"]:
        made.embedding = True
        made.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        made.n_batch = made.n_ubatch = made.n_ctx  # a text to embed must fit in one batch
        made.cache_ram_mib = 0
    return made


def _own_stdout() -> TextIO:
    """Return the real stdout, and send what native code prints there to stderr instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def main() -> None:
    """Load, answer with the address, and wait for the parent to go."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends us
    answers = _own_stdout()
    orders = json.loads(sys.stdin.readline())
    try:
        server = xllamacpp.Server(params(orders))
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        os._exit(1)
    address = json.dumps({"url": server.listening_address})
    print(address, file=answers, flush=True)  # the protocol with our parent
    sys.stdin.read()
    os._exit(0)  # there is no state to save, and native destructors take their time


if __name__ == "__main__":
    main()
