"""The log of changes followed from nothing, beside the events as they are stored."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Followed = dict[str, tuple[Row, list[str]]]
"""Event → its columns, and the ids of its mentions, sorted."""

GONE = {"merged", "renamed", "removed"}
NEW = {"appeared", "split", "continued", "present"}
Ask = Callable[[str], list[Row]]
"""Asks a question; a row is a dictionary by the names of the columns."""


def follow(rows: list[Row]) -> Followed:
    """Apply changes, sorted by their positions, in order to nothing."""
    found: dict[str, tuple[Row, set[str]]] = {}
    for row in rows:
        event_id, before, after = row["event_id"], row["before"], row["after"]
        arrived, departed = set(row["arrived"]), set(row["departed"])
        fields = row["fields"]
        if before is None:
            assert event_id not in found
            assert row["kind"] in NEW
            found[event_id] = ({}, set())
        else:
            assert {name: found[event_id][0][name] for name in fields} == {name: before[name] for name in fields}
        values, mentions = found[event_id]
        assert departed <= mentions
        assert not arrived & mentions
        if after is None:
            assert row["kind"] in GONE
            assert departed == mentions
            del found[event_id]
        else:
            now = values | {name: after[name] for name in fields} | {"changed_run_id": row["run_id"]}
            found[event_id] = (now, mentions - departed | arrived)
    return {event_id: (values, sorted(mentions)) for event_id, (values, mentions) in found.items()}


def stored(ask: Ask) -> Followed:
    """The events as they are stored."""
    mentions: dict[str, list[str]] = {}
    for row in ask("SELECT event_id, mention_id FROM event_mentions ORDER BY ALL"):
        mentions.setdefault(row["event_id"], []).append(row["mention_id"])
    return {
        row.pop("event_id"): (row, mentions[event_id]) for row in ask("FROM events") for event_id in [row["event_id"]]
    }


def assert_log_gives_events(ask: Ask) -> None:
    """Hold the log to the events."""
    rows = ask("FROM changes ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert follow(rows) == stored(ask)
