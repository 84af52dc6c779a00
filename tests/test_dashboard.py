"""The dashboard below its pages: questions with their values, versions that come and go, who may ask what."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import duckdb
import pytest
from digest_material import publish, told
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, WarehouseError
from reports.dashboard import links
from reports.dashboard.events import country_names, event_lines, event_rows, told_of, when
from reports.dashboard.memory import Memory
from reports.dashboard.sentences import AROUND, Place, sentence
from reports.dashboard.snapshots import Held, Snapshots
from reports.inert import visible
from warehouse.dashboard.asking import Sql, filled, literal
from warehouse.event_list import EVENT_COLUMNS

UTC = ZoneInfo("UTC")


# Values in SQL


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect()) as connection:
        yield connection


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\\0;-$%\n"))


@given(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | _TEXTS
    | st.lists(_TEXTS)
)
def test_a_value_comes_back_from_the_engine_as_it_was(engine: duckdb.DuckDBPyConnection, value: Any) -> None:
    found = engine.execute(f"SELECT {literal(value)}").fetchall()
    assert found == [(value,)]


@given(_TEXTS, _TEXTS)
def test_names_in_a_value_are_no_names_of_the_question(engine: duckdb.DuckDBPyConnection, one: str, other: str) -> None:
    sql = filled("SELECT $one, $other", one=f"{one}$other", other=f"$one{other}")
    assert engine.execute(sql).fetchall() == [(f"{one}$other", f"$one{other}")]


def test_a_question_needs_all_its_values_and_no_others() -> None:
    assert filled("  SELECT $a\n  FROM $b", a="x", b=Sql("events")) == "SELECT 'x'\nFROM events"
    with pytest.raises(KeyError, match="b"):
        filled("SELECT $a, $b", a=1)
    with pytest.raises(KeyError, match="b"):
        filled("SELECT $a", a=1, b=2)
    with pytest.raises(TypeError):
        literal(object())


# What is remembered


def test_a_value_is_made_once_however_many_want_it() -> None:
    memory, made, begun = Memory(10), [], threading.Event()

    def make() -> int:
        begun.wait(60)
        made.append(1)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(memory.get("a", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.set()
    for thread in threads:
        thread.join()
    assert found == [7] * 8
    assert len(made) == 1


def test_the_least_lately_used_goes_and_errors_are_forgotten() -> None:
    memory = Memory(8)
    for name in "abcd":
        memory.get(name, lambda name=name: name, lambda _: 2)
    memory.get("a", lambda: pytest.fail("it was there"), lambda _: 2)
    memory.get("e", lambda: "e", lambda _: 2)
    assert memory.get("b", lambda: "made anew", lambda _: 1) == "made anew"
    assert memory.get("a", lambda: pytest.fail("it was there")) == "a"
    memory.get("too much", lambda: "x" * 9, len)
    assert memory.get("too much", lambda: "again", len) == "again"

    def fails() -> str:
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        memory.get("f", fails)
    assert memory.get("f", lambda: "well") == "well"


# Versions


def test_readers_move_to_each_new_version_and_none_fails(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots, published = Snapshots(tmp_path / "published"), threading.Event()
    wrong: list[BaseException] = []
    seen: list[list[int]] = [[] for _ in range(3)]

    def read(counts: list[int]) -> None:
        try:
            while not published.is_set() or not counts or counts[-1] < 5:
                with snapshots.held() as data:
                    first = data.ask("SELECT count(*) FROM articles").rows
                    with data.reader() as reader:
                        assert reader.rows("SELECT count(*) FROM articles") == [*first]
                    counts.append(first[0][0])
                published.wait(0.01)
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=read, args=(counts,)) for counts in seen]
    for thread in threads:
        thread.start()
    for number in range(1, 5):
        publish(tmp_path, 24 * number, told(number))
    published.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    for counts in seen:
        assert counts == sorted(counts)
        assert counts[-1] == 5
    # What nobody reads any more is closed, and its file let go.
    snapshots.close()
    assert [one for one in _open_files() if one.is_relative_to(tmp_path)] == []


def _open_files() -> list[Path]:
    return [one.readlink() for one in Path("/proc/self/fd").iterdir() if one.exists()]


def test_who_holds_a_version_reads_it_to_the_end(tmp_path: Path) -> None:
    publish(tmp_path, 0, told(0))
    snapshots = Snapshots(tmp_path / "published")
    with snapshots.held() as older:
        for number in range(1, 4):  # so many that the version itself is removed
            publish(tmp_path, 24 * number, told(number))
        with snapshots.held() as newer:
            assert older.version != newer.version
            assert older.published_at < newer.published_at
            assert newer.ask("SELECT count(*) FROM articles").rows == ((4,),)
            assert older.ask("SELECT count(*) FROM articles").rows == ((1,),)
    snapshots.close()


def test_what_is_no_snapshot_is_said(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "published")
    with pytest.raises(InputError, match="no snapshot"), snapshots.held():
        pass
    publish(tmp_path, 0, told(0))
    with snapshots.held() as data:
        with pytest.raises(WarehouseError):
            data.ask("SELECT nothing FROM nowhere")
        assert data.remember("a", lambda: 1) == data.remember("a", lambda: 2) == 1
    snapshots.close()


# Lists of events


@pytest.fixture(scope="module")
def data(sample_snapshot: Path) -> Iterator[Held]:
    snapshots = Snapshots(sample_snapshot.parent)
    with snapshots.held() as held:
        yield held
    snapshots.close()


def test_a_line_of_each_event(data: Held) -> None:
    rows = event_rows(data, f"SELECT {EVENT_COLUMNS} FROM events ORDER BY event_id")
    quotes = told_of(data, [row.id for row in rows])
    lines = event_lines(rows, country_names(data), quotes)
    assert len(lines) == len(rows) > 100
    for row, one in zip(rows, lines, strict=True):
        assert one.address == f"/event/{row.id}"
        assert row.service in one.sentence
        assert one.state in {"", "in force", "announced", "proposed", "rejected", "ended", "retracted", "dismissed"}
        assert (one.when.machine is None) == (row.date_value is None or "/" in row.date_value)
        assert one.told is not None or row.retracted
    assert sum(one.told is not None for one in lines) > 100


def test_words_that_state_an_event_are_quoted_in_their_sentence(data: Held) -> None:
    ids = [event_id for (event_id,) in data.ask("SELECT event_id FROM events").rows]
    told = list(told_of(data, ids).values())
    stored = "\n".join(" ".join(text.split()) for (text,) in data.ask("SELECT text FROM articles").rows)
    assert sum(not one.is_alone for one in told) > 0.9 * len(told) > 90
    for one in told:
        shown = f"{one.before.removeprefix('… ')}{one.quote}{one.after.removesuffix(' …')}"
        assert " ".join(shown.split()) in stored


@given(
    st.text(" .aé\n\u202eК", max_size=900), st.text("ab ", min_size=1, max_size=30), st.text(" .b\n政", max_size=900)
)
def test_a_sentence_is_cut_between_words(before: str, quote: str, after: str) -> None:
    text = before + quote + after
    place = Place("a", 1, len(before), len(before) + len(quote))
    one = sentence(quote, place, {("a", 1): text})
    assert one.quote == quote
    assert len(one.before) + len(one.after) <= AROUND + len("…  …")
    assert visible(before).endswith(one.before.removeprefix("… "))
    assert visible(after).startswith(one.after.removesuffix(" …"))
    assert sentence(quote, place, {("a", 2): text}).is_alone


def test_a_long_sentence_keeps_what_is_next_to_the_words() -> None:
    text = f"{'Ministers met again. ' * 20}The {'very ' * 60}old board banned it {'as it had said ' * 20}."
    at = text.index("banned")
    one = sentence("banned", Place("a", 1, at, at + 6), {("a", 1): text})
    assert one.before.startswith("… very very")
    assert one.before.endswith("very old board ")
    assert one.after.startswith(" it as it had said")
    assert one.after.split()[-2] in ("as", "it", "had", "said")
    assert one.after.endswith(" …")
    # What there is no need of before the words, there is room for after them.
    short = sentence("banned", Place("a", 1, 5, 11), {("a", 1): f"Rome banned it {'as it had said ' * 20}."})
    assert not short.before.startswith("…")
    assert len(short.after) > len(one.after) * 3 // 2


@pytest.mark.parametrize(
    ("value", "reported", "words", "machine", "note"),
    [
        ("2025-02-04", None, "4 February 2025", "2025-02-04", ""),
        ("2025-02", date(2025, 2, 9), "February 2025", "2025-02", ""),
        ("2025", None, "2025", "2025", ""),
        ("2025-01-01/2025-02-03", None, "between 1 January and 3 February 2025", None, ""),
        (None, date(2025, 2, 9), "date not stated", None, "reported 9 February 2025"),
        (None, None, "date not stated", None, ""),
    ],
)
def test_dates_are_as_exact_as_they_are_stated(
    value: str | None, reported: date | None, words: str, machine: str | None, note: str
) -> None:
    told_when = when(value, reported)
    assert (told_when.words, told_when.machine, told_when.note) == (words, machine, note)


# Addresses


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_names_in_addresses_come_back(name: str) -> None:
    address = links.service(name)
    assert address.isascii()
    assert not set(address) & set("\"'<> ?#")
    assert unquote(address.removeprefix("/service/")) == name
    assert parse_qs(urlsplit(links.actor(name, "IT")).query, keep_blank_values=True) == {
        "name": [name],
        "country": ["IT"],
    }
    assert parse_qs(urlsplit(links.explore(service=[name, "b"], actor=None)).query)["service"] == [name, "b"]


def test_a_link_to_the_outside_says_where_it_leads() -> None:
    assert links.outside("https://www.Alpha.example/a?b=1") == ("alpha.example", "https://www.alpha.example/a?b=1")
    for wrong in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "", None):
        assert links.outside(wrong) is None
