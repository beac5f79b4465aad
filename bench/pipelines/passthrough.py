"""
title: pass-through
description: What a plain pipeline does; the yardstick of the overhead benchmark.
"""

import os

import requests


class Pipeline:
    """Passes every line of an OpenAI-compatible upstream on, as the server's examples do."""

    id = "passthrough"
    name = "pass-through"

    def pipe(self, user_message, model_id, messages, body):  # noqa: ARG002
        reply = requests.post(
            os.environ["BENCH_STUB_URL"] + "/v1/chat/completions",
            json={"model": "stub", "stream": True, "messages": messages},
            stream=True,
            timeout=60,
        )
        for line in reply.iter_lines():
            if line and line != b"data: [DONE]":
                yield line.decode()
