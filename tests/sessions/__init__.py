"""Tests of the session log: real files, real threads, real processes."""
