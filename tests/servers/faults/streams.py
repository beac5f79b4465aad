"""Streams that are odd. Most of them are answers all the same."""

from __future__ import annotations

from ..script import Cut, End, Finish, Raw, Say, Steps, ToolCall
from .fault import GOOD, HALF, SSE, Fault, Voice

_WORDS = GOOD.split(" ")


def _pieces(voice: Voice) -> list[bytes]:
    return [voice.say(word if not i else f" {word}") for i, word in enumerate(_WORDS)]


def _raw(*data: bytes) -> Steps:
    return [*map(Raw, data), End()]


def _one_malformed(voice: Voice) -> Steps:
    first, *rest = _pieces(voice)
    return _raw(first, voice.line('{"choices": [{"delta": {"con'), *rest, voice.end())


def _many_malformed(voice: Voice) -> Steps:
    return _raw(*[voice.line('{"choices": [{"delta": {"con')] * 30, voice.end())


def _many_malformed_later(voice: Voice) -> Steps:
    return _raw(voice.say(HALF), *[voice.line('{"half": ')] * 30, voice.end())


def _not_utf8(voice: Voice) -> Steps:
    """Latin-1 in the middle: one character is lost, not the answer."""
    broken = voice.say(" ?").replace(b"?", b"\xe9")
    return _raw(voice.say(GOOD), broken, voice.end())


def _split_code_points(voice: Voice) -> Steps:
    """Every byte in a chunk, and so a packet, of its own."""
    data = voice.say(GOOD) + voice.end()
    return [*[Raw(data[i : i + 1]) for i in range(len(data))], End()]


def _double_end(voice: Voice) -> Steps:
    return _raw(*_pieces(voice), voice.end(), voice.end())


def _data_after_the_end(voice: Voice) -> Steps:
    return _raw(*_pieces(voice), voice.end(), voice.say(" And then?"))


def _no_end_mark(voice: Voice) -> Steps:
    return _raw(*_pieces(voice), voice.finish())


def _cut_after_the_finish(voice: Voice) -> Steps:
    """The answer is whole; what breaks is the end of the connection."""
    return [*map(Raw, _pieces(voice)), Raw(voice.finish()), Cut(reset=True)]


def _crlf(voice: Voice) -> Steps:
    return _raw(*[data.replace(b"\n", b"\r\n") for data in (*_pieces(voice), voice.end())])


def _no_space(voice: Voice) -> Steps:
    return _raw(*[p.replace(b"data: ", b"data:") for p in (*_pieces(voice), voice.end())])


def _comments(voice: Voice) -> Steps:
    ping = b": OPENROUTER PROCESSING\n\n"
    return _raw(ping, *[part for p in _pieces(voice) for part in (ping, p)], ping, voice.end())


def _fields(voice: Voice) -> Steps:
    return _raw(
        b"retry: 100\n", *[b"id: 7\nevent: message\n" + p for p in _pieces(voice)], voice.end()
    )


def _multi_data(voice: Voice) -> Steps:
    """One event whose JSON stands in several data lines."""
    split = [piece.replace(b', "', b',\ndata: "') for piece in _pieces(voice)]
    assert all(b"\ndata:" in piece for piece in split)
    return _raw(*split, voice.end())


def _blank_lines(voice: Voice) -> Steps:
    return _raw(*[part for p in _pieces(voice) for part in (b"\n\n", p)], b"\n", voice.end())


def _repetition(voice: Voice) -> Steps:
    """What a small model does when it has lost its way, and what ends only at its window."""
    return [*[Say("la la ")] * 4000, Say("the end"), Finish("stop")]


STREAMS = (
    Fault("one malformed piece", _one_malformed),
    Fault("many malformed pieces", _many_malformed),
    Fault("many malformed pieces mid-stream", _many_malformed_later),
    Fault("invalid UTF-8", _not_utf8),
    Fault("split code points", _split_code_points),
    Fault("the end twice", _double_end),
    Fault("data after the end", _data_after_the_end),
    Fault("no [DONE] after a finish", _no_end_mark, dialects=(SSE,)),
    Fault("reset after a finish", _cut_after_the_finish),
    Fault("CRLF", _crlf),
    Fault("no space after data:", _no_space, dialects=(SSE,)),
    Fault("comments between", _comments, dialects=(SSE,)),
    Fault("id: and retry: fields", _fields, dialects=(SSE,)),
    Fault("multi-line data", _multi_data, dialects=(SSE,)),
    Fault("blank lines between", _blank_lines),
    Fault("finish length", lambda voice: [Say(GOOD), Finish("length")]),
    Fault(
        "finish content_filter",
        lambda voice: [Say(GOOD), Finish("content_filter")],
        dialects=(SSE,),
    ),
    Fault("finish tool_calls", lambda voice: [ToolCall("look", {"at": "swifts"})]),
    Fault("endless repetition", _repetition),
)
