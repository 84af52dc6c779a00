"""Reading stored texts again: what it changes, what it must not change, and that it ends where a rebuild does."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from changing_site import BLOCKED, LIFTED, PLAIN, Page, Runs, Site, opened_tools, serving

from clampdown.commands.reextract import print_report, record
from clampdown.output import print_json
from extractors.extractor import load_extractor
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House
from flows.jobs import PooledExtractor, Reading
from flows.rebuild import rebuild
from flows.reextract import ReextractReport, reextract
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision, DecisionKind, anchors_of
from pipeline.differing import mention_differences
from pipeline.errors import WorkerError
from pipeline.settings import Settings
from pipeline.types import Document, Mention
from warehouse.reader import open_reader
from warehouse.store import open_warehouse

CORRECTED = tuple(one.replace("on Thursday", "on Wednesday") for one in BLOCKED)
BY_RUN = {"schema_versions", "runs", "changes", "event_forwards", "event_origins"}
"""Tables that tell which run did what, or of ids that were in use in between."""
RUN_COLUMNS = {"run_id", "first_run_id", "changed_run_id"}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened_tools(tmp_path_factory.mktemp("tools")) as house:
        yield house


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def told(tools: House, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with articles in several versions, one of them corrected, and a rejected event."""
    folder = tmp_path_factory.mktemp("told")
    runs = Runs(tools, site, folder)
    italy = site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
    site.add("harbour", Page("The harbour is rebuilt", PLAIN))
    runs.run(0)
    italy.paragraphs, italy.summary = (*CORRECTED, *LIFTED), "Corrected."
    site.add("new", Page("Australia bans DeepSeek", (LIFTED[1], *PLAIN)))
    runs.run(3)
    with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
        mention, *_ = (
            mention
            for article in warehouse.stored_articles(warehouse.unread_by("nobody"))
            for mention in mentions_of(warehouse, article.id)
            if mention.country == "AU" and "quay" in article.versions[-1][1].text
        )
        kept = DecisionArchive(folder / ARCHIVE_NAME)
        kept.keep(Decision(DecisionKind.REJECT, "tester", datetime.now(UTC), "a test", one=anchors_of([mention])))
    runs.run(4)
    assert runs.ask("SELECT count(*) FROM events WHERE dismissed") == [(1,)]
    return folder


def mentions_of(warehouse: Any, article_id: str) -> list[Mention]:
    from warehouse.tables import mentions

    found = mentions.of_articles(warehouse._database, [article_id]).get(article_id, [])
    return [one.mention for one in found if one.known.withdrawn_on is None]


@pytest.fixture
def folder(told: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(told, tmp_path / "data", symlinks=True))


def with_cut(tools: House, cut: float) -> Settings:
    return tools.settings.model_copy(update={"extract": tools.settings.extract.model_copy(update={"min_score": cut})})


def read_again(
    tools: House, folder: Path, settings: Settings | None = None, hours: float = 5, **options: Any
) -> ReextractReport:
    settings = (settings or tools.settings).model_copy(update={"data_dir": folder})
    extractor = PooledExtractor(tools.pool, load_extractor(settings.extract).revision, settings)
    extractor = options.pop("wrap", lambda one: one)(extractor)
    with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
        started_at = datetime.now(UTC) + timedelta(hours=hours)
        house = replace(tools, settings=settings, warehouse=warehouse, extractor=extractor, started_at=started_at)
        return reextract(replace(house, archive=type(tools.archive)(folder / ARCHIVE_NAME)), **options)


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is told of articles and events, the days on which it was learned included, but not by which run."""
    found = {}
    with open_reader(path) as reader:
        for table in reader.tables():
            if table not in BY_RUN:
                columns = ", ".join(f'"{one}"' for one in reader.columns(table) if one not in RUN_COLUMNS)
                found[table] = sorted(reader.rows(f'SELECT {columns} FROM "{table}"'), key=repr)
    return found


def call_it_another(folder: Path) -> None:
    """Have all that is stored be of a model of another name."""
    with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
        for table in ("articles", "article_versions", "mentions"):
            warehouse._database.execute(f"UPDATE {table} SET model = 'another'")


def test_the_same_reading_changes_nothing(tools: House, folder: Path) -> None:
    before = tables(folder / WAREHOUSE_NAME)
    again = read_again(tools, folder)
    assert (again.articles, again.done_before) == (0, 3)
    call_it_another(folder)
    report = read_again(tools, folder, hours=6)
    assert (report.articles, report.done_before, report.failed) == (3, 0, 0)
    assert (report.differences.mentions.total(), report.events, report.lost) == (0, (), ())
    assert tables(folder / WAREHOUSE_NAME) == before


class Stops:
    """An extractor that fails for good after some documents, as where workers can't open the model any more."""

    def __init__(self, extractor: PooledExtractor, after: int) -> None:
        self._extractor, self._left, self.revision = extractor, after, extractor.revision

    def extract(self, documents: Sequence[Document]) -> Any:
        self._left -= len(documents)
        if self._left < 0:
            raise WorkerError("no more")
        return self._extractor.extract(documents)


