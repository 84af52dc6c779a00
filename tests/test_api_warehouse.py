"""A warehouse opened from Python: what it answers, that it stays on one version, what is followed, what is shown."""

import os
import pickle
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import date, datetime
from inspect import signature
from pathlib import Path

import duckdb
import lxml.html
import pytest
import warehouse_material as material
from test_digest_html import MORE_PAYLOADS

import clampdown
from clampdown.api import shown
from clampdown.api.trends import Trends
from pipeline.decision_types import Anchor, Decision, DecisionKind
from warehouse.query import connect_snapshot
from warehouse.store import open_warehouse

TAGS = {"div", "table", "thead", "tbody", "tr", "th", "td", "p", "b", "ul", "li", "a", "mark"}
FIRST, REVIEWED, SECOND = (f"2025021{day}T063000.000000Z" for day in (0, 1, 2))


@pytest.fixture(scope="module")
def warehouse(sample_snapshot: Path) -> Iterator[clampdown.Warehouse]:
    with clampdown.open(sample_snapshot, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two published versions, of which the older one is the current one still."""
    folder = tmp_path_factory.mktemp("filled")
    with open_warehouse(folder / "warehouse.duckdb") as opened:
        material.fill(opened, FIRST, 12)
        material.begin(opened, REVIEWED, hours=12)
        no_event = material.mention(material.article(material.entry(1, "beta"), "KR", "TikTok"), "KR", "TikTok")
        anchor = Anchor(no_event.id, no_event.document_id, no_event.action, no_event.service_canonical)
        opened.decide(REVIEWED, [Decision(DecisionKind.REJECT, "Ada", material.START, "a <b>plan</b>", (anchor,))])
        opened.finish_run(REVIEWED, material.START.replace(hour=20), "finished")
        opened.publish(folder / "published", manifest={"model": "made-up-1"})
        current = (folder / "published" / "current").readlink()
        material.begin(opened, SECOND, hours=24)
        one = material.entry(100, day=date(2025, 3, 1))
        read = material.article(one, "AU", "TikTok", "banned")
        told = material.mention(read, "AU", "TikTok", "banned", action=clampdown.Action.BAN, date_value="2025-02-26")
        opened.store_polls(SECOND, [material.poll("alpha", [one])])
        opened.store_batch(SECOND, [material.result(one, read, [told])])
        opened.finish_run(SECOND, material.START.replace(month=3), "finished")
        opened.publish(folder / "published", manifest={"model": "made-up-1"})
    switch(folder, current)
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data", symlinks=True))


def switch(folder: Path, version: Path | None = None) -> None:
    """Make that version the current one, in one step as publishing does; the newest unless another is named."""
    published = folder / "published"
    newest = max((published / "versions").iterdir())
    (published / "new").symlink_to(version or newest.relative_to(published))
    (published / "new").rename(published / "current")


def test_each_filter_leaves_what_it_says(warehouse: clampdown.Warehouse) -> None:
    every, day = warehouse.events(), date(2025, 2, 1)
    assert len(every) == warehouse.sql("SELECT count(*) FROM events WHERE NOT retracted AND NOT dismissed").value()
    for filters, holds in (
        ({"service": "deep seek"}, lambda one: one.service == "DeepSeek"),
        ({"country": "Italy"}, lambda one: one.country == "IT"),
        ({"actor": "garante"}, lambda one: "Garante" in one.actor),
        ({"action": clampdown.Action.BAN}, lambda one: one.action == "ban"),
        ({"status": "proposed"}, lambda one: one.status is clampdown.Status.PROPOSED),
        ({"since": day}, lambda one: (one.date_to or one.first_reported or date.min) >= day),
        ({"since": datetime(2025, 2, 1, 12)}, lambda one: (one.date_to or one.first_reported or date.min) >= day),
        ({"until": "2025-02-01"}, lambda one: (one.date_from or one.first_reported or date.max) <= day),
    ):
        found = warehouse.events(**filters)
        assert 0 < len(found) < len(every), filters
        expected = [one for one in every if (one.actor or "actor" not in filters) and holds(one)]
        assert list(found) == expected, filters
    assert warehouse.events(limit=3) == every[:3]
    assert len(warehouse.events(everything=True)) == warehouse.sql("SELECT count(*) FROM events").value()


def test_all_quotes_of_an_event_are_slices_of_stored_texts(warehouse: clampdown.Warehouse) -> None:
    listed = max(warehouse.events(service="DeepSeek"), key=lambda one: one.articles)
    event = warehouse.event(listed.id[:8])
    assert {one.name: getattr(event, one.name) for one in fields(listed)} == listed.to_dict() | {
        "action": listed.action, "reason_classes": listed.reason_classes,
    }  # fmt: skip
    assert len(event.mentions) >= listed.articles > 3
    for mention in event.mentions:
        text = warehouse.text(mention.article.id, mention.version)
        assert all(text[quote.start : quote.end] == quote.text for _, quote in mention.quotes)
        assert mention.article.url.startswith("http://127.0.0.1:")
    assert sum(len(one.mention_ids) for one in event.told_by) >= listed.articles
    assert [step.kind for step in event.steps]
    assert pickle.loads(pickle.dumps(event)) == event
    assert str(listed.action) == event.to_dict()["action"]
    with pytest.raises(clampdown.InputError, match="no version 99"):
        warehouse.text(event.mentions[0].article.id, 99)


def test_an_answer_can_be_read_again_and_in_every_form(warehouse: clampdown.Warehouse) -> None:
    answer = warehouse.sql("SELECT id, id FROM range(3) AS r(id) WHERE id < $most ORDER BY id", {"most": 2})
    assert answer.columns == ("id", "id_1")
    assert answer.types == ("BIGINT", "BIGINT")
    begun = iter(answer)
    assert next(begun) == (0, 0)
    assert answer.rows() == answer.rows() == [(0, 0), (1, 1)]
    assert answer.dicts()[1] == {"id": 1, "id_1": 1}
    assert next(begun) == (1, 1)
    with pytest.raises(clampdown.InputError, match="not one value"):
        answer.value()
    many = warehouse.sql("FROM range(5000)")
    assert sum(value for (value,) in many) == 4999 * 2500
    assert repr(many).endswith("the first 20 rows")


def test_what_is_missing_or_wrong_is_told(warehouse: clampdown.Warehouse) -> None:
    for call, message, hint in (
        (lambda: warehouse.sql("SELECT service FROM events"), "service", "service_canonical"),
        (lambda: warehouse.sql("DROP TABLE events"), "can only be read", "SELECT"),
        (lambda: warehouse.sql("FROM read_csv('/etc/passwd')"), "disabled", "out of reach"),
        (lambda: warehouse.sql("SELECT 'x'::INT FROM events").rows(), "convert", None),
        (lambda: warehouse.sql("SELECT ?", []), "parameter", None),
        (lambda: warehouse.events(since="March"), "since: 'March' is no day", "2025-02-10"),
        (lambda: warehouse.events(action="prohibit"), "no action 'prohibit'", "block"),
        (lambda: warehouse.event("ffffffff"), "no event", None),
        (lambda: warehouse.changes(since="never"), "'never' is no run, day", "cursor"),
        (lambda: warehouse.trends.trend("colour"), "the dimension is all, action", None),
    ):
        with pytest.raises(clampdown.InputError) as raised:
            call()
        assert message in str(raised.value)
        assert hint is None or hint in str(raised.value.hint)


def test_the_trends_have_a_method_for_each_macro(warehouse: clampdown.Warehouse) -> None:
    with connect_snapshot(warehouse.path) as reader:
        macros = reader.macros()
    del macros["changes_since"]  # Warehouse.changes
    given = {"service": "DeepSeek", "n": 2, "a": "US", "b": "AU", "day": date(2025, 2, 10)}
    methods = {name for name in vars(Trends) if not name.startswith("_")}
    assert methods == set(macros)
    for name, parameters in macros.items():
        asked = [one for one in signature(getattr(Trends, name)).parameters if one != "self"]
        assert ["d" if one == "day" else one for one in asked] == list(parameters), name
        required = {one: value for one, value in given.items() if one in asked}
        assert getattr(warehouse.trends, name)(**required).columns


def test_an_opened_warehouse_stays_on_its_version_until_it_is_refreshed(folder: Path) -> None:
    with clampdown.open(folder) as warehouse:
        asked = warehouse.sql("SELECT count(*) FROM events WHERE NOT dismissed")
        known, path = len(warehouse.events()), warehouse.path
        assert not warehouse.refresh()
        switch(folder)
        assert (len(warehouse.events()), warehouse.path) == (known, path)
        assert warehouse.refresh()
        assert not warehouse.refresh()
        assert len(warehouse.events()) == known + 1
        assert asked.value() == asked.value() == known, "an answer belongs to the version it was asked of"
        assert f"{len(warehouse.events(everything=True))} events" in repr(warehouse)
    with pytest.raises(clampdown.InputError, match="closed"):
        warehouse.events()
    assert "closed" in repr(warehouse)
    with pytest.raises(TypeError):
        pickle.dumps(warehouse)


def test_a_copy_is_followed_too_where_it_is_replaced(folder: Path, tmp_path: Path) -> None:
    copy, newer = tmp_path / "frozen.duckdb", tmp_path / "newer.duckdb"
    shutil.copy(folder / "published" / "clampdown.duckdb", copy)
    with clampdown.open(copy) as warehouse:
        known = len(warehouse.events())
        switch(folder)
        assert not warehouse.refresh()
        shutil.copy(folder / "published" / "clampdown.duckdb", newer)
        newer.replace(copy)
        assert warehouse.refresh()
        assert len(warehouse.events()) == known + 1


def test_each_change_comes_once_whether_polled_followed_or_resumed(folder: Path) -> None:
    with clampdown.open(folder) as warehouse:
        first = warehouse.changes(since=0)
        assert {change.event_id for change in first} == {event.id for event in warehouse.events(everything=True)}
        assert len(warehouse.changes(since=first.cursor)) == 0
        kept = str(warehouse.cursor)
        followed = warehouse.follow(every=0.01)
        resumed = clampdown.open(folder).follow(kept, every=0.01)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(next, followed)
            switch(folder)
            (change,) = changes = waiting.result(timeout=300)
        assert changes.same_log
        assert (change.kind, change.before, change.event.service) == (clampdown.ChangeKind.APPEARED, None, "TikTok")
        assert change.run_id == SECOND
        assert change.changed_at == material.START.replace(day=11)
        (telling,) = change.evidence
        assert warehouse.text(telling.article_id)[telling.quote.start : telling.quote.end] == telling.quote.text
        assert "banned" in telling.quote.text
        assert next(resumed) == changes
        assert clampdown.open(folder).changes(since=REVIEWED) == changes
        assert pickle.loads(pickle.dumps(changes)).cursor == changes.cursor
        assert len(warehouse.changes(since=str(changes.cursor))) == 0
        stop = threading.Event()
        stop.set()
        assert list(warehouse.follow(0, stop=stop)) == []


def test_a_cursor_finds_its_place_in_a_log_that_was_written_anew(folder: Path) -> None:
    with clampdown.open(folder) as warehouse:
        switch(folder)
        cursor = warehouse.cursor
        warehouse.refresh()
        (change,) = warehouse.changes(since=cursor)
        of_another_log = replace(cursor, position=10_000, mark="0" * 16)
        changes = warehouse.changes(since=of_another_log)
        assert list(changes) == [change]
        assert not changes.same_log
        in_words = replace(of_another_log, run_id="gone", ended_at=material.START.replace(day=20))
        assert list(warehouse.changes(since=str(in_words))) == [change]


def test_threads_share_it_and_a_fork_is_told(warehouse: clampdown.Warehouse) -> None:
    alone = warehouse.events(country="US")
    with ThreadPoolExecutor(4) as pool:
        assert all(found == alone for found in pool.map(lambda _: warehouse.events(country="US"), range(12)))
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            warehouse.events()
        except clampdown.InputError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as told:  # noqa: PTH123 - a descriptor
        assert told.read() == "this warehouse was opened by another process"
    os.wait()


def test_what_people_decided_is_told_with_their_words(folder: Path) -> None:
    with clampdown.open(folder) as warehouse:
        (event,) = (one for one in warehouse.events(everything=True) if one.dismissed)
        assert event not in warehouse.events()
        (decided,) = warehouse.event(event).decisions
        assert (decided.kind, decided.author, decided.reason) == ("reject", "Ada", "a <b>plan</b>")
        assert (decided.decided_at, decided.state) == (material.START, "in_force")
        assert "reject (Ada): a &lt;b&gt;plan&lt;/b&gt;" in warehouse.event(event)._repr_html_()
        others = (one for one in warehouse.events() if warehouse.event(one).decisions)
        assert list(others) == []


def test_an_old_copy_says_that_it_is_old_and_answers_sql(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "2024.duckdb"
    shutil.copy(folder / "published" / "clampdown.duckdb", copy)
    with duckdb.connect(copy) as old:
        old.execute("UPDATE manifest SET value = '3' WHERE key = 'schema_version'; ALTER TABLE events DROP dismissed")
    with clampdown.open(copy) as warehouse:
        with pytest.raises(clampdown.WarehouseError, match="older version of Clampdown") as raised:
            warehouse.events()
        assert "in SQL" in str(raised.value.hint)
        assert warehouse.sql("SELECT count(*) > 3 FROM events").value()


def test_the_writers_file_and_a_backup_are_told_from_a_snapshot(folder: Path, tmp_path: Path) -> None:
    for path, hint in (
        (folder / "warehouse.duckdb", f"Open {folder}"),
        (folder / "published" / "versions", "clampdown run"),
    ):
        with pytest.raises(clampdown.InputError) as raised:
            clampdown.open(path)
        assert hint in str(raised.value.hint)
    version = tmp_path / "backups" / "20261122T104500.000000Z"
    version.mkdir(parents=True)
    shutil.copy(folder / "warehouse.duckdb", version)
    (version / "manifest.json").write_text("{}", "utf-8")
    for path in (version, version.parent):
        with pytest.raises(clampdown.InputError, match="nothing is published") as raised:
            clampdown.open(path)
        assert f"restore {version}" in str(raised.value.hint)


@pytest.mark.parametrize("payload", MORE_PAYLOADS)
def test_payloads_stay_text_where_they_are_shown(payload: str) -> None:
    quotes = clampdown.Quotes(clampdown.Quote(payload, 0, len(payload)), clampdown.Quote(payload, 0, len(payload)))
    words = dict.fromkeys(("country", "service", "actor", "scope", "date_value"), payload)
    deed = {"action": clampdown.Action.BAN, "status": clampdown.Status.PROPOSED, "score": 0.5, "reason_classes": ()}
    none = dict.fromkeys(("actor_kind", "scope_class"))
    mention = clampdown.Mention(**words, **deed, **none, quotes=quotes)
    others = dict.fromkeys(one.name for one in fields(clampdown.Event))
    event = clampdown.Event(**others | words | deed | none | {"id": payload, "why": payload})
    told = clampdown.Telling(quotes.trigger, payload, payload, payload, None, "a", 1, "m", 0.5)
    kind, before = clampdown.ChangeKind.CHANGED, replace(event, actor="x")
    change = clampdown.Change(kind, "e", before, event, ("actor",), (), (), None, None, None, (told,))
    for html in (
        clampdown.Events([event])._repr_html_(),
        event._repr_html_(),
        shown.changes_html([change]),
        clampdown.Extraction(payload, None, (mention,))._repr_html_(),
        shown.html_table([payload], [(payload, [payload])], payload),
        shown.link_html(payload, payload),
    ):
        for element in lxml.html.fragment_fromstring(html, create_parent="div").iter():
            assert element.tag in TAGS
            assert set(element.attrib) <= {"href", "rel", "title", "style"}
            assert element.get("href", "http:").startswith(("http:", "https:"))
    for text in (repr(event), repr(change), repr(mention), repr(clampdown.Events([event]))):
        assert text.replace("\n", "").isprintable()
