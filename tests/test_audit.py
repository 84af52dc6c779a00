"""The audit: an undamaged house has no findings, and each damage is found by the check that is about it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT

from clampdown.main import main
from flows.audit import AuditReport, audit
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME
from flows.reviewing import decide
from pipeline.decision_types import Anchor, Decision, DecisionKind
from pipeline.errors import InputError
from pipeline.settings import Settings
from warehouse import audit_events, audit_tables, entities
from warehouse.audit_tables import KEYS
from warehouse.reader import open_reader

ANCHORED = "mention_id, article_id, action, service_canonical, actor_canonical, trigger_quote, scope_quote, date_value"


@pytest.fixture(scope="module")
def house(sample_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the sample, with a person's decision."""
    sample = sample_snapshot.parent.parent
    folder = Path(shutil.copytree(sample, tmp_path_factory.mktemp("house") / "data", symlinks=True))
    with open_reader(folder / WAREHOUSE_NAME) as reader:
        (mention,) = reader.rows(f"SELECT {ANCHORED} FROM mentions ORDER BY mention_id LIMIT 1")
        ((model,),) = reader.rows("SELECT model FROM runs")
    decided = Decision(DecisionKind.REJECT, "tester", datetime.now(UTC), "a test", (Anchor(*mention),))
    decide(Settings(data_dir=folder), [decided], model=model)
    return folder


@pytest.fixture
def copy(house: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(house, tmp_path / "data", symlinks=True))


