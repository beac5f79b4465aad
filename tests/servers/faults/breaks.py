"""Connections and framing that break, before and after the first word."""

from __future__ import annotations

from ..script import Begin, Cut, End, Raw, Say, Sleep, Steps, Wire
from .fault import GOOD, HALF, Fault, Voice

# What came in one packet with the break may be lost with it: mid-stream means that it was read.
_READ = Sleep(0.2)


def _bad_chunks(voice: Voice) -> Steps:
    return [Wire(voice.head() + b"ZZZ\r\n" + voice.say(GOOD) + b"\r\n0\r\n\r\n")]


def _bad_chunks_later(voice: Voice) -> Steps:
    data = voice.say(HALF)
    chunk = f"{len(data):x}\r\n".encode() + data + b"\r\n"
    return [Wire(voice.head() + chunk), _READ, Wire(b"ZZZ\r\n" + data), Cut()]


def _short(voice: Voice, data: bytes) -> Steps:
    """A head that promises more than comes."""
    return [Wire(voice.head(length=len(data) + 1000) + data), _READ, Cut()]


def _gzip_lie(voice: Voice) -> Steps:
    return [Begin({"content-encoding": "gzip"}), Raw(voice.say(GOOD)), Raw(voice.end()), End()]


BREAKS = (
    Fault("cut before the head", lambda voice: [Cut()]),
    Fault("reset before the head", lambda voice: [Cut(reset=True)]),
    Fault("cut after the head", lambda voice: [Begin(), Cut()]),
    Fault("reset after the head", lambda voice: [Begin(), Cut(reset=True)]),
    Fault("cut mid-stream", lambda voice: [Say(HALF), _READ, Cut()]),
    Fault("reset mid-stream", lambda voice: [Say(HALF), _READ, Cut(reset=True)]),
    Fault("clean end without a finish", lambda voice: [Say(HALF), End()]),
    Fault("bad chunks", _bad_chunks),
    Fault("bad chunks mid-stream", _bad_chunks_later),
    Fault("short content-length", lambda voice: _short(voice, b"")),
    Fault("short content-length mid-stream", lambda voice: _short(voice, voice.say(HALF))),
    Fault("gzip lie", _gzip_lie),
    Fault("not HTTP", lambda voice: [Wire(b"220 mail.example ESMTP\r\n"), Cut()]),
)
