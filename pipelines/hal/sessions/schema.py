"""The tables of the session log, and the steps from each version to the next.

Knows neither rows nor threads; how a file takes the steps is `database.Schema`'s.
"""

from __future__ import annotations

import sqlite3

from ..database import FileTooNew, Schema
from .summary import CREATE_INDEXES


class SchemaTooNew(FileTooNew):
    """A newer hal-auto wrote this file; this one leaves it alone."""

    code = "session_log_too_new"


def _first_tables(connection: sqlite3.Connection) -> None:
    for statement in (_TURN, _CALL, _EGRESS, _PROMPT_VERSION, _CONTENT, _STATE, *_INDEXES):
        connection.execute(statement)


def _gateway_columns(connection: sqlite3.Connection) -> None:
    for statement in (
        "ALTER TABLE turn ADD COLUMN cache TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE turn ADD COLUMN finish_reason TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE call ADD COLUMN host TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE call ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE call ADD COLUMN is_estimate INTEGER NOT NULL DEFAULT 0",
    ):
        connection.execute(statement)


def _privacy_columns(connection: sqlite3.Connection) -> None:
    for statement in (
        "ALTER TABLE turn ADD COLUMN private_kinds TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE turn ADD COLUMN is_hard INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE turn ADD COLUMN privacy_word TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE egress ADD COLUMN masked TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE egress ADD COLUMN hashes TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE egress ADD COLUMN passed TEXT NOT NULL DEFAULT '{}'",
        "CREATE INDEX egress_at ON egress (at)",
        "CREATE TABLE egress_content ("
        "egress_id TEXT PRIMARY KEY, created_at REAL NOT NULL, body TEXT NOT NULL)",
        "CREATE INDEX egress_content_created ON egress_content (created_at)",
        # Holds the few turns that decide whether a chat has to stay, and no other.
        "CREATE INDEX turn_privacy ON turn (chat_id, started_at)"
        " WHERE is_hard = 1 OR privacy_word = '/public'",
    ):
        connection.execute(statement)


