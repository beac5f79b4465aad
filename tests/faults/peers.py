"""The same faults at other gateways, as measured: one configuration each, see the notes.

LiteLLM 1.106.2 with one retry, default fallbacks and timeouts of 4 s; Portkey's gateway 1.15.2 with
the fallback strategy and 4 s (about a third of the variants was run); a plain pass-through pipe on
the Pipelines server. "-": not run.
"""

from __future__ import annotations

from dataclasses import dataclass

# The names of the columns, in the order of `Row.peers`.
NAMES = ("LiteLLM", "Portkey", "plain pipe")
FELL_BACK = "fallback"
UNKNOWN = "-"
NOT_RUN = (UNKNOWN, UNKNOWN, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what it is called, our faults under it, and what the peers did."""

    title: str
    faults: tuple[str, ...]
    peers: tuple[str, str, str]


_EMPTY = "empty answer"

ROWS = (
    Row(
        "connection refused",
        ("connection refused",),
        ("fallback (3 s)", FELL_BACK, _EMPTY),
    ),
    Row(
        "name does not resolve, TLS fails",
        ("name does not resolve", "https to a plain port", "self-signed certificate"),
        ("fallback (3 s)", FELL_BACK, _EMPTY),
    ),
    Row("400, 422", ("400", "422"), (FELL_BACK, FELL_BACK, _EMPTY)),
    Row("too long: 400, 413", ("400 context", "413"), (FELL_BACK, FELL_BACK, _EMPTY)),
    Row(
        "refused content: 400, 403",
        ("400 content filter", "403 content filter"),
        (FELL_BACK, FELL_BACK, _EMPTY),
    ),
    Row("401, 403: the key", ("401", "400 wrong key", "403"), (FELL_BACK, FELL_BACK, _EMPTY)),
    Row(
        "402, 403, 429: credits used up",
        ("402", "403 no credits", "429 insufficient_quota"),
        ("fallback (2 s retry)", FELL_BACK, _EMPTY),
    ),
    Row("404: model or path", ("404 model", "404 path"), (FELL_BACK, FELL_BACK, _EMPTY)),
    Row(
        "408, 409, 5xx, 529, busy",
        ("408", "409", "500", "502", "503", "503 busy", "504", "529"),
        ("fallback (2-4 s)", "fallback (1 s per retry)", _EMPTY),
    ),
    Row(
        "429 with a short Retry-After, or none",
        (
            "429",
            "429 retry-after: 1",
            "429 retry-after: date",
            "429 retry-after-ms: 300",
        ),
        ("fallback (2-4 s)", "fallback; no dates", _EMPTY),
    ),
    Row(
        "429 Retry-After: 3600",
        ("429 retry-after: 3600",),
        ("fallback; 3600 ignored", FELL_BACK, _EMPTY),
    ),
    Row(
        "hang before the head",
        ("hang before the head",),
        ("**no answer in 10 s**", "fallback (4 s)", "waits 60 s"),
    ),
    Row("head, then nothing", ("hang after the head",), (FELL_BACK, "not covered", "hangs")),
    Row(
        "only comments or empty pieces",
        ("comments only", "empty pieces only"),
        ("**hangs**", "not covered", "hangs"),
    ),
    Row(
        "hang mid-stream",
        ("hang mid-stream",),
        ("error after 4 s, no end", "**hangs**", "hangs"),
    ),
    Row("comments mid-stream", ("comments mid-stream",), NOT_RUN),
    Row("trickle", ("trickle",), ("no limit", "no limit", "no limit")),
    Row(
        "cut or reset before the answer",
        (
            "cut before the head",
            "reset before the head",
            "cut after the head",
            "reset after the head",
        ),
        (FELL_BACK, UNKNOWN, UNKNOWN),
    ),
    Row(
        "cut or reset mid-stream",
        ("cut mid-stream", "reset mid-stream"),
        ("error", "**short answer, no word**", "cut"),
    ),
    Row(
        "clean end without a finish",
        ("clean end without a finish",),
        ("**`stop`, no word**", "no word", "`stop`, no word"),
    ),
    Row(
        "HTML, an error or nothing in a 200",
        (
            "HTML",
            "HTML with the type of an answer",
            "error object",
            "empty body",
            "empty stream",
            "only the end",
        ),
        ("**empty `stop`**", "**empty answer**", "shown raw"),
    ),
    Row(
        "not HTTP, an array, blank text",
        ("not HTTP", "array", "empty strings", "white space only"),
        NOT_RUN,
    ),
    Row(
        "JSON when a stream was asked",
        ("JSON when a stream was asked",),
        ("empty", "empty", "shown raw"),
    ),
    Row(
        "error as the first event",
        ("error as the first event", "event: error", "finish error"),
        (FELL_BACK, "passed on", "passed on"),
    ),
    Row(
        "error mid-stream",
        ("error mid-stream", "finish error mid-stream"),
        ("error, no end", "passed on", "error, then `stop`"),
    ),
    Row(
        "one malformed piece",
        ("one malformed piece",),
        ("stream dies", "passed on", "passed on"),
    ),
    Row(
        "many malformed pieces",
        ("many malformed pieces", "many malformed pieces mid-stream"),
        ("stream dies", "passed on", "passed on"),
    ),
    Row("invalid UTF-8", ("invalid UTF-8",), ("stream dies", "answer", "stream dies")),
    Row("split code points", ("split code points",), ("answer", UNKNOWN, "answer")),
    Row(
        "the end twice, data after it, no [DONE]",
        (
            "the end twice",
            "data after the end",
            "no [DONE] after a finish",
        ),
        ("answer", UNKNOWN, "3 times [DONE]"),
    ),
    Row("reset after a finish", ("reset after a finish",), NOT_RUN),
    Row(
        "CRLF, comments, id:, several data lines",
        (
            "CRLF",
            "no space after data:",
            "comments between",
            "id: and retry: fields",
            "multi-line data",
            "blank lines between",
        ),
        ("answer (several data lines doubled)", UNKNOWN, "comments shown"),
    ),
    Row(
        "a line of 2 MiB, an endless line",
        ("a line of 2 MiB", "endless line"),
        ("answer / empty", "answer", "stalls > 10 s"),
    ),
    Row(
        "bad chunks, short length, gzip lie",
        (
            "bad chunks",
            "bad chunks mid-stream",
            "short content-length",
            "short content-length mid-stream",
            "gzip lie",
        ),
        (FELL_BACK, UNKNOWN, "empty or cut"),
    ),
    Row(
        "redirect to another host",
        ("307 to another host",),
        (FELL_BACK, UNKNOWN, _EMPTY),
    ),
    Row(
        "finish length, content_filter, tool_calls",
        ("finish length", "finish content_filter", "finish tool_calls"),
        ("passed on", "passed on", "overwritten"),
    ),
    Row(
        "reasoning only",
        ("reasoning only", "reasoning, then cut"),
        (_EMPTY, UNKNOWN, _EMPTY),
    ),
    Row("endless repetition", ("endless repetition",), ("error", UNKNOWN, "endless")),
)
