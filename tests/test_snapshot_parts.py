"""Published from the version before or from nothing: the same content. And what is no longer believed is not used."""

import hashlib
import json
import logging
import re
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest
import warehouse_material as material
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from warehouse import analysis, snapshot, snapshot_delta, snapshot_file, snapshot_parts
from warehouse.query import connect_snapshot
from warehouse.snapshot import verify
from warehouse.snapshot_file import PUBLISHED, TABLES
from warehouse.store import Warehouse, open_warehouse

MANIFEST = {"model": "made-up-1"}
LARGE = 3


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of two runs, and a snapshot of it in which tables of few rows are large."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch, open_warehouse(folder / "warehouse.duckdb") as opened:
        patch.setattr(snapshot_file, "LARGE", LARGE)
        material.fill(opened, "20250210T063000.000000Z", 24)
        material.begin(opened, "20250310T063000.000000Z", hours=24)
        add(opened, "20250310T063000.000000Z", 100)
        opened.publish(folder / "published", manifest=MANIFEST)
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(snapshot_file, "LARGE", LARGE)
    return Path(shutil.copytree(filled, tmp_path / "copied", symlinks=True))


def add(warehouse: Warehouse, run_id: str, number: int) -> None:
    """One more article with a mention."""
    one = material.entry(number, day=date(2025, 3, 1 + number % 20))
    read = material.article(one)
    warehouse.store_polls(run_id, [material.poll("alpha", [one])])
    warehouse.store_batch(run_id, [material.result(one, read, [material.mention(read)])])


