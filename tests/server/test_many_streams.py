"""A hundred people at once: all streams live, and the model list answers meanwhile."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from hal.manifold import SERVER_THREADS
from tests.harness import openwebui
from tests.harness.interpreters import NAMES
from tests.servers import Say, Until, words

from .house import House
from .logbook import wait_until

# Hundreds of streams on a machine that others use, too, take their time.
pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]
HI = openwebui.history("hi")
MANY = 100
# Ten words and nine pauses: long enough that a slow machine is not taken for a line of turns.
GAP_S = 0.2
ALONE_S = 9 * GAP_S
TEXT = "one two three four five six seven eight nine ten"


@pytest.fixture(scope="module", params=NAMES)
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    valves = {"SPECULATE": False, "CLASSIFIER_DEADLINE_S": 30}
    folder = tmp_path_factory.mktemp("many")
    with House(folder, interpreter=request.param, valves=valves) as running:
        yield running


def test_a_hundred_slow_streams(house: House) -> None:
    go = threading.Event()
    house.answer_with([Say("> "), Until(go), *words(TEXT, GAP_S)])
    bodies = []
    for _ in range(MANY):
        turn = house.turn("How do swifts sleep?")
        bodies.append(house.server.prepare(turn.messages, True, turn.metadata))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(house.server.many, bodies)
        # All of them have been classified and wait for words: with a thread pool of 40, the 41st
        # would not even have begun, and the model list would wait for one of them to end.
        house.wait_for_local(MANY, timeout_s=100)
        assert house.server.models()
        go.set()
        began = time.monotonic()
        while_flowing = house.server.models()
        answers = running.result(100)
        wall_s = time.monotonic() - began
    assert while_flowing
    assert {answer.text for answer in answers} == {f"> {TEXT}"}
    assert all(answer.done and not answer.error for answer in answers)
    # Close to one stream's time: one after the other, by 40, it would be three times that.
    assert wall_s < 3 * ALONE_S
    # Alive means piece by piece, not all at the end.
    assert min(len(answer.chunks) for answer in answers) > 8
    wait_until(lambda: sum(t["outcome"] == "done" for t in house.log.turns()) == MANY)


def test_more_streams_than_the_server_has_threads(house: House) -> None:
    """They are written past its thread pool: none of them holds a thread while it waits."""
    go = threading.Event()
    house.answer_with([Say("> "), Until(go), Say("done")])
    count = SERVER_THREADS + 10
    bodies = [house.server.prepare(HI, True)] * count
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(house.server.many, bodies)
        try:
            house.wait_for_local(count, timeout_s=100)
            assert house.server.models()
        finally:
            go.set()
        answers = running.result(100)
    assert {answer.text for answer in answers} == {"> done"}
    assert all(answer.done for answer in answers)


def test_a_slow_reader_gets_all_of_it_and_holds_up_nobody(house: House) -> None:
    # More than what the sockets between the two take, so that the server has to wait.
    words_of_it = [
        " ".join(f"{number:03d}{n:04d}" for n in range(4096)).encode() for number in range(300)
    ]
    house.answer_with([Say(word.decode()) for word in words_of_it])
    body = json.dumps(house.server.prepare(HI, True)).encode()
    address = urlsplit(house.server.url)
    head = f"POST /chat/completions HTTP/1.0\r\nHost: {address.netloc}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname or "", address.port or 0), 20) as slow:
        slow.sendall(head.encode() + body)
        seen = slow.recv(1000)
        time.sleep(0.5)
        house.answer_with([Say("quick")])
        assert house.server.chat(HI).text == "quick"
        while data := slow.recv(1 << 20):
            seen += data
    for word in words_of_it:
        assert word in seen
    assert b"data: [DONE]" in seen[-50:]


def test_sixty_that_wait_without_a_stream(house: House) -> None:
    go = threading.Event()
    house.answer_with([Until(go), Say("done")])
    with ThreadPoolExecutor(60) as pool:
        running = [pool.submit(house.server.chat, HI, False) for _ in range(60)]
        house.wait_for_local(60, timeout_s=100)
        assert house.server.models()  # or it would wait for ever: nobody goes on before this line
        go.set()
        assert {one.result(100).text for one in running} == {"done"}