def test_another_extractor_ends_where_a_rebuild_does(
    tools: House, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, asked = tables(folder / WAREHOUSE_NAME), with_cut(tools, 0.6)
    asked = asked.model_copy(update={"run": tools.settings.run.model_copy(update={"batch_size": 1})})
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    assert read_again(tools, folder, asked, dry_run=True, since=tomorrow).articles == 0
    tried = read_again(tools, folder, asked, dry_run=True)
    assert tables(folder / WAREHOUSE_NAME) == before
    assert sorted(path.name for path in folder.iterdir()) == [ARCHIVE_NAME, WAREHOUSE_NAME]

    # Stopped in the midst of it, it is gone on with.
    with pytest.raises(WorkerError, match="no more"):
        read_again(tools, folder, asked, wrap=lambda one: Stops(one, 2))
    with open_warehouse(folder / WAREHOUSE_NAME) as warehouse:
        assert warehouse.ledger_balance().balanced
    report = read_again(tools, folder, asked, hours=6)
    assert report.snapshot is not None
    assert report.model == tried.model != tools.extractor.revision
    assert 0 < report.articles < tried.articles
    assert report.articles + report.done_before == tried.articles
    gone = {row[0] for row in before["events"]} - {row[0] for row in tables(folder / WAREHOUSE_NAME)["events"]}
    assert {one.event_id for one in tried.events if one.kind == "gone"} == gone
    assert {one.event_id for one in report.events if one.kind == "gone"} <= gone
    assert gone
    assert 0 < report.differences.mentions["gone"] <= tried.differences.mentions["gone"]
    assert tried.differences.mentions["added"] == 0
    assert len(tried.differences.examples) == tried.differences.mentions.total()
    print_report(tried)
    said = capsys.readouterr().out
    assert f"{tried.differences.mentions['gone']} gone" in said
    assert "dry run" in said
    print_json(record(report))
    assert json.loads(capsys.readouterr().out)["events"]["counts"] == report.event_counts

    # Reading again is no news: what was learned when, and what a person decided, is as if it had always been read so.
    mine = tables(folder / WAREHOUSE_NAME)
    shown = tables(folder / PUBLISHED_NAME / "clampdown.duckdb")
    rebuild(asked.model_copy(update={"data_dir": folder}), None, discard=True)
    assert tables(folder / WAREHOUSE_NAME) == mine
    shown_anew = tables(folder / PUBLISHED_NAME / "clampdown.duckdb")
    assert {name for name in shown if shown[name] != shown_anew[name]} <= {"manifest"}


def test_back_to_the_first_extractor_all_is_as_it_was(tools: House, folder: Path) -> None:
    before = tables(folder / WAREHOUSE_NAME)
    lost = read_again(tools, folder, with_cut(tools, 1.0), hours=5)
    assert tables(folder / WAREHOUSE_NAME)["events"] == []
    assert len(lost.lost) == 1
    back = read_again(tools, folder, hours=6)
    assert back.found == lost.lost
    assert tables(folder / WAREHOUSE_NAME) == before, "ids, days and the decision are those of before"


class ShutGate:
    """Workers whose gate lets nothing through."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def map(self, function: Any, items: Sequence[Any], *, seconds: float) -> list[Any]:
        found = self._pool.map(function, items, seconds=seconds)
        return [replace(one, passes=False) if isinstance(one, Reading) else one for one in found]


def test_what_the_gate_left_out_may_pass_now(tools: House, tmp_path: Path) -> None:
    with serving() as site:
        site.add("italy", Page("Italy blocks DeepSeek", BLOCKED))
        runs = Runs(replace(tools, pool=ShutGate(tools.pool)), site, tmp_path)
        runs.run(0)
    assert runs.ask("SELECT outcome FROM outcomes") == [("gated",)]
    report = read_again(tools, tmp_path, with_cut(tools, 0.4))
    assert report.event_counts["appeared"] >= 1
    assert runs.ask("SELECT outcome, detail FROM outcomes") == [("events", None)]
    assert runs.ask("SELECT DISTINCT learned_on = CAST(fetched_at AS DATE) FROM events, articles") == [(True,)]


def test_differences_name_the_fields(tools: House) -> None:
    text = "Italy blocks DeepSeek\n\n" + "\n\n".join(BLOCKED)
    (found,) = tools.extractor.extract([Document("one", text)])
    assert isinstance(found, list)
    first, *rest = sorted(found, key=lambda one: -one.score)
    changed = replace(first, date_value="2020-01-01", score=0.1)
    after = [(changed, 1), *((one, 1) for one in rest)]
    (only,) = mention_differences([(one, 1) for one in found], after, {1: text})
    assert only.fields == ("date",)
    gone = mention_differences([(one, 1) for one in found], after[1:], {1: text})
    assert [(one.before, one.after) for one in gone] == [(first, None)]
    rescored = [(replace(one, score=0.01), 1) for one in found]
    assert mention_differences([(one, 1) for one in found], rescored, {1: text}) == []
