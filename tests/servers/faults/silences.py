"""Servers that keep the connection and do not say anything, or hardly anything."""

from __future__ import annotations

from ..script import Begin, Raw, Say, Sleep, Stall, Step, Steps
from .fault import HALF, Fault, Voice

_EVERY_S = 0.1
_OFTEN = 200


def _again(step: Step) -> list[Step]:
    return [part for _ in range(_OFTEN) for part in (step, Sleep(_EVERY_S))]


def _pings(voice: Voice) -> Steps:
    return [Begin(), *_again(Raw(b": ping\n\n" if voice.is_sse else b"\n"))]


def _empty_pieces(voice: Voice) -> Steps:
    return [Begin(), *_again(Raw(voice.say("")))]


def _trickle(voice: Voice) -> Steps:
    """A token often enough for a gap timer of a second, for a minute."""
    return [step for _ in range(300) for step in (Say("slow "), Sleep(0.2))]


SILENCES = (
    Fault("hang before the head", lambda voice: [Stall()], waits=True),
    Fault("hang after the head", lambda voice: [Begin(), Stall()], waits=True),
    Fault("comments only", _pings, waits=True),
    Fault("empty pieces only", _empty_pieces, waits=True),
    Fault("hang mid-stream", lambda voice: [Say(HALF), Stall()], waits=True),
    Fault(
        "comments mid-stream",
        lambda voice: [Say(HALF), *_again(Raw(b": ping\n\n" if voice.is_sse else b"\n"))],
        waits=True,
    ),
    Fault("trickle", _trickle, waits=True),
)
