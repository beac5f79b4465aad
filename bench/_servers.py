"""Starts what is measured: the stub, the Pipelines server bare and with hal-auto, and others.

Knows how each is started and asked; measures nothing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "bench")]

from _side_by_side import Subject  # noqa: E402
from _stub import StubProcess  # noqa: E402
from tests.harness.pipelines import PipelinesServer  # noqa: E402
from tests.servers.ports import free_port  # noqa: E402

# LiteLLM imports for a quarter of a minute on two slow cores.
START_S = 90.0
NO_LEFTOVERS = shutil.ignore_patterns("__pycache__", "hal_auto", "failed")

LITELLM_CONFIG = """\
model_list:
  - model_name: stub
    litellm_params: {{model: openai/stub, api_base: "{url}/v1", api_key: none}}
"""


@contextmanager
def pipelines(folder: Path, stub: StubProcess) -> Iterator[list[Subject]]:
    """The stub itself, a plain pass-through, and hal-auto: each server a process of its own."""
    env = {
        "HAL_OLLAMA_BASE_URL": stub.url,
        "HAL_LOCAL_MODEL": "stub:1b",
        "HAL_CLASSIFIER_MODEL": "stub:1b",
        "BENCH_STUB_URL": stub.url,
        "GLOBAL_LOG_LEVEL": "WARNING",
    }
    plain = REPO / "bench" / "pipelines" / "passthrough.py"
    with ExitStack() as stack:

        def serve(name: str, source: Path) -> PipelinesServer:
            server = PipelinesServer(folder / name, env=env, source=source, copy=True)
            return stack.enter_context(server)

        bare, ours = serve("bare", plain), serve("hal-auto", _copy_of_hal_auto(folder / "code"))
        yield [
            Subject("stub", f"{stub.url}/api/chat", "stub:1b"),
            Subject("pass-through", f"{bare.url}/chat/completions", "passthrough", bare.pid),
            Subject("hal-auto", f"{ours.url}/chat/completions", "hal.auto", ours.pid),
        ]


def _copy_of_hal_auto(folder: Path) -> Path:
    """Without valves that somebody saved beside the code."""
    shutil.copytree(REPO / "pipelines", folder / "pipelines", ignore=NO_LEFTOVERS)
    shutil.copytree(REPO / "prompts", folder / "prompts")
    return folder / "pipelines" / "hal_auto.py"


@contextmanager
def litellm(binary: str, folder: Path, stub: StubProcess) -> Iterator[Subject]:
    """LiteLLM's proxy, one worker, no database."""
    port, config = free_port(), folder / "litellm.yaml"
    config.write_text(LITELLM_CONFIG.format(url=stub.url))
    command = [binary, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # It does not start without a key of some strength.
    key = f"sk-{secrets.token_hex(32)}"
    env = {
        "LITELLM_MASTER_KEY": key,
        "LITELLM_LOG": "ERROR",
        # The price map comes from the package: nothing is fetched.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    with _process(command, env, folder / "litellm.log", port) as pid:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        yield Subject("LiteLLM", url, "stub", pid, {"Authorization": f"Bearer {key}"})


@contextmanager
def portkey(script: str, folder: Path, stub: StubProcess) -> Iterator[Subject]:
    """Portkey's gateway; `script` is its start-server.js."""
    port = free_port()
    headers = {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{stub.url}/v1",
        "Authorization": "Bearer none",
    }
    command = ["node", script, f"--port={port}", "--headless"]
    with _process(command, {}, folder / "portkey.log", port) as pid:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        yield Subject("Portkey", url, "stub", pid, headers)


@contextmanager
def _process(command: Sequence[str], env: Mapping[str, str], log: Path, port: int) -> Iterator[int]:
    """A server as a process, from its first answer on."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=os.environ | env, stdout=out, stderr=out)
        try:
            _wait_for(f"http://127.0.0.1:{port}/", process, log)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return  # an answer, if not a friendly one
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{url} did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.2)
        else:
            return
