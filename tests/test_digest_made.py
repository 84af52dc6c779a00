"""The digest of each day is made once, from real warehouses: after sleep, kills, clock changes, by several at once."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT
from digest_material import publish, told
from in_process import clampdown
from warehouse_material import START

from flows.digest import make_digests, preview_digest
from flows.digest_records import FOLDER, records
from flows.digest_report import DigestReport, DigestState, require_made
from pipeline import site_state
from pipeline.errors import ArchiveError, InputError
from pipeline.flow_log import FlowLog
from pipeline.occasions import latest
from pipeline.settings import ServeSettings, Settings
from pipeline.site_state import SiteState, Trouble
from pipeline.subscriptions import BUILT_IN
from pipeline.types import Action, Status
from reports.digest import News

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MORNING = datetime(2025, 2, 11, 7, 0, tzinfo=UTC)
"""The second time for a digest after the first run."""


def settings_at(folder: Path, zone: str = "UTC", at: time | None = time(7)) -> Settings:
    return Settings(data_dir=folder, serve=ServeSettings(timezone=zone, digest_at=at))


def make_digest(settings: Settings, now: datetime, *, patience: float = 0.0) -> DigestReport:
    """That of the built-in subscription, the only one here."""
    (report,) = make_digests(settings, now, patience=patience)
    return report


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after a first run, which read that Italy blocked DeepSeek and that Korea wants to ban TikTok."""
    folder = tmp_path_factory.mktemp("first")
    publish(
        folder, 0, told(0), told(1, "KR", "TikTok", action=Action.BAN, status=Status.PROPOSED, date_value="2025-02")
    )
    return folder


