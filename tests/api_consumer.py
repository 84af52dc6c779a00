"""A program that uses the Python API, for the type checker: each line says what type it expects."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import clampdown


def ask(path: Path) -> None:
    with clampdown.open(path, threads=1) as warehouse:
        assert_type(warehouse, clampdown.Warehouse)
        events = warehouse.events(service="DeepSeek", action=clampdown.Action.BAN, since=datetime.date(2025, 1, 1))
        assert_type(events, clampdown.Events)
        assert_type(events[0], clampdown.Event)
        assert_type(events[:2], clampdown.Events)
        assert_type(events[0].date_from, datetime.date | None)
        detail = warehouse.event(events[0])
        assert_type(detail.mentions[0].article.url, str)
        assert_type(detail.mentions[0].quotes.actor, clampdown.Quote | None)
        assert_type([name for name, _ in detail.mentions[0].quotes], list[str])
        assert_type(detail.steps[0].kind, clampdown.TransitionKind)
        assert_type(warehouse.sql("SELECT ?", [1]), clampdown.Answer)
        assert_type(warehouse.trends.trend("action", every="year").columns, tuple[str, ...])
        changes = warehouse.changes(since="2025-01-01")
        assert_type(changes.cursor, clampdown.Cursor)
        assert_type(changes[0].before, clampdown.Event | None)
        assert_type(warehouse.follow(changes.cursor), Iterator[clampdown.Changes])


def read(text: str) -> None:
    found = clampdown.extract(text, published=datetime.date(2025, 2, 6))
    assert_type(found, clampdown.Extraction)
    assert_type(found[0], clampdown.Mention)
    assert_type(found[0].scope_class, clampdown.ScopeClass | None)
    assert_type(clampdown.Extractor(min_score=0.5).extract_many([text]), Iterator[clampdown.Extraction])


def mistakes(warehouse: clampdown.Warehouse) -> None:
    warehouse.trends.trend("actoin")  # type: ignore[arg-type]
    warehouse.events(servce="DeepSeek")  # type: ignore[call-arg]
    clampdown.opne("data")  # type: ignore[attr-defined]
    try:
        warehouse.event("nothing")
    except clampdown.ClampdownError as error:
        assert_type(error.hint, str | None)
