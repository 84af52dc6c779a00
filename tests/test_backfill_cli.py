"""The command `backfill`: what it prints, what it refuses, and that it goes on where it stopped."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import in_process
import pytest
from archive_site import ArchiveSite, days

from clampdown.commands.backfill import _print_found
from clampdown.output import _Lines, console
from clampdown.proofs.webserver import HTTPServer
from flows.backfill import SourceReport, Wanted
from pipeline.archive_pages import PageState, Span

RANGE = ("--since", "2025-02-01", "--until", "2025-02-28")


@pytest.fixture(scope="module")
def site() -> Iterator[ArchiveSite]:
    with HTTPServer() as server:
        site = ArchiveSite(server)
        site.feed("/feed", site.articles([date(2025, 5, 30)]))
        site.sitemap("/news.xml", site.articles(days(date(2025, 1, 30), 6, step=7)), news=True)
        site.index("/index.xml", {"/news.xml": None, "/gone.xml": None})
        site.robots("/index.xml")
        yield site


@pytest.fixture
def folder(site: ArchiveSite, tmp_path: Path) -> Path:
    source = f'[[source]]\nid = "example"\nname = "The Example"\nurl = "{site.server.url("/feed")}"\n'
    (tmp_path / "sources.toml").write_text(source)
    (tmp_path / "clampdown.toml").write_text(
        f'[fetch]\nallow_hosts = ["{site.server.host}:{site.server.port}"]\nhost_gap = 0.0\n[workers]\nprocesses = 1\n'
    )
    return tmp_path


def clampdown(folder: Path, *args: str) -> in_process.Done:
    return in_process.clampdown("backfill", *args, cwd=folder)


def test_listing_shows_the_entries_and_leaves_no_trace(site: ArchiveSite, folder: Path) -> None:
    done = clampdown(folder, "example", *RANGE, "--list-only")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if "/news/" in line]
    assert [row[0] for row in rows] == ["2025-02-06", "2025-02-13", "2025-02-20", "2025-02-27"]
    assert "example: " in done.stdout
    assert "/gone.xml: status 404" in done.stdout
    assert "pages: " in done.stderr
    assert not any(path.suffix == ".duckdb" for path in folder.rglob("*"))
    assert not any(hit.target.startswith("/news/") for hit in site.server.hits)


def test_a_backfill_tells_its_figures_as_json(folder: Path) -> None:
    done = clampdown(folder, "example", *RANGE, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (source,) = found["sources"]
    assert source["pages"] == {"read": 3, "absent": 1}
    assert (source["read_now"], source["entries"], source["new_entries"]) == (4, 4, 4)
    assert sum(found["run"]["outcomes"].values()) == found["run"]["discovered"] == 4
    assert "quarantined" not in found["run"]["outcomes"]


def test_what_is_left_to_do_is_told_with_the_way_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    pages = {PageState.READ: 5, PageState.WAITING: 7}
    problems = tuple(f"https://example.com/{number}: status 404" for number in range(8))
    report = SourceReport("example", pages, 5, entries=40, new_entries=30, undated=3, problems=problems)
    wanted = Wanted(Span(date(2025, 2, 1), date(2025, 2, 28)), max_pages=5)
    _print_found(console(), [report], wanted)
    told = capsys.readouterr().out
    assert "From 2025-02-01 to 2025-02-28" in told
    assert "7 waiting, 5 read" in told
    assert "… and 3 pages more that could not be had" in told
    assert "stopped after 5 pages; 7 are still to be read: the same command goes on there" in told


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nosuch", *RANGE), "nosuch: no such source"),
        (
            ("example", "--since", "2025-02-03", "--until", "2025-02-01"),
            "--since 2025-02-03 lies after --until 2025-02-01",
        ),
        (("example", "--since", "2125-02-03"), "lies after today"),
        (("example", "--since", "2025-02-03", "--until", "2125-02-03"), "--until 2125-02-03 lies in the future"),
        (("example", *RANGE, "--sitemap", "javascript:alert(1)"), "no http or https address"),
        (("example",), "--since"),
        (("example", "--since", "last week"), "last week"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(folder: Path, args: tuple[str, ...], message: str) -> None:
    done = clampdown(folder, *args)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_progress_in_a_pipe_tells_of_work_that_grows(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines()
    for page in range(1, 101):
        lines.begin("pages", page)
        lines.advance("pages", 1)
    lines.begin("articles", 25)
    for _ in range(5):
        lines.advance("articles", 5)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "articles: 25 of 25"
    assert len([line for line in told if line.startswith("pages")]) < 40
