"""`sources check`, `run --now` and `doctor` as a person sees them: real commands, real servers, a real warehouse."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import warehouse_material as material
from in_process import clampdown

from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.types import Entry, FeedOutcome, FeedState, Poll, Source
from warehouse.health import source_health
from warehouse.store import Warehouse, open_warehouse

SOURCES = (
    Source("fine", "The Fine Paper", "https://fine.example/feed"),
    Source("moved", "Moved Monthly", "https://moved.example/feed"),
    Source("down", "Down Daily", "https://down.example/feed"),
    Source("quiet", "Quiet Quarterly", "https://quiet.example/feed", items_per_week=50.0),
    Source("over", "Over Observer", "https://over.example/feed"),
    Source("new", "New News", "https://new.example/feed"),
)
LIST = """
[[source]]
id = "fine"
name = "The Fine Paper"
url = "https://fine.example/feed"

[[source]]
id = "down"
name = "Down Daily"
url = "https://down.example/feed"

[[source]]
id = "later"
name = "Later"
url = "https://later.example/feed"

[[source]]
id = "off"
name = "Off"
url = "https://off.example/feed"
enabled = false
"""


def poll(source_id: str, number: int, state: FeedState, outcome: FeedOutcome = FeedOutcome.OK) -> Poll:
    entries: tuple[Entry, ...] = ()
    if source_id in ("fine", "quiet") and number == 0:
        entries = tuple(replace(material.entry(n, source_id), published=None) for n in range(28))
    return Poll(source_id, outcome, detail=state.error, state=state, entries=entries)


def fill(warehouse: Warehouse, now: datetime) -> None:
    """Two runs, ten days apart: the first brings items, the second finds what has become of the sources."""
    for number, started in enumerate((now - timedelta(days=10), now)):
        run_id = f"run-{number}"
        warehouse.sync_sources(SOURCES)
        warehouse.begin_run(run_id, started, mode="direct", model="m", version="0")
        later = started + timedelta(minutes=30)
        answered = {"answered_at": started, "next_poll_at": later}
        polls = [
            poll("fine", number, FeedState("fine", language="fr", **answered)),
            poll("moved", number, FeedState("moved", moved_to="https://elsewhere.example/rss", **answered)),
            poll("quiet", number, FeedState("quiet", **answered)),
        ]
        if number:
            down = FeedState("down", failures=7, error="status [503]\x1b[31m", next_poll_at=later)
            over = FeedState("over", failures=1, error="status 410", gone_at=started)
            polls += [
                poll("down", number, down, FeedOutcome.HTTP_ERROR),
                poll("over", number, over, FeedOutcome.GONE),
            ]
        warehouse.store_polls(run_id, polls)
        warehouse.finish_run(run_id, started, "finished")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_warehouse(tmp_path / "clampdown-data" / "warehouse.duckdb") as warehouse:
        fill(warehouse, datetime.now(UTC))
    return tmp_path


def test_trouble_comes_first_with_its_reason(folder: Path) -> None:
    done = clampdown("sources", "check", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    order = [next(n for n, line in enumerate(lines) if f" {source.id} " in line) for source in SOURCES]
    fine, moved, down, quiet, over, new = order
    assert over < down < quiet < new < fine
    assert quiet < moved
    assert re.match(r"failing 7× +down +Down Daily", lines[down])
    assert "status [503]�[31m" in done.stdout, "a server's words style nothing"
    assert "nothing new for 10 d" in done.stdout
    assert "moved to https://elsewhere.example/rss" in re.sub(r"\s*\n\s*", " ", done.stdout)
    assert re.search(r"ok +fine +The Fine Paper +fr +\d+ s ago +in 30 min +2\.8", done.stdout)
    assert "50/week" in lines[quiet]
    assert lines[-1] == "1 gone, 1 failing, 1 silent, 1 never polled, 2 ok"


def test_json_has_it_whole_and_ids_choose(folder: Path) -> None:
    done = clampdown("sources", "check", "quiet", "fine", "--json", cwd=folder)
    quiet, fine = json.loads(done.stdout)
    assert (quiet["source_id"], quiet["state"], quiet["expected_per_week"]) == ("quiet", "silent", 50)
    assert quiet["silent_since"] == quiet["last_item_at"]
    assert (fine["state"], fine["learnt_per_week"], fine["items_per_day"]) == ("ok", None, pytest.approx(2.8, rel=0.01))


def test_an_unknown_source_is_named_with_its_neighbour(folder: Path) -> None:
    done = clampdown("sources", "check", "quite", cwd=folder)
    assert done.returncode == 2
    assert "'quite'" in done.stderr
    assert "'quiet'" in done.stderr


def test_sources_of_the_list_that_no_run_has_met_are_shown_too(folder: Path) -> None:
    (folder / "sources.toml").write_text(LIST, encoding="utf-8")
    found = json.loads(clampdown("sources", "check", "--json", cwd=folder).stdout)
    assert [(one["source_id"], one["state"]) for one in found] == [
        ("down", "failing"),
        ("later", "never_polled"),
        ("fine", "ok"),
        ("off", "disabled"),
    ]


def apart(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which a lock keeps out."""
    command = [sys.executable, "-c", "from clampdown.main import main; main()", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_while_a_run_holds_the_warehouse_the_snapshot_tells(folder: Path) -> None:
    data = folder / "clampdown-data"
    with open_warehouse(data / "warehouse.duckdb") as warehouse:
        before = apart("sources", "check", cwd=folder)
        assert before.returncode == 4
        assert "locked" in before.stderr
        warehouse.publish(data / "published", manifest={})
        done = apart("sources", "check", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 gone, 1 failing, 1 silent, 1 never polled, 2 ok" in done.stdout
    assert "A run is under way" in done.stdout
    alone = source_health(data / "warehouse.duckdb", data / "published")
    assert not alone.busy


def test_the_doctor_points_there(folder: Path) -> None:
    done = clampdown("doctor", "--json", cwd=folder)
    (feeds,) = [check for check in json.loads(done.stdout) if check["name"] == "feeds"]
    assert feeds["state"] == "warn"
    assert "1 silent" in feeds["detail"]
    assert "sources check" in feeds["hint"]


def test_before_the_first_run_there_is_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(LIST, encoding="utf-8")
    done = clampdown("sources", "check", cwd=tmp_path)
    assert "3 never polled, 1 disabled" in done.stdout


def settings_for(server: HTTPServer) -> str:
    return f'[fetch]\nhost_gap = 0\nretries = 0\nallow_hosts = ["{server.host}:{server.port}"]\n'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[HTTPServer]:
    at = format_datetime(datetime.now(UTC) - timedelta(hours=3))
    item = f"<item><title>One</title><link>/1.html</link><pubDate>{at}</pubDate></item>"
    rss = f"<rss version='2.0'><channel><title>T</title><language>de</language>{item}</channel></rss>".encode()
    with HTTPServer({"/feed.xml": Reply(200, rss, {"Content-Type": "application/rss+xml"})}) as server:
        (tmp_path / "clampdown.toml").write_text(settings_for(server), encoding="utf-8")
        (tmp_path / "sources.toml").write_text(
            f'[[source]]\nid = "one"\nname = "One"\nurl = "{server.url("/feed.xml")}"\n\n'
            f'[[source]]\nid = "two"\nname = "Two"\nurl = "{server.url("/nothing.xml")}"\n',
            encoding="utf-8",
        )
        yield server


def test_a_probe_asks_now_and_stores_nothing(served: HTTPServer, tmp_path: Path) -> None:
    done = clampdown("sources", "check", "--probe", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.match(r"not found +two +Two", lines[1])
    assert "status 404" in lines[2]
    assert re.match(r"ok +one +One +de +1 +3 h ago", lines[3])
    assert "1 of 2 feeds answered" in done.stdout
    assert not (tmp_path / "clampdown-data").exists()
    found = json.loads(clampdown("sources", "check", "one", "--probe", "--json", cwd=tmp_path).stdout)
    assert [(one["source_id"], one["outcome"], one["new"]) for one in found] == [("one", "ok", 1)]


def test_a_second_run_leaves_feeds_alone_until_told_otherwise(served: HTTPServer, tmp_path: Path) -> None:
    first = clampdown("run", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "1 not found, 1 ok" in first.stdout
    asked = len(served.hits)
    again = clampdown("run", cwd=tmp_path)
    assert re.search(r"feeds +2 not due before \d\d:\d\d\n", again.stdout)
    assert len(served.hits) == asked
    now = clampdown("run", "--now", "--json", cwd=tmp_path)
    summary = json.loads(now.stdout)["run"]
    assert (summary["feeds"], summary["not_due"]) == ({"not_found": 1, "not_modified": 1}, 0)
