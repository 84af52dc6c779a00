"""What a run writes down of the warehouse for those who don't open it, after real runs over the sample site."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flows.house import WAREHOUSE_NAME, House
from flows.ingest import RunReport
from flows.site_state import measured, note_state
from pipeline.archive_files import put
from pipeline.site_state import STATE_FOLDER, STATE_NAME, load
from warehouse.snapshot import CURRENT
from warehouse.store import open_warehouse


@pytest.fixture
def house(tools: House, sample: tuple[Path, RunReport], tmp_path: Path) -> House:
    """The data folder after a first run, its warehouse not yet open."""
    folder = tmp_path / "data"
    shutil.copytree(sample[0], folder, symlinks=True)
    shutil.rmtree(folder / STATE_FOLDER, ignore_errors=True)
    return replace(tools, settings=tools.settings.model_copy(update={"data_dir": folder}))


def test_what_is_noted_is_what_the_warehouse_holds(house: House, sample: tuple[Path, RunReport]) -> None:
    data_dir, report = house.settings.data_dir, sample[1]
    with open_warehouse(data_dir / WAREHOUSE_NAME) as warehouse:
        house = replace(house, warehouse=warehouse)
        state = note_state(house, report)
        assert load(data_dir) == state
        assert state.articles == warehouse.count_articles()
        assert state.events == report.snapshot.counts["events"]
        assert (state.run_id, state.run_at) == (report.summary.run_id, report.summary.started_at)
        assert state.outcomes == {outcome.value: number for outcome, number in report.summary.outcomes.items()}
        assert sum(state.sources.values()) == len(warehouse.source_health())
        assert state.sources["failing"] == len(state.trouble) > 0
        assert {one.state for one in state.trouble} == {"failing"}
        assert all(one.error and one.failures for one in state.trouble)
        assert state.snapshot is not None
        assert state.snapshot.version == (data_dir / "published" / CURRENT).readlink().name
        assert state.bytes.keys() >= {"archive", "published", WAREHOUSE_NAME}

        # What looks after the warehouse leaves standing what the last ingest did, and finds a newer snapshot.
        (data_dir / "published" / CURRENT).unlink()
        (data_dir / "published" / CURRENT).symlink_to("versions/20270102T030405.000006Z")
        (data_dir / "more").write_bytes(b"x" * 100_000)
        later = note_state(replace(house, clock=lambda: state.written_at + timedelta(hours=1)), None)
        assert (later.run_id, later.outcomes) == (state.run_id, state.outcomes)
        assert later.snapshot is not None
        assert f"{later.snapshot.published_at:%Y-%m-%d %H:%M:%S.%f}" == "2027-01-02 03:04:05.000006"
        # The folder is measured once a day.
        assert (later.bytes, later.measured_at) == (state.bytes, state.measured_at)
        next_day = note_state(replace(house, clock=lambda: state.written_at + timedelta(days=1)), None)
        assert next_day.bytes["more"] >= 100_000


def test_a_file_that_cannot_be_read_or_written_costs_the_run_nothing(
    house: House, sample: tuple[Path, RunReport], caplog: pytest.LogCaptureFixture
) -> None:
    data_dir = house.settings.data_dir
    put(data_dir / STATE_FOLDER, STATE_NAME, b"{")
    with open_warehouse(data_dir / WAREHOUSE_NAME) as warehouse:
        house = replace(house, warehouse=warehouse)
        state = note_state(house, sample[1])
        assert "is no state of a site" in caplog.text
        assert load(data_dir) == state
        shutil.rmtree(data_dir / STATE_FOLDER)
        (data_dir / STATE_FOLDER).write_text("in the way")
        note_state(house, sample[1])
    assert "stays as it was" in caplog.text


def test_shared_blocks_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"x" * 50_000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "same").hardlink_to(tmp_path / "a" / "file")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "loose").write_bytes(b"x" * 20_000)
    (tmp_path / ".lock").write_bytes(b"x")
    sizes = measured(tmp_path)
    assert sizes.keys() == {"a", "b", "loose"}
    assert sizes["a"] >= 50_000 > 20_000 > sizes["b"]
    assert sizes["loose"] >= 20_000