def said(published: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, those of the Parquet files beside those of the DuckDB file."""
    patterns = json.loads((published / "manifest.json").read_text())["parquet"]
    found = {}
    with connect_snapshot(published) as reader, duckdb.connect() as plain:
        for table in PUBLISHED:
            found[table] = sorted(reader.rows(f"FROM {table}"), key=repr)
            files = str(published / patterns[table])
            found[f"{table} in Parquet"] = sorted(plain.execute(f"FROM read_parquet('{files}')").fetchall(), key=repr)
            assert found[table] == found[f"{table} in Parquet"], table
    return found


_CHANGES = ("dropped", "doubled", "moved", "undated", "reworded")


def change(warehouse: Warehouse, table: str, how: str, which: int) -> None:
    """Do something to a third of the rows of a table."""
    database = warehouse._database
    types = database.column_types(table)
    columns = list(types)
    some = f"hash(rowid) % 3 = {which}"
    dates = [name for name, kind in types.items() if kind in ("DATE", "TIMESTAMP")]
    open_ = {str(name) for (name,) in database.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND is_nullable", [table])}  # fmt: skip
    words = [name for name, kind in types.items() if kind == "VARCHAR"]
    if how == "dropped":
        database.script(f"DELETE FROM {table} WHERE {some}")
    elif how == "doubled":
        # Under another key, in the same place.
        others = ", ".join(f'"{name}"' for name in columns[1:])
        key = f"{columns[0]} || '{which}'" if types[columns[0]] == "VARCHAR" else f"{columns[0]} + 1000"
        database.script(f"INSERT INTO {table} SELECT {key}, {others} FROM {table} WHERE {some}")
    elif how == "moved" and dates:
        database.script(f"UPDATE {table} SET {', '.join(f'{d} = {d} + INTERVAL 40 DAY' for d in dates)} WHERE {some}")
    elif how == "undated" and open_ & set(dates):
        undated = ", ".join(f"{name} = NULL" for name in dates if name in open_)
        database.script(f"UPDATE {table} SET {undated} WHERE {some}")
    elif words:
        database.script(f"UPDATE {table} SET {words[-1]} = {words[-1]} || '!' WHERE {some}")


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(snapshot_parts.MONTHS.keys() & TABLES.keys() | snapshot_parts.HASHED.keys())),
        st.sampled_from(_CHANGES),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])
@given(steps=_STEPS, run=st.booleans())
def test_from_the_version_before_or_from_nothing_is_the_same(
    filled: Path, steps: list[tuple[str, str, int]], run: bool
) -> None:
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_file, "LARGE", LARGE)
        folder = Path(shutil.copytree(filled, Path(temporary) / "copied", symlinks=True))
        doubts: list[object] = []
        patch.setattr(snapshot.log, "warning", lambda *said: doubts.append(said))
        with open_warehouse(folder / "warehouse.duckdb") as warehouse:
            for table, how, which in steps:
                change(warehouse, table, how, which)
            if run:
                add(warehouse, "20250310T063000.000000Z", 101)
            # Another model: what only clocks have changed would not be published otherwise.
            for name in ("published", "anew"):
                assert warehouse.publish(folder / name, manifest={"model": "made-up-2"}).changed
        assert doubts == []
        assert said(folder / "published") == said(folder / "anew")
        assert verify(folder / "published") == []
        noted = [folder / name / "current" / "fingerprints.json" for name in ("published", "anew")]
        assert json.loads(noted[0].read_text())["tables"] == json.loads(noted[1].read_text())["tables"]


def test_a_small_change_leaves_most_files_as_they_are(folder: Path) -> None:
    published = folder / "published"
    before = json.loads((published / "manifest.json").read_text())
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        add(warehouse, "20250310T063000.000000Z", 102)
        assert warehouse.publish(published, manifest=MANIFEST).changed
    after = json.loads((published / "manifest.json").read_text())
    same = {name for name, about in after["files"].items() if before["files"].get(name) == about}
    assert {"parquet/entries/2025-02.parquet", "parquet/services.parquet"} <= same
    assert not {"parquet/entries/2025-03.parquet", "parquet/event_mentions.parquet"} & same
    versions = sorted((published / "versions").iterdir())
    assert len(versions) == 2
    for name in same:
        assert (versions[0] / name).samefile(versions[1] / name), name
    assert verify(published) == []
    assert all(verify(version) == [] for version in versions)


@pytest.mark.parametrize("damage", ["a changed byte", "another time", "lost fingerprints", "another layout"])
def test_a_version_that_is_not_what_it_was_is_not_built_upon(
    folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    published = folder / "published"
    version = (published / "current").resolve()
    if damage == "a changed byte":
        with (version / "clampdown.duckdb").open("r+b") as file:
            file.seek(20_000)
            byte = file.read(1)[0]
            file.seek(20_000)
            file.write(bytes([byte ^ 1]))
    elif damage == "another time":
        (version / "parquet" / "articles" / "2025-02.parquet").touch()
    elif damage == "lost fingerprints":
        (version / "fingerprints.json").unlink()
    else:
        noted = json.loads((version / "fingerprints.json").read_text())
        (version / "fingerprints.json").write_text(json.dumps(noted | {"layout": "another"}))
    with open_warehouse(folder / "warehouse.duckdb") as warehouse, caplog.at_level(logging.WARNING):
        add(warehouse, "20250310T063000.000000Z", 103)
        assert warehouse.publish(published, manifest=MANIFEST).changed
    assert verify(published) == []
    assert ("was changed after it was published" in caplog.text) == (damage == "a changed byte")
    new = (published / "current").resolve()
    kept = "parquet/services.parquet"
    assert not (new / kept).samefile(version / kept)


def test_verify_tells_every_fault(folder: Path) -> None:
    published = folder / "published"
    assert verify(published) == verify(published / "current") == []
    version = published / "current"
    (version / "parquet" / "runs.parquet").write_bytes(b"cut")
    (version / "parquet" / "services.parquet").unlink()
    (version / "extra").touch()
    with (version / "parquet" / "bodies.parquet").open("r+b") as file:
        file.seek(50)
        file.write(b"\x00\x01\x02")
    faults = verify(published)
    assert [fault.partition(":")[0] for fault in faults] == [
        "parquet/bodies.parquet",
        "parquet/runs.parquet",
        "parquet/services.parquet",
        "extra",
    ]
    (version / "manifest.json").write_text("{")
    assert len(verify(published)) == 1
    assert "can't be read" in verify(published)[0]


def test_verify_asks_the_database_itself(folder: Path) -> None:
    version = (folder / "published" / "current").resolve()
    with duckdb.connect(str(version / "clampdown.duckdb")) as plain:
        plain.execute("DELETE FROM runs WHERE run_id = (SELECT max(run_id) FROM runs)")
        plain.execute("UPDATE manifest SET value = '\"another\"' WHERE key = 'model'")
    manifest = json.loads((version / "manifest.json").read_text())
    about = manifest["files"]["clampdown.duckdb"]
    data = (version / "clampdown.duckdb").read_bytes()
    about |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (version / "manifest.json").write_text(json.dumps(manifest))
    faults = verify(version)
    assert "clampdown.duckdb: its table manifest says otherwise on model" in faults
    assert "clampdown.duckdb: 1 rows in runs, not 2" in faults
    assert "SHA256SUMS: does not agree with the manifest" in faults


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_sha256sum_accepts_the_sums(folder: Path) -> None:
    def check() -> int:
        ran = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=version, check=False)
        return ran.returncode

    version = (folder / "published" / "current").resolve()
    assert check() == 0
    (version / "parquet" / "runs.parquet").write_bytes(b"cut")
    assert check() != 0


def test_as_many_versions_are_kept_as_asked(folder: Path) -> None:
    published = folder / "published"
    with open_warehouse(folder / "warehouse.duckdb") as warehouse:
        for number, keep in ((110, 3), (111, 3), (112, 3), (113, 1)):
            add(warehouse, "20250310T063000.000000Z", number)
            warehouse.publish(published, manifest=MANIFEST, keep=keep)
            assert len(list((published / "versions").iterdir())) == min(keep, number - 108)
    assert verify(published) == []


def test_the_manifest_says_how_far_each_source_was_read(folder: Path) -> None:
    manifest = json.loads((folder / "published" / "manifest.json").read_text())
    alpha = manifest["coverage"]["sources"]["alpha"]
    assert alpha == {
        "first_article": "2025-02-01",
        "last_article": "2025-03-01",
        "articles": 9,
        "last_answer": "2025-02-11T06:30:00Z",
        "state": "ok",
    }
    gamma = {"first_article": None, "last_article": None, "articles": 0, "last_answer": None, "state": None}
    assert manifest["coverage"]["sources"]["gamma"] == gamma
    totals = {"sources": 3, "enabled": 2, "ok": 2, "silent": 0, "failing": 0, "gone": 0, "never_polled": 0}
    assert manifest["coverage"]["totals"] == totals


def test_only_content_counts_for_its_fingerprint(tmp_path: Path) -> None:
    """Gathered by other runs, at other times, the same content has the same fingerprint."""
    found = []
    for name, hours in (("one", 0), ("other", 5)):
        with open_warehouse(tmp_path / name / "warehouse.duckdb") as warehouse:
            material.begin(warehouse, f"before-{name}", hours=hours)
            material.fill(warehouse, f"run-{name}", 8)
            snapshot = warehouse.publish(tmp_path / name / "published", manifest={"model": name})
        found.append(json.loads(snapshot.manifest.read_text())["content_fingerprint"])
    assert found[0] == found[1]


@pytest.mark.parametrize("table", sorted(snapshot_delta.DERIVED))
def test_derived_tables_read_what_is_told_of_them(table: str) -> None:
    """If a script reads more, what changes there is missed where the table is brought up to date."""
    script = dict(zip(analysis.TABLES, analysis.scripts(), strict=True))[table]
    read = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", script)) & set(PUBLISHED)
    assert read
    assert read <= snapshot_delta.DERIVED[table].reads
