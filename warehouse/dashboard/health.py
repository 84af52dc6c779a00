"""How sources, runs and reading fare: the questions of the health page."""

from datetime import date, datetime
from typing import Final, Literal, NamedTuple

from warehouse.dashboard.asking import Sql, filled

STATES: Final = ("failing", "silent", "gone", "never_polled", "ok")
"""States of sources, those first that ask for something to be done."""


ASIDE: Final = ("gated", "same_story", "same_article", "other_language")
"""Outcomes of entries that were set aside on purpose; what is neither these nor read to the end has failed."""


class SourceRow(NamedTuple):
    """A source; times are UTC. `expected_per_week` is what the operator states, else what its history lets expect."""

    name: str
    source_id: str
    state: str
    error: str | None
    failures: int
    last_answer_at: datetime | None
    last_item_at: datetime | None
    silent_since: datetime | None
    lag_seconds: float | None
    items_per_week: float | None
    expected_per_week: float | None
    moved_to: str | None


class RunRow(NamedTuple):
    """A run and what came of it: polls and how many were answered, new entries, and entries by how they ended."""

    run_id: str
    started_at: datetime
    finished_at: datetime | None
    status: str
    mode: str
    model: str | None
    version: str | None
    polls: int
    answered: int
    entries: int
    with_events: int
    without: int
    set_aside: int
    failed: int
    waiting: int


class MonthRow(NamedTuple):
    """What was read of a month's news."""

    month: date
    complete: bool
    sources: int
    silent_sources: int
    articles: int
    expected: float | None
    read_share: float | None
    coverage: Literal["none", "gaps", "thin", "ok"]


def counts() -> Sql:
    """State, number of sources, and the last time any of them answered, UTC."""
    return Sql(
        "SELECT state, count(*) AS sources, max(last_answer_at) AS last_answer_at\n"
        "FROM source_health GROUP BY state ORDER BY sources DESC, state"
    )


def lag() -> Sql:
    """Seconds from publication to being seen: those of the median source, and of one that nine in ten outrun."""
    return Sql(
        "SELECT quantile_cont(lag_seconds, 0.5) AS median, quantile_cont(lag_seconds, 0.9) AS slow FROM source_health"
    )


def sources(state: str | None, offset: int, most: int) -> Sql:
    """Rows of `SourceRow`: those that ask for something to be done first."""
    return filled(
        """
        SELECT name, source_id, state, error, failures, last_answer_at, last_item_at, silent_since, lag_seconds,
            items_per_day * 7 AS items_per_week, coalesce(items_per_week, learnt_per_week) AS expected_per_week,
            moved_to
        FROM source_health
        WHERE $state IS NULL OR state = $state
        ORDER BY list_position($states, state), failures DESC, lower(name), source_id
        LIMIT $most OFFSET $offset
        """,
        state=state,
        states=list(STATES),
        most=most,
        offset=offset,
    )


def runs(most: int) -> Sql:
    """Rows of `RunRow`, the latest first."""
    return filled(
        """
        WITH latest AS MATERIALIZED (SELECT * FROM runs ORDER BY started_at DESC, run_id LIMIT $most),
        asked AS (
            SELECT run_id, count(*) AS polls,
                count(*) FILTER (WHERE outcome IN ('ok', 'not_modified', 'empty')) AS answered
            FROM polls WHERE run_id IN (SELECT run_id FROM latest) GROUP BY run_id
        ),
        found AS (
            SELECT run_id, count(*) AS entries FROM entries
            WHERE run_id IN (SELECT run_id FROM latest) GROUP BY run_id
        ),
        ended AS (
            SELECT run_id,
                count(*) FILTER (WHERE outcome = 'events') AS with_events,
                count(*) FILTER (WHERE outcome = 'no_event') AS without,
                count(*) FILTER (WHERE list_contains($aside, outcome)) AS set_aside,
                count(*) FILTER (
                    WHERE outcome NOT IN ('events', 'no_event', 'pending') AND NOT list_contains($aside, outcome)
                ) AS failed,
                count(*) FILTER (WHERE outcome = 'pending' OR retry_at IS NOT NULL) AS waiting
            FROM outcomes WHERE run_id IN (SELECT run_id FROM latest) GROUP BY run_id
        )
        SELECT run_id, started_at, finished_at, status, mode, model, version, coalesce(polls, 0), coalesce(answered, 0),
            coalesce(entries, 0), coalesce(with_events, 0), coalesce(without, 0), coalesce(set_aside, 0),
            coalesce(failed, 0), coalesce(waiting, 0)
        FROM latest LEFT JOIN asked USING (run_id) LEFT JOIN found USING (run_id) LEFT JOIN ended USING (run_id)
        ORDER BY started_at DESC, run_id
        """,
        most=most,
        aside=list(ASIDE),
    )


def outcomes() -> Sql:
    """How entries ended, over all runs: outcome, entries, and their share in per cent."""
    return Sql(
        "SELECT outcome, count(*) AS entries, 100 * count(*) / sum(count(*)) OVER () AS share,\n"
        "    count(retry_at) AS tried_again\n"
        "FROM outcomes GROUP BY outcome ORDER BY entries DESC, outcome"
    )


def months() -> Sql:
    """Rows of `MonthRow`, the first month first."""
    return Sql(
        "SELECT month, complete, sources, silent_sources, articles, expected, read_share, coverage\n"
        "FROM coverage_by_month ORDER BY month"
    )


def models() -> Sql:
    """The models that have read: revision, runs, and when the first and the last of them began."""
    return Sql(
        "SELECT model, count(*) AS runs, min(started_at) AS since, max(started_at) AS until\n"
        "FROM runs WHERE model IS NOT NULL GROUP BY model ORDER BY until DESC, model"
    )
