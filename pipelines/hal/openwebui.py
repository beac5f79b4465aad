"""Reads what Open WebUI sends into a Turn.

The one module that knows Open WebUI's request: `hal_ctx`, task templates, the RAG template, the
`<attached_files>` block. Pure. Everything in a request is untrusted: wrong types are dropped, ids
are cut to a sane length, nothing raises over what a client sent.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .enrichment.failures import without_note
from .types import Message, Override, Parameters, PrivacyWord, ToolCall, Turn

# A uuid has 36 characters, "temporary:" and a socket id about 40; the rest is not an id.
MAX_ID_CHARS = 128
MAX_NUMBER = 2**63
CONTEXT_KEY = "hal_ctx"
CONTEXT_IDS = ("chat_id", "message_id", "user_message_id", "session_id", "task")

# Stops at the next opening tag as well: a text full of unclosed ones must not take minutes.
_ATTACHED = re.compile(
    r"<attached_files>(?:(?!</?attached_files>).)*</attached_files>\s*", re.DOTALL
)
# Open WebUI writes the attributes in this order, and the name, which is anybody's, last.
_FILE_TAG = "<file "
_IMAGE_TAG = re.compile(
    r'<file type="(?:image"|[^"<>]{0,64}" id="[^"<>]{0,300}"(?: url="[^"<>]{0,300}")?'
    r' content_type="image/)'
)
_CONTEXT_BEGIN, _CONTEXT_END = "<context>", "</context>"
_ID = re.compile(r"[\w.:@-]+")

# First lines of Open WebUI's default task templates, for callers that skip the inlet hook. The RAG
# template begins with "### Task:" as well, so only whole, known beginnings count.
TASK_BEGINNINGS = (
    ("### Task:\nGenerate a concise title", "title_generation"),
    ("### Task:\nGenerate a concise, 3-5 word title", "title_generation"),
    ("Create a concise, 3-5 word title", "title_generation"),
    ("### Task:\nGenerate 1-3 broad tags", "tags_generation"),
    ("### Task:\nPredict 3-5 useful messages", "follow_up_generation"),
    ("### Task:\nSuggest 3-5 relevant follow-up questions", "follow_up_generation"),
    ("### Task:\nAnalyze the chat history to determine the necessity", "query_generation"),
    ("### Task:\nGenerate a detailed prompt for am image", "image_prompt_generation"),
    ("### Task:\nYou are an autocompletion system.", "autocomplete_generation"),
    ("Your task is to reflect the speaker's likely facial expression", "emoji_generation"),
    (
        "You have been provided with a set of responses from various models",
        "moa_response_generation",
    ),
)


def context_of(metadata: Any, user: Any) -> dict[str, Any]:
    """What `inlet` puts into the body as `hal_ctx`, from Open WebUI's metadata."""
    known = _mapping(metadata)
    text = _mapping(known.get("user_message")).get("content")
    return {
        **{key: known.get(key) for key in CONTEXT_IDS},
        "features": known.get("features"),
        "has_files": any(not _is_image(file) for file in _list(known.get("files"))),
        "has_images": any(_is_image(file) for file in _list(known.get("files"))),
        "user_id": _mapping(user).get("id"),
        "user_text": text if isinstance(text, str) else None,
    }


