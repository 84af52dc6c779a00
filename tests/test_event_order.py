"""Which events a newcomer sees first."""

from datetime import date
from pathlib import Path

import pytest

from clampdown.commands.event_order import best_told, last_reported, latest_first
from warehouse.query import EventRow, connect_snapshot, events


@pytest.fixture(scope="module")
def rows(sample_snapshot: Path) -> list[EventRow]:
    with connect_snapshot(sample_snapshot) as reader:
        return events(reader)


def test_the_best_told_stand_and_none_is_shown_twice(rows: list[EventRow]) -> None:
    first = best_told(rows)
    assert all(row.status == "in_force" and not row.lifted and row.side == "restricting" for row in first)
    assert [row.voices for row in first] == sorted((row.voices for row in first), reverse=True)
    assert first[0].voices == max(row.voices for row in rows if row in first) > 1
    assert len({(row.country, row.service) for row in first}) == len(first)


def test_a_year_does_not_come_before_all_of_it(rows: list[EventRow]) -> None:
    ordered = latest_first(rows)
    assert sorted(ordered, key=id) == sorted(rows, key=id)
    vague = [row for row in rows if row.date_value is not None and len(row.date_value) == len("2025")]
    assert any(rows.index(row) < 5 for row in vague), "else this shows nothing"
    for row in vague:
        before = ordered[: ordered.index(row)]
        assert all((one.date_from or one.first_reported or date.min) >= (row.date_from or date.min) for one in before)
    assert len(ordered[0].date_value or "") != len("2025")


def test_the_last_reported_come_first(rows: list[EventRow]) -> None:
    days = [row.last_reported for row in last_reported(rows) if row.last_reported]
    assert days == sorted(days, reverse=True)