@pytest.fixture(scope="module")
def second_day(tmp_path_factory: pytest.TempPathFactory, first_day: Path) -> Path:
    """The same a day later, after a second run: Italy lifted its block, Australia blocked DeepSeek."""
    folder = shutil.copytree(first_day, tmp_path_factory.mktemp("second") / "data", symlinks=True)
    publish(
        folder, 24, told(10, action=Action.LIFT, date_value="2025-02-10"),
        told(11, "AU", source="beta", date_value="2025-02-09"),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def quiet_since(tmp_path_factory: pytest.TempPathFactory, first_day: Path) -> Path:
    """The first day with its digest made: all that follow are quiet ones, and quickly made."""
    folder = tmp_path_factory.mktemp("quiet")
    (folder / "published").symlink_to(first_day / "published")
    make_digest(settings_at(folder), MORNING)
    return folder


@pytest.fixture
def quiet(tmp_path: Path, quiet_since: Path) -> Path:
    return shutil.copytree(quiet_since, tmp_path / "quiet", symlinks=True)


@pytest.fixture
def data_dir(tmp_path: Path, first_day: Path) -> Path:
    return shutil.copytree(first_day, tmp_path / "data", symlinks=True)


def later(data_dir: Path, second_day: Path) -> None:
    """Let the second day's run have published, too."""
    shutil.rmtree(data_dir / "published")
    shutil.copytree(second_day / "published", data_dir / "published", symlinks=True)


def page_of(report: DigestReport) -> Path:
    return next(path for path in report.files if path.suffix == ".md")


def text_of(report: DigestReport) -> Path:
    return next(path for path in report.files if path.suffix == ".txt")


def news(path: Path) -> list[tuple[str, str, str]]:
    document = json.loads(path.read_bytes())
    return sorted((item["news"], item["event"]["service"], item["country"]) for item in document["items"])


def test_each_digest_tells_what_came_since_the_one_before(data_dir: Path, second_day: Path) -> None:
    settings = settings_at(data_dir)
    assert make_digest(settings, START + HOUR / 4).state is DigestState.NOT_DUE, "watching began after yesterday's"

    report = make_digest(settings, MORNING + HOUR)
    assert (report.state, report.day, report.number) == (DigestState.MADE, date(2025, 2, 11), 1)
    assert report.next_at == MORNING + DAY
    assert [path.name for path in report.files] == [
        "2025-02-11.html", "2025-02-11.md", "2025-02-11.txt", "2025-02-11.png", "2025-02-11.json",
    ]  # fmt: skip
    assert news(report.files[-1]) == [("new", "DeepSeek", "Italy"), ("proposed", "TikTok", "South Korea")]
    page = page_of(report).read_text("utf-8")
    assert "blocked DeepSeek for all staff on Wednesday" in page, "the quote"
    assert "(<https://alpha.example/news/0>) (Alpha Gazette, alpha.example, 9 February 2025)" in page

    again = make_digest(settings, MORNING + 2 * HOUR)
    assert (again.state, again.files, again.subject) == (DigestState.DONE, report.files, report.subject)
    assert page_of(report).read_text("utf-8") == page

    later(data_dir, second_day)
    following = make_digest(settings, MORNING + DAY)
    assert (following.state, following.number) == (DigestState.MADE, 2)
    assert news(following.files[-1]) == [("lifted", "DeepSeek", "Italy"), ("new", "DeepSeek", "Australia")]
    assert "lifted its block on DeepSeek" in " ".join(text_of(following).read_text("utf-8").split())
    quiet = make_digest(settings, MORNING + 2 * DAY)
    assert "Nothing new since Wednesday 12 February, 07:00 (UTC)." in text_of(quiet).read_text("utf-8")
    assert quiet.news == 0


def test_a_week_of_sleep_makes_one_digest_of_all_that_came(data_dir: Path, second_day: Path) -> None:
    settings = settings_at(data_dir)
    with FlowLog(data_dir, clock=lambda: MORNING).running("ingest"):
        pass
    make_digest(settings, MORNING + HOUR)
    later(data_dir, second_day)
    awake = MORNING + 8 * DAY + timedelta(hours=5)
    report = make_digest(settings, awake)
    assert (report.state, report.day, report.number) == (DigestState.MADE, date(2025, 2, 19), 2)
    assert report.partial
    assert "Nothing was read from Tuesday 11 February, 08:00 to Wednesday 19 February, 12:00." in (
        text_of(report).read_text("utf-8").replace("\n", " ")
    )
    assert make_digest(settings, awake + HOUR).state is DigestState.DONE
    assert len(records(data_dir / FOLDER)) == 2


def test_after_long_silence_a_reading_is_waited_for(data_dir: Path) -> None:
    settings = settings_at(data_dir)
    now = datetime.now(UTC)
    made = make_digest(settings, now, patience=0.3)
    waited = datetime.fromisoformat(json.loads(made.files[-1].read_bytes())["made_at"]) - now
    assert waited >= timedelta(seconds=0.3)
    with FlowLog(data_dir, clock=lambda: now + DAY).running("ingest"):
        pass
    assert make_digest(settings, now + DAY, patience=30).state is DigestState.MADE, "nothing to wait for"


@pytest.mark.parametrize(
    ("zone", "first", "at"),
    [
        ("Europe/Berlin", date(2025, 3, 29), time(2, 15)),
        ("Europe/Berlin", date(2025, 10, 25), time(2, 15)),
        ("Australia/Lord_Howe", date(2025, 4, 5), time(1, 45)),
        ("America/Santiago", date(2025, 9, 6), time(0, 0)),
    ],
)
def test_each_day_has_one_digest_however_clocks_change(quiet: Path, zone: str, first: date, at: time) -> None:
    """Asked every 50 minutes for three days with the change in the middle, at times that it skips or doubles."""
    settings = settings_at(quiet, zone, at)
    now = datetime.combine(first, time(0, 5), settings.serve.zone).astimezone(UTC)
    made, end = [], now + 3 * DAY
    while now < end:
        report = make_digest(settings, now)
        assert report.day == latest(at, settings.serve.zone, now).day
        assert report.next_at > now
        if report.state is DigestState.MADE:
            made.append(report.day)
        now += timedelta(minutes=50)
    days = [first + number * DAY for number in range(3)]
    assert [day for day in made if day in days] == days
    assert Counter(made).most_common(1)[0][1] == 1
    assert [record.number for record in records(quiet / FOLDER)] == list(range(1, len(made) + 2))


def test_a_clock_that_was_wrong_costs_no_news(data_dir: Path, second_day: Path) -> None:
    """A digest of next year, made by mistake, is the one that the next digest goes on from."""
    settings = settings_at(data_dir)
    make_digest(settings, MORNING + 400 * DAY)
    later(data_dir, second_day)
    report = make_digest(settings, MORNING + DAY)
    assert (report.state, report.number) == (DigestState.MADE, 2)
    assert news(report.files[-1]) == [("lifted", "DeepSeek", "Italy"), ("new", "DeepSeek", "Australia")]


def test_a_warehouse_that_was_made_anew_is_gone_on_with_by_its_runs(data_dir: Path, second_day: Path) -> None:
    settings = settings_at(data_dir)
    first = make_digest(settings, MORNING).files[-1]
    later(data_dir, second_day)
    with duckdb.connect(data_dir / "published" / "clampdown.duckdb") as database:
        # As another model would have it: the first run made one event less.
        database.execute("DELETE FROM changes WHERE position = 1; UPDATE changes SET position = position - 1")
        database.execute("UPDATE runs SET last_change = last_change - 1")
    report = make_digest(settings, MORNING + DAY)
    assert news(report.files[-1]) == [("lifted", "DeepSeek", "Italy"), ("new", "DeepSeek", "Australia")]
    assert "was made anew since the last digest" in text_of(report).read_text("utf-8").replace("\n", " ")

    # A backup of long ago, or another data folder: the run is not known either, the time at which it ended is.
    document = json.loads(first.read_bytes())
    document["until"]["run_id"] = "20250101T000000.000000Z"
    first.write_text(json.dumps(document))
    for path in report.files:
        path.unlink()
    again = make_digest(settings, MORNING + DAY)
    assert news(again.files[-1]) == [("lifted", "DeepSeek", "Italy"), ("new", "DeepSeek", "Australia")]


def test_the_first_digest_of_an_old_watch_tells_of_the_last_day(second_day: Path, tmp_path: Path) -> None:
    data_dir = shutil.copytree(second_day, tmp_path / "data", symlinks=True)
    with duckdb.connect(data_dir / "published" / "clampdown.duckdb") as database:
        database.execute("UPDATE runs SET started_at = started_at - INTERVAL 30 DAY WHERE last_change = 2")
    found = preview_digest(settings_at(data_dir, at=None), START + 36 * HOUR, BUILT_IN)
    assert sorted(item.news for item in found.findings.items) == [News.LIFTED, News.NEW]
    assert found.since == START + 12 * HOUR
    assert found.findings.known == 3
    assert not (data_dir / FOLDER).exists(), "a preview leaves nothing"


def test_coverage_is_told_as_the_last_run_left_it(data_dir: Path) -> None:
    trouble = (Trouble("b", "Beta Times", "failing", MORNING, "404"),)
    site_state.save(data_dir, SiteState(MORNING, sources={"ok": 1, "failing": 1}, trouble=trouble))
    report = make_digest(settings_at(data_dir), MORNING)
    assert report.partial
    assert report.subject.endswith("(coverage was partial)")
    assert "1 of 2 sources did well. 1 fails: Beta Times." in text_of(report).read_text("utf-8").replace("\n", " ")
    (data_dir / site_state.STATE_FOLDER / site_state.STATE_NAME).write_text("{")
    assert "How the sources fare is not known" in (
        text_of(make_digest(settings_at(data_dir), MORNING + DAY)).read_text("utf-8")
    )


def test_what_can_not_be_done_is_said(tmp_path: Path, data_dir: Path) -> None:
    with pytest.raises(InputError, match="no time is set"):
        make_digest(settings_at(data_dir, at=None), MORNING)
    assert make_digest(settings_at(tmp_path / "empty"), MORNING).state is DigestState.NOT_DUE, "no run has ended yet"
    report = make_digest(settings_at(data_dir), MORNING)
    record = report.files[-1]
    record.write_text("{")
    failed = make_digest(settings_at(data_dir), MORNING + HOUR)
    assert failed.state is DigestState.FAILED
    assert "no record of a digest" in failed.error
    with pytest.raises(ArchiveError, match="the digest of daily can't be made"):
        require_made([failed])
    following = make_digest(settings_at(data_dir), MORNING + DAY)
    assert following.state is DigestState.MADE, "a record that is damaged costs no day but its own"
    shutil.rmtree(data_dir / "published")
    with pytest.raises(InputError, match="no snapshot"):
        make_digest(settings_at(data_dir), MORNING + 2 * DAY)


KILLED = """
import os, random, sys
from datetime import datetime, timedelta
from pathlib import Path
from flows.digest import make_digests
from pipeline import failpoints
from pipeline.settings import ServeSettings, Settings

def life(folder, failpoint, after):
    settings = Settings(data_dir=folder, serve=ServeSettings(timezone="UTC"))
    pid = os.fork()
    if pid:
        return pid
    failpoints.arm(failpoint)
    if after:
        import signal
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, after)
    try:
        make_digests(settings, datetime.fromisoformat(sys.argv[2]))
    finally:
        os._exit(0)

root = Path(sys.argv[1])
dice = random.Random(7)
# Killed at each place, and at moments anywhere: then seen to its end.
for number in range(6):
    failpoint = ("digest.pages", "digest.recorded")[number] if number < 2 else ""
    after = 0 if failpoint else dice.uniform(0.001, 0.08)
    os.waitpid(life(root / f"killed-{number}", failpoint, after), 0)
    os.waitpid(life(root / f"killed-{number}", "", 0), 0)
# Five at once.
for pid in [life(root / "together", "", 0) for _ in range(5)]:
    os.waitpid(pid, 0)
"""


def test_killed_anywhere_or_made_by_five_at_once_it_is_one_digest(quiet: Path, tmp_path: Path) -> None:
    folders = [tmp_path / f"killed-{number}" for number in range(6)] + [tmp_path / "together"]
    for folder in folders:
        shutil.copytree(quiet, folder, symlinks=True)
    undisturbed = make_digest(settings_at(quiet), MORNING + DAY)
    subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), (MORNING + DAY).isoformat()],
        cwd=ROOT, check=True, timeout=120, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wanted = {path.name: path.read_bytes() for path in undisturbed.files}
    for folder in folders:
        names = {path.name for path in (folder / FOLDER).iterdir() if path.name[:10] != "2025-02-11"}
        assert names == {*wanted, ".lock", ".latest"}, folder
        assert {name: (folder / FOLDER / name).read_bytes() for name in wanted} == wanted, folder


def test_the_command_makes_shows_and_previews(data_dir: Path, tmp_path: Path) -> None:
    config = tmp_path / "clampdown.toml"
    config.write_text(f'data_dir = "{data_dir}"\n[serve]\ntimezone = "UTC"\n')
    shown = clampdown("-c", str(config), "digest", "--preview", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    # Watching began long ago: what the first digest tells of is the last day of today's.
    assert "Nothing new since" in shown.stdout
    assert json.loads(clampdown("-c", str(config), "digest", "--preview", "--json", cwd=tmp_path).stdout)["known"] == 2
    assert not (data_dir / FOLDER).exists()

    made = clampdown("-c", str(config), "digest", cwd=tmp_path)
    assert "No. 1, for" in made.stdout
    again = clampdown("-c", str(config), "digest", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["digests"][0]["state"] == "done"
    runs = FlowLog(data_dir).runs("digest")
    assert [run.facts["state"] for run in runs] == ["done", "made"]