@pytest.fixture
def files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the tables say of each other, which takes most of the time."""
    monkeypatch.setattr(audit_tables, "QUESTIONS", audit_tables.QUESTIONS[-1:])
    monkeypatch.setattr(audit_events, "QUESTIONS", ())


def looked_over(folder: Path) -> AuditReport:
    return audit(Settings(data_dir=folder))


def wrong(report: AuditReport) -> dict[str, tuple[str, ...]]:
    return {check.name: check.examples for check in report.checks if not check.passed}


def damage(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / WAREHOUSE_NAME)) as connection:
        for statement in statements:
            (changed,) = connection.execute(statement).fetchone() or (0,)
            assert changed > 0, statement


def test_an_undamaged_house_has_no_findings(house: Path) -> None:
    report = looked_over(house)
    assert wrong(report) == {}
    assert report.passed
    checked = {check.name: check.checked for check in report.checks}
    assert all(number > 0 for name, number in checked.items() if name != "forwards"), checked
    assert all(check.note is None and check.way_out is None for check in report.checks)


DAMAGES: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
    (
        (
            "DELETE FROM outcomes WHERE outcome = 'not_found'",
            "UPDATE mentions SET trigger_start = trigger_start + 1, trigger_end = trigger_end + 1 "
            "WHERE mention_id = (SELECT min(mention_id) FROM mentions)",
            "UPDATE events SET voices = voices + 1 WHERE event_id = (SELECT min(event_id) FROM events)",
        ),
        {
            "ledger": "entries with",
            "noted runs": "the outcome of entry",
            "references": "is not in outcomes.entry_id",
            "quotes": "its trigger",
            "voices": "voices",
            "histories": "what is known now is not what it says",
            "changes": "it is not what its changes made of it",
            "published tables": "outcomes",
        },
    ),
    (
        (
            "INSERT INTO sources SELECT * FROM sources",
            "UPDATE mentions SET version = 7 WHERE mention_id = (SELECT min(mention_id) FROM mentions)",
            "INSERT INTO event_forwards SELECT event_id, event_id, 'x' FROM events LIMIT 1",
            "UPDATE runs SET finished_at = NULL",
        ),
        {
            "noted runs": "came to its end, which the warehouse does not know",
            "keys": "stands there 2 times",
            "versions": "has no version 7",
            "forwards": "it is alive, and forwarded elsewhere",
            "published tables": "mentions",
        },
    ),
    (
        (
            "UPDATE events SET articles = articles + 1, service_canonical = 'Nobody' WHERE event_id = "
            "(SELECT min(event_id) FROM events)",
            "INSERT INTO event_history SELECT * REPLACE (DATE '2020-01-01' AS known_from) FROM event_history",
            "UPDATE event_transitions SET position = position + 1",
            "UPDATE story_members SET parent_id = NULL WHERE parent_id IS NOT NULL",
            "UPDATE outcomes SET outcome = 'lost' WHERE outcome = 'gated'",
            "UPDATE happenings SET block = 'nowhere|XX' "
            "WHERE happening_id = (SELECT max(happening_id) FROM happenings)",
        ),
        {
            "counts": "articles in",
            "fields": "none of its mentions says that its service is Nobody",
            "histories": "a gap or an overlap",
            "steps": "its steps are not counted from 0 on",
            "changes": "it is not what its changes made of it",
            "stories": "articles found it",
            "outcomes": "no outcome is called lost",
            "happenings": "its happening of nowhere|XX",
            "published tables": "outcomes",
        },
    ),
)
"""Statements that damage the warehouse, and what each check that is to tell of it says."""


@pytest.mark.parametrize(("statements", "expected"), DAMAGES)
def test_damaged_tables_are_found(copy: Path, statements: tuple[str, ...], expected: dict[str, str]) -> None:
    damage(copy, *statements)
    found = wrong(looked_over(copy))
    assert found.keys() == expected.keys(), found
    for name, words in expected.items():
        assert any(words in example for example in found[name]), found[name]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _part(folder: Path) -> Path:
    return min((folder / ARCHIVE_NAME).rglob("*.warc.gz"))


def _note(folder: Path) -> Path:
    return min((folder / ARCHIVE_NAME / "journal").glob("2*/*/*/*.json"))


def _decision(folder: Path) -> Path:
    return min((folder / ARCHIVE_NAME / "decisions").rglob("*.json"))


def _published(folder: Path, name: str) -> Path:
    return (folder / PUBLISHED_NAME / name).resolve()


def _flip_parquet(folder: Path) -> None:
    _flip(min(path for path in _published(folder, "parquet").rglob("*.parquet") if "events" in path.as_posix()))


FILES: tuple[tuple[Callable[[Path], None], dict[str, str]], ...] = (
    (lambda folder: _flip(_part(folder)), {"archive": "not the hash of its bytes", "places": "not the one"}),
    (lambda folder: _part(folder).unlink(), {"places": "it is not there", "journal": "it is not there"}),
    (
        lambda folder: _part(folder).write_bytes(_part(folder).read_bytes()[:-1]),
        {"archive": "not the hash of its bytes", "places": "it ends before", "journal": "it ends before"},
    ),
    (lambda folder: _flip(_note(folder)), {"journal": "not the hash of its bytes"}),
    (lambda folder: _decision(folder).unlink(), {"decisions": "the archive does not have it"}),
    (lambda folder: _decision(folder).write_bytes(b"{}"), {"decisions": "_"}),
    (_flip_parquet, {"published files": "its SHA-256 is not the one in the manifest"}),
    (lambda folder: _published(folder, "manifest.json").write_text("[]"), {"published files": "manifest.json"}),
    (
        lambda folder: (folder / WAREHOUSE_NAME).write_bytes(b"no warehouse at all" * 1000),
        {"warehouse": "no DuckDB file"},
    ),
    (lambda folder: shutil.rmtree(folder / PUBLISHED_NAME), {"snapshot": "not there", "published files": "manifest"}),
)
"""What is done to the files of a data folder, and what each check that is to tell of it says."""


@pytest.mark.parametrize(("done", "expected"), FILES)
def test_damaged_files_are_found(
    copy: Path, done: Callable[[Path], None], expected: dict[str, str], files_alone: None
) -> None:
    done(copy)
    found = wrong(looked_over(copy))
    assert found.keys() == expected.keys(), found
    for name, words in expected.items():
        assert any(words in example for example in found[name]), found[name]


def test_a_sample_is_read_unless_all_of_it_is_asked_for(copy: Path, files_alone: None) -> None:
    settings = Settings(data_dir=copy)
    for path in (copy / ARCHIVE_NAME).rglob("*.warc.gz"):
        _flip(path)
    some, all_ = audit(settings, sample_bytes=1), audit(settings, deep=True, sample_bytes=1)
    of_some, of_all = (next(one for one in report.checks if one.name == "archive") for report in (some, all_))
    assert (of_some.checked, of_some.wrong) == (1, 1)
    assert of_some.note is not None
    assert "--deep" in of_some.note
    assert of_all.checked == of_all.wrong > 1
    assert of_all.note is None


def test_while_a_run_is_on_the_snapshot_is_looked_at(house: Path, files_alone: None) -> None:
    program = (
        "import sys; from pathlib import Path; from warehouse.store import open_warehouse\n"
        f"w = open_warehouse(Path({str(house / WAREHOUSE_NAME)!r})); print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        report = looked_over(house)
    finally:
        holder.communicate(b"")
    assert report.busy is not None
    assert f"process {holder.pid}" in report.busy
    assert wrong(report) == {}
    assert {"quotes", "archive"} <= {check.name for check in report.checks if check.checked}


def test_the_command_says_what_is_wrong_and_the_way_out(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, files_alone: None
) -> None:
    monkeypatch.setattr(sys, "argv", ["clampdown", "-d", str(copy), "audit", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is True
    assert {check["wrong"] for check in said["checks"]} == {0}
    _flip(_part(copy))
    monkeypatch.setattr(sys, "argv", ["clampdown", "-d", str(copy), "audit"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr().out
    assert "2 of 10 checks found something wrong" in told
    assert "clampdown restore" in told


def test_an_empty_folder_is_no_house(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to audit"):
        looked_over(tmp_path)


def test_every_table_has_its_key_looked_at(house: Path) -> None:
    with open_reader(house / WAREHOUSE_NAME) as reader:
        tables = set(reader.tables())
    keyless = {table for table, key in entities.KEYS.items() if not key}
    assert tables - {table for table, _ in KEYS} - keyless == {"story_bands"}
