"""The 36 tool specs that Open WebUI 0.12 adds to every chat turn: about 26 KB of JSON.

Names follow the real ones where they are known; descriptions are our own, of the same bulk.
"""

from __future__ import annotations

from typing import Any

_TEXT = "string"

# name, what it does, parameters as "name:type" (the first one is required)
_TABLE: tuple[tuple[str, str, str], ...] = (
    ("get_current_timestamp", "Return the present time as a Unix timestamp and in ISO form", ""),
    ("calculate_timestamp", "Compute a moment some days, weeks or months ago", "days_ago:integer"),
    ("ask_user", "Put a question to the user and wait for the reply", "question options"),
    ("search_knowledge_bases", "Find knowledge bases by name", "query count:integer skip:integer"),
    ("query_knowledge_bases", "Find knowledge bases by meaning", "query count:integer"),
    ("search_knowledge_files", "Find files in knowledge bases by name", "query knowledge_id"),
    ("query_knowledge_files", "Find passages in knowledge files", "query knowledge_ids"),
    ("list_knowledge_bases", "List the knowledge bases the user may read", "count:integer"),
    ("view_knowledge_file", "Read a file of a knowledge base", "file_id offset:integer"),
    ("view_file", "Read a file that belongs to this conversation", "file_id offset:integer"),
    ("search_chats", "Find earlier conversations by their text", "query count:integer"),
    ("view_chat", "Read an earlier conversation", "chat_id"),
    ("search_memories", "Find remembered facts about the user", "query count:integer"),
    ("list_memories", "List all remembered facts about the user", ""),
    ("add_memory", "Remember a fact about the user", "content"),
    ("replace_memory_content", "Correct a remembered fact", "memory_id content"),
    ("delete_memory", "Forget a remembered fact", "memory_id"),
    ("search_notes", "Find the user's notes by their text", "query count:integer"),
    ("view_note", "Read one of the user's notes", "note_id"),
    ("write_note", "Create a note", "title content"),
    ("replace_note_content", "Replace the text of a note", "note_id content title"),
    ("search_channels", "Find channels by name or description", "query count:integer"),
    ("search_channel_messages", "Find messages within channels", "query count:integer"),
    ("view_channel_message", "Read one message of a channel", "message_id"),
    ("view_channel_thread", "Read a message and all replies to it", "parent_message_id"),
    ("list_skills", "List the skills that may be loaded", ""),
    ("view_skill", "Load the instructions of a skill", "name"),
    ("create_tasks", "Write down the steps of a longer piece of work", "tasks"),
    ("update_task", "Mark a step as begun, finished or dropped", "task_id status"),
    ("list_tasks", "List the steps that were written down", ""),
    ("create_automation", "Set up a prompt that runs at set times", "name prompt schedule"),
    ("list_automations", "List the prompts that run at set times", "count:integer"),
    ("delete_automation", "Remove a prompt that runs at set times", "automation_id"),
    ("list_calendar_events", "List the entries of the user's calendar", "start end"),
    ("create_calendar_event", "Add an entry to the user's calendar", "title start end"),
    ("delete_calendar_event", "Remove an entry from the user's calendar", "event_id"),
)

_WHEN = (
    "Use it when the conversation calls for it, or when the user asks for it in so many words, "
    "and prefer what is already in the conversation over a new call. The result is a JSON text; "
    "an empty list means that nothing was found, and an object with the key error says what "
    "went wrong and whether another attempt makes sense."
)


def _parameter(word: str) -> tuple[str, dict[str, str]]:
    name, _, kind = word.partition(":")
    readable = name.replace("_", " ")
    text = f"The {readable} for this call, as given by the user or by the result of another tool."
    return name, {"type": kind or _TEXT, "description": text}


def _spec(name: str, purpose: str, words: str) -> dict[str, Any]:
    properties = dict(_parameter(word) for word in words.split())
    schema = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    function = {"name": name, "description": f"{purpose}. {_WHEN}", "parameters": schema}
    return {"type": "function", "function": function}


TOOLS: list[dict[str, Any]] = [_spec(*row) for row in _TABLE]