def read_turn(body: Mapping[str, Any], messages: Iterable[Mapping[str, Any]]) -> Turn:
    """One request as a Turn. `hal_ctx` is optional and is believed only as far as its types go."""
    raw_context, tool_choice = body.get(CONTEXT_KEY), body.get("tool_choice")
    context: Mapping[str, Any] = raw_context if isinstance(raw_context, Mapping) else {}
    conversation = [_message(raw) for raw in messages if isinstance(raw, Mapping)]
    task = _id(context.get("task")) or (None if context else _sniff_task(body, conversation))
    question = _question(context.get("user_text"), conversation)
    said = Said(None, None, question) if task else read_commands(question)
    ids: dict[str, Any] = {key: _id(context.get(key)) for key in CONTEXT_IDS if key != "task"}
    return Turn(
        id=uuid.uuid4().hex,
        messages=_without_commands(conversation, question, said.text),
        question=said.text,
        override=said.override,
        privacy=said.privacy,
        task=task,
        features=_features(context.get("features")),
        parameters=read_parameters(body),
        tools=tuple(tool for tool in _list(body.get("tools")) if isinstance(tool, Mapping)),
        tool_choice=tool_choice if isinstance(tool_choice, str | Mapping) else None,
        attachments=_attachments(conversation, context),
        stream=bool(body.get("stream", True)),
        user_id=_id(context.get("user_id")) or _id(_mapping(body.get("user")).get("id")),
        **ids,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """The commands in front of a question, and the question without them."""

    override: Override | None
    privacy: PrivacyWord | None
    text: str


def read_commands(text: str) -> Said:
    """At most one of either sort, in any order; a second one of a sort belongs to the question."""
    override: Override | None = None
    privacy: PrivacyWord | None = None
    while True:
        first, *rest = text.split(maxsplit=1) or [""]
        word = first.lower()
        if override is None and word in set(Override):
            override = Override(word)
        elif privacy is None and word in set(PrivacyWord):
            privacy = PrivacyWord(word)
        else:
            return Said(override, privacy, text)
        text = "".join(rest).strip()


def read_parameters(body: Mapping[str, Any]) -> Parameters:
    """Sampling parameters of the right type; the others are left out."""
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else _list(stop)
    response_format = body.get("response_format")
    return Parameters(
        temperature=_number(body, "temperature"),
        top_p=_number(body, "top_p"),
        top_k=_integer(body, "top_k"),
        min_p=_number(body, "min_p"),
        max_tokens=_integer(body, "max_tokens") or _integer(body, "max_completion_tokens"),
        stop=tuple(item for item in stops if isinstance(item, str) and item),
        seed=_integer(body, "seed"),
        presence_penalty=_number(body, "presence_penalty"),
        frequency_penalty=_number(body, "frequency_penalty"),
        repeat_penalty=_number(body, "repeat_penalty"),
        response_format=response_format if isinstance(response_format, Mapping) else None,
    )


def _message(raw: Mapping[str, Any]) -> Message:
    content = raw.get("content")
    parts = [part for part in _list(content) if isinstance(part, Mapping)]
    texts = [part.get("text") for part in parts if part.get("type") == "text"]
    images = [_image_url(part) for part in parts if part.get("type") == "image_url"]
    return Message(
        role=str(raw.get("role") or "user"),
        text=content
        if isinstance(content, str)
        else "".join(t for t in texts if isinstance(t, str)),
        images=tuple(url for url in images if url),
        tool_calls=tuple(_tool_calls(raw.get("tool_calls"))),
        tool_call_id=_id(raw.get("tool_call_id")),
    )


def _image_url(part: Mapping[str, Any]) -> str:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    return url if isinstance(url, str) else ""


def _tool_calls(raw: Any) -> Iterable[ToolCall]:
    for call in _list(raw):
        function = _mapping(_mapping(call).get("function"))
        arguments = function.get("arguments", "{}")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        if isinstance(function.get("name"), str):
            yield ToolCall(str(_mapping(call).get("id") or ""), function["name"], text)


def _question(user_text: Any, conversation: list[Message]) -> str:
    if isinstance(user_text, str) and user_text.strip():
        return user_text.strip()
    last = next((m.text for m in reversed(conversation) if m.role == "user"), "")
    return clean_text(last)


def clean_text(text: str) -> str:
    """A user message without the attachment block and without the RAG template around it."""
    text = _ATTACHED.sub("", text)
    if _has_context(text) and text.lstrip().startswith("### Task:"):
        text = text.rpartition(_CONTEXT_END)[2]
    return text.strip()


def _has_context(text: str) -> bool:
    return 0 <= text.find(_CONTEXT_BEGIN) < text.rfind(_CONTEXT_END)


def _without_commands(
    conversation: list[Message], question: str, clean: str
) -> tuple[Message, ...]:
    """The conversation that a model sees: no `/local`, no `/why` with its answer, and no note of
    ours in front of an answer."""
    last = max((i for i, m in enumerate(conversation) if m.role == "user"), default=-1)
    kept: list[Message] = []
    for index, message in enumerate(conversation):
        if message.role != "user":
            if not _answers_why(conversation, index):
                kept.append(_in_its_own_words(message))
        elif index == last:
            kept.append(_replace_text(message, question, clean))
        else:
            said = read_commands(message.text)
            if said.override is not Override.WHY:
                kept.append(_replace_text(message, message.text, said.text))
    return tuple(kept)


def _in_its_own_words(message: Message) -> Message:
    text = without_note(message.text) if message.role == "assistant" else message.text
    return message if text == message.text else replace(message, text=text)


def _answers_why(conversation: list[Message], index: int) -> bool:
    before = conversation[index - 1] if index else None
    return (
        conversation[index].role == "assistant"
        and before is not None
        and before.role == "user"
        and read_commands(before.text).override is Override.WHY
    )


def _replace_text(message: Message, old: str, new: str) -> Message:
    """`old` may stand inside a template: only its last occurrence is the user's own text."""
    if old == new or not old or old not in message.text:
        return message
    head, _, tail = message.text.rpartition(old)
    return Message(message.role, f"{head}{new}{tail}", message.images, message.tool_calls)


def _attachments(conversation: list[Message], context: Mapping[str, Any]) -> tuple[str, ...]:
    kinds = []
    blocks = [block for m in conversation for block in _ATTACHED.findall(m.text)]
    if (
        context.get("has_files")
        or any(_lists_file(block) for block in blocks)
        or any(_has_context(message.text) for message in conversation)
    ):
        kinds.append("file")
    if (
        context.get("has_images")
        or any(_IMAGE_TAG.search(block) for block in blocks)
        or any(message.images for message in conversation)
    ):
        kinds.append("image")
    if any(message.role == "tool" for message in conversation):
        kinds.append("tool result")
    commands = [read_commands(m.text) for m in conversation if m.role == "user"]
    # What was said under these would travel with the history of every later turn.
    if any(said.override is Override.LOCAL for said in commands):
        kinds.append("/local turn")
    if any(said.privacy is PrivacyWord.PRIVATE for said in commands):
        kinds.append("/private turn")
    return tuple(kinds)


def _lists_file(block: str) -> bool:
    """Whether the block names anything but images, or cannot be read."""
    images = len(_IMAGE_TAG.findall(block))
    return images == 0 or block.count(_FILE_TAG) > images


def _is_image(file: Any) -> bool:
    known = _mapping(file)
    return known.get("type") == "image" or str(known.get("content_type")).startswith("image/")


def _sniff_task(body: Mapping[str, Any], conversation: list[Message]) -> str | None:
    """The task by its template, only where nothing speaks against it: tasks come without stream,
    tools and history."""
    if len(conversation) != 1 or body.get("stream", True) or body.get("tools"):
        return None
    text = conversation[0].text
    return next((task for start, task in TASK_BEGINNINGS if text.startswith(start)), None)


def _features(raw: Any) -> dict[str, bool]:
    # Open WebUI has about ten features; a client that sends thousands is not Open WebUI.
    pairs = list(_mapping(raw).items())[:32]
    return {str(key)[:64]: value for key, value in pairs if isinstance(value, bool)}


def _id(value: Any) -> str | None:
    if not isinstance(value, str) or not value or len(value) > MAX_ID_CHARS:
        return None
    return value if _ID.fullmatch(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(body: Mapping[str, Any], key: str) -> float | None:
    value = body.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    # JSON's integers have no end, and Python reads NaN; neither is a number to a model.
    return float(value) if abs(value) < MAX_NUMBER else None


def _integer(body: Mapping[str, Any], key: str) -> int | None:
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < MAX_NUMBER else None
