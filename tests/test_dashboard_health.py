"""The health page: what it says of sources, runs, reading and the model is what snapshot and measurements say."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import lxml.html
import pytest
from conftest import ROOT
from starlette.testclient import TestClient

from benchmarks.measured import figures
from extractors import model
from extractors.measured import FORMAT, NAME, measured
from pipeline.errors import ModelError
from reports.dashboard.app import Setting, make_app
from reports.dashboard.health_page import span
from reports.dashboard.snapshots import Snapshots


@pytest.fixture
def folder(sample_snapshot: Path, tmp_path: Path) -> Path:
    shutil.copy(sample_snapshot, tmp_path / "clampdown.duckdb")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    snapshots = Snapshots(folder)
    setting = Setting(ZoneInfo("Asia/Seoul"), measured=measured())
    yield TestClient(make_app(snapshots, setting), base_url="http://localhost")
    snapshots.close()


def words(page: str, path: str) -> list[str]:
    """The text of each place, blanks folded."""
    return [
        " ".join("".join(map(str, one.itertext())).split())
        for one in lxml.html.document_fromstring(page).iterfind(path)
    ]


def test_sources_that_need_something_done_come_first(client: TestClient) -> None:
    page = client.get("/health").text
    (lead,) = words(page, ".//main/p[@class='lead']")
    assert lead.startswith("Of 12 sources, 10 answer and 2 fail.")
    states = words(page, ".//table[@class='sources']/tbody/tr/td[1]")
    assert states == ["fails"] * 2 + ["answers"] * 10
    (first, *_) = words(page, ".//table[@class='sources']/tbody/tr/th")
    assert first == "Brindle Park Bulletin Status 404"
    failing = client.get("/health?state=failing").text
    assert words(failing, ".//table[@class='sources']/tbody/tr/td[1]") == ["fails"] * 2
    assert words(client.get("/health?state=burning&page=99").text, ".//h1") == ["Health"]


def test_what_is_counted_is_what_the_sql_beside_it_counts(client: TestClient, folder: Path) -> None:
    page = client.get("/health").text
    with duckdb.connect(str(folder / "clampdown.duckdb"), read_only=True) as plain:
        shown = {name: plain.execute(sql).fetchall() for name, sql in questions(page).items()}
        entries = plain.execute("SELECT count(*) FROM entries").fetchall()[0][0]
        articles = plain.execute("SELECT count(*) FROM articles WHERE published_on IS NOT NULL").fetchall()[0][0]
    assert {"sources-sql", "coverage-sql", "outcomes-sql", "runs-sql"} <= shown.keys()
    numbers = words(page, ".//table[@class='outcomes']/tbody/tr/td[1]")
    assert [int(one) for one in numbers] == [row[1] for row in shown["outcomes-sql"]]
    assert sum(map(int, numbers)) == entries
    # Of a run, entries by how they ended add up to those that it discovered.
    (run,) = shown["runs-sql"]
    *_, discovered, with_events, without, aside, failed, _ = run
    assert with_events + without + aside + failed == discovered == entries
    told = words(page, ".//figure[@id='coverage']/figcaption")[0]
    assert told.startswith(f"{articles} articles over 3 months. In 3 of them too little was read")


def questions(page: str) -> dict[str, str]:
    found = lxml.html.document_fromstring(page).iterfind(".//details[@class='sql']//code")
    return {str(one.get("id")).removesuffix("-text"): "".join(map(str, one.itertext())) for one in found}


def test_the_model_s_errors_are_those_that_were_measured(client: TestClient) -> None:
    page = client.get("/health").text
    told = measured()
    assert told is not None
    assert told.revision == model.revision(model.read_manifest(model.BUNDLED))
    assert "It was measured on texts that it did not learn from" in page
    first = told.texts[0].by_cut[0].rates
    (lead,) = words(page, ".//section[@id='model']/p[@class='lead']")
    assert f"about {first['strict_precision']:.0f} are right" in lead
    assert f"{first['strict_recall']:.0f} of 100 that are stated are found" in lead
    # The page on trust has the same figures.
    trust = (ROOT / "docs" / "trust.md").read_text("utf-8")
    for one in told.texts[0].by_cut:
        assert f"| {one.rates['strict_precision']} | {one.rates['strict_recall']} |" in trust
    for voices in told.voices:
        assert f"| {voices.right} |" in trust or voices.voices != "any"


def test_the_figures_beside_the_weights_are_the_frozen_ones() -> None:
    assert json.loads((model.BUNDLED / NAME).read_text("utf-8")) == figures(), "python -m benchmarks.measured"


def test_figures_of_another_model_are_said_to_be_so(folder: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(folder / "clampdown.duckdb")) as plain:
        plain.execute("UPDATE manifest SET value = '\"elsewhere-1\"' WHERE key = 'model'")
    for told, said in ((measured(), "It is another than the installed one"), (None, "nothing was measured")):
        snapshots = Snapshots(folder)
        client = TestClient(make_app(snapshots, Setting(ZoneInfo("UTC"), measured=told)), base_url="http://localhost")
        assert said in client.get("/health").text
        snapshots.close()
    assert measured(tmp_path) is None
    (tmp_path / NAME).write_text(f'{{"format": {FORMAT}}}')
    with pytest.raises(ModelError):
        measured(tmp_path)


def test_a_snapshot_of_nothing_says_what_to_do(folder: Path) -> None:
    with duckdb.connect(str(folder / "clampdown.duckdb")) as plain:
        for table in ("sources", "coverage", "outcomes", "runs", "entries", "polls"):
            plain.execute(f"DELETE FROM {table}")
    snapshots = Snapshots(folder)
    page = TestClient(make_app(snapshots, Setting(ZoneInfo("UTC"))), base_url="http://localhost").get("/health").text
    snapshots.close()
    assert len(re.findall(r'class="empty"', page)) == 3
    assert "`clampdown run`" in page


def test_lengths_of_time_are_told_in_words() -> None:
    assert [span(seconds) for seconds in (0, 1, 119, 120, 7199, 7200, 200_000)] == [
        "0 seconds", "1 second", "119 seconds", "2 minutes", "120 minutes", "2 hours", "2 days",
    ]  # fmt: skip