def _lookup_table(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE lookup ("
        "turn_id TEXT PRIMARY KEY, created_at REAL NOT NULL, queries INTEGER NOT NULL,"
        " hits INTEGER NOT NULL, pages INTEGER NOT NULL, pages_read INTEGER NOT NULL,"
        " sources INTEGER NOT NULL, cited TEXT NOT NULL, invalid INTEGER NOT NULL,"
        " problem TEXT NOT NULL, rewritten_by TEXT NOT NULL, freshness TEXT NOT NULL,"
        " material_tokens INTEGER NOT NULL, rewrite_ms REAL NOT NULL, search_ms REAL NOT NULL,"
        " read_ms REAL NOT NULL, total_ms REAL NOT NULL, detail TEXT NOT NULL)"
    )
    connection.execute("CREATE INDEX lookup_created ON lookup (created_at)")


def _score_tables(connection: sqlite3.Connection) -> None:
    for statement in (
        "ALTER TABLE turn ADD COLUMN override TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE turn ADD COLUMN propensity REAL NOT NULL DEFAULT 1.0",
        "ALTER TABLE turn ADD COLUMN message_count INTEGER",
        "ALTER TABLE turn ADD COLUMN prompt_chars INTEGER",
        "ALTER TABLE turn ADD COLUMN cloud_cost_usd REAL",
        "CREATE TABLE score ("
        "id TEXT PRIMARY KEY, turn_id TEXT NOT NULL, created_at REAL NOT NULL,"
        " name TEXT NOT NULL, value REAL, label TEXT NOT NULL DEFAULT '',"
        " source TEXT NOT NULL DEFAULT '', source_version TEXT NOT NULL DEFAULT '',"
        " call_id TEXT, external_id TEXT)",
        "CREATE INDEX score_turn ON score (turn_id, name, created_at)",
        "CREATE INDEX score_created ON score (created_at)",
        "CREATE INDEX score_external ON score (external_id, created_at)"
        " WHERE external_id IS NOT NULL",
        # What was said stays as it was said: who thinks otherwise adds a row.
        "CREATE TRIGGER score_is_append_only BEFORE UPDATE ON score"
        " BEGIN SELECT RAISE(ABORT, 'scores are append-only'); END",
        "CREATE TABLE score_content ("
        "score_id TEXT PRIMARY KEY, created_at REAL NOT NULL, explanation TEXT NOT NULL)",
        "CREATE INDEX score_content_created ON score_content (created_at)",
        "CREATE TABLE policy ("
        "id TEXT PRIMARY KEY, first_seen REAL NOT NULL, settings TEXT NOT NULL)",
        "CREATE TABLE eval_case ("
        "turn_id TEXT PRIMARY KEY, created_at REAL NOT NULL, expected TEXT NOT NULL,"
        " weight REAL NOT NULL, sources TEXT NOT NULL, split TEXT NOT NULL DEFAULT '')",
        "CREATE INDEX turn_user ON turn (user_id) WHERE user_id IS NOT NULL",
        *CREATE_INDEXES,
    ):
        connection.execute(statement)


def _router_columns(connection: sqlite3.Connection) -> None:
    for statement in (
        "ALTER TABLE turn ADD COLUMN p_local_ok REAL",
        "ALTER TABLE turn ADD COLUMN gain REAL",
        "ALTER TABLE turn ADD COLUMN router_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE turn ADD COLUMN cascade TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE content ADD COLUMN draft TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE shadow ("
        "id TEXT PRIMARY KEY, turn_id TEXT NOT NULL, created_at REAL NOT NULL,"
        " reason TEXT NOT NULL, propensity REAL NOT NULL, provider TEXT NOT NULL,"
        " model TEXT NOT NULL, leaves_machine INTEGER NOT NULL, outcome TEXT NOT NULL,"
        " error_code TEXT NOT NULL, call_id TEXT, router_id TEXT NOT NULL)",
        "CREATE INDEX shadow_turn ON shadow (turn_id)",
        "CREATE INDEX shadow_created ON shadow (created_at)",
        "CREATE TABLE shadow_content ("
        "shadow_id TEXT PRIMARY KEY, created_at REAL NOT NULL, answer TEXT NOT NULL)",
        "CREATE INDEX shadow_content_created ON shadow_content (created_at)",
    ):
        connection.execute(statement)


_TURN = """
CREATE TABLE turn (
    id TEXT PRIMARY KEY, started_at REAL NOT NULL,
    chat_id TEXT, message_id TEXT, user_message_id TEXT, session_id TEXT, user_id TEXT, task TEXT,
    policy_id TEXT NOT NULL DEFAULT '', route TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '', confidence REAL, reason TEXT NOT NULL DEFAULT '',
    needs_search REAL, probabilities TEXT NOT NULL DEFAULT '{}', prompt_id TEXT,
    provider TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
    leaves_machine INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL, error_code TEXT NOT NULL DEFAULT '',
    classify_ms REAL, first_token_ms REAL, total_ms REAL,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL,
    speculation TEXT NOT NULL DEFAULT '', degradations TEXT NOT NULL DEFAULT '[]',
    notes TEXT NOT NULL DEFAULT '[]', hal_version TEXT NOT NULL DEFAULT '',
    features_json TEXT NOT NULL DEFAULT '{}', process_id TEXT NOT NULL DEFAULT ''
)"""
_CALL = """
CREATE TABLE call (
    id TEXT PRIMARY KEY, turn_id TEXT NOT NULL, n INTEGER NOT NULL, purpose TEXT NOT NULL,
    provider TEXT NOT NULL, model TEXT NOT NULL, started_at REAL NOT NULL,
    first_token_ms REAL, total_ms REAL, prompt_tokens INTEGER, completion_tokens INTEGER,
    cached_tokens INTEGER, reasoning_tokens INTEGER, cost_usd REAL,
    outcome TEXT NOT NULL, error_code TEXT NOT NULL DEFAULT ''
)"""
_EGRESS = """
CREATE TABLE egress (
    id TEXT PRIMARY KEY, turn_id TEXT NOT NULL, call_id TEXT, at REAL NOT NULL,
    host TEXT NOT NULL, provider TEXT NOT NULL DEFAULT '', model TEXT NOT NULL DEFAULT '',
    purpose TEXT NOT NULL DEFAULT '', bytes INTEGER NOT NULL, sha256 TEXT NOT NULL
)"""
_PROMPT_VERSION = """
CREATE TABLE prompt_version (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL,
    text TEXT NOT NULL, first_seen REAL NOT NULL
)"""
_CONTENT = """
CREATE TABLE content (
    turn_id TEXT PRIMARY KEY, question TEXT NOT NULL, answer TEXT NOT NULL,
    thinking TEXT NOT NULL, created_at REAL NOT NULL
)"""
_STATE = "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at REAL NOT NULL)"
_INDEXES = (
    "CREATE INDEX turn_chat ON turn (chat_id, started_at)",
    "CREATE INDEX turn_started ON turn (started_at)",
    "CREATE INDEX turn_user_message ON turn (user_message_id)",
    # Holds the few unfinished turns only, so that looking for dead ones costs nothing.
    "CREATE INDEX turn_running ON turn (process_id) WHERE outcome = 'running'",
    "CREATE INDEX call_turn ON call (turn_id, n)",
    "CREATE INDEX egress_turn ON egress (turn_id, at)",
    "CREATE INDEX content_created ON content (created_at)",
)

SCHEMA = Schema(
    "The session log",
    (
        _first_tables,
        _gateway_columns,
        _privacy_columns,
        _lookup_table,
        _score_tables,
        _router_columns,
    ),
    SchemaTooNew,
)
VERSION = SCHEMA.version
# The first version with shadow pairs.
SHADOWS_SINCE = 6
