"""Long work in stretches: it lets go of the warehouse in between, goes on where it was, ends where one stretch does."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from archive_site import ArchiveSite, days
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs.webserver import HTTPServer
from flows.orders import BackfillOrder
from flows.serving.artifacts import of_backfill, of_reextract
from flows.serving.duties import BroughtBack, Way, backfill_duty, reextract_duty
from flows.serving.stretches import InAll, Stretch
from pipeline.errors import InputError
from pipeline.flow_log import FlowLog, Told
from pipeline.lease import holder, lease
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings
from pipeline.site_state import load
from warehouse.compare import content

MOMENT, HOUR = 1e-6, 60.0
"""Minutes that a stretch may last: one batch, or all there is."""

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Harbour</title></head><body><article>
<h1>Harbour, {day}</h1>
<p>Dredgers came back to the old harbour on {day}, and the council said that the quay will be open by the summer.</p>
<p>The fishermen who had moved their boats across the bay in notice {day} were told that their berths are kept.</p>
</article></body></html>"""
"""No model is needed to tell that nothing is restricted here."""

ORDER = BackfillOrder(["example"], date(2025, 1, 1), date(2025, 2, 28))


class Heard:
    """Progress that remembers: how far each stage was, and of how much."""

    def __init__(self) -> None:
        self.totals: dict[str, list[int]] = {}
        self.done: Counter[str] = Counter()

    def begin(self, stage: str, total: int) -> None:
        self.totals.setdefault(stage, []).append(total)

    def advance(self, stage: str, done: int) -> None:
        self.done[stage] += done


def told() -> Told:
    return Told("backfill", "a-run", datetime.now(UTC))


@pytest.fixture(scope="module")
def site() -> Iterator[ArchiveSite]:
    with HTTPServer() as server:
        made = ArchiveSite(server)
        every = sorted(days(date(2025, 1, 2), 4, step=8), reverse=True)
        articles = {day: server.url(f"/news/{day}") for day in every}
        for day in every:
            made.put(f"/news/{day}", PAGE.format(day=day).encode(), "text/html; charset=utf-8")
        made.feed("/feed", {day: articles[day] for day in every[:2]}, "/archive")
        made.feed("/archive", {day: articles[day] for day in every[2:]})
        yield made


def settings(site: ArchiveSite, folder: Path, minutes: float, cut: float | None = None) -> Settings:
    sources = folder / "sources.toml"
    folder.mkdir(exist_ok=True)
    sources.write_text(
        f'[[source]]\nid = "example"\nname = "The Example"\nurl = "{site.source().url}"\nenabled = false\n', "utf-8"
    )
    made = site.settings(data_dir=folder / "data", sources=sources, extract={"min_score": cut})
    serve = ServeSettings(slice_minutes=minutes, wait=0)
    return made.model_copy(update={"serve": serve, "run": made.run.model_copy(update={"batch_size": 2})})


@pytest.fixture(scope="module")
def whole(site: ArchiveSite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, BroughtBack]:
    """A backfill in one stretch."""
    own = settings(site, tmp_path_factory.mktemp("whole"), HOUR)
    return own, backfill_duty(own, told(), ORDER)


@pytest.fixture(scope="module")
def cut(site: ArchiveSite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, BroughtBack, list[str], Heard]:
    """The same in as many stretches as there can be, with what each was called and what was heard of it."""
    own, names, heard = settings(site, tmp_path_factory.mktemp("cut"), MOMENT), list[str](), Heard()

    def step(label: str, work):
        names.append(label)
        assert holder(own.data_dir) is None, "between two stretches the warehouse is free"
        return work()

    return own, backfill_duty(own, told(), ORDER, Way(progress=heard, step=step)), names, heard


def tables(own: Settings) -> object:
    return content(own.data_dir / "warehouse.duckdb")


def test_a_backfill_in_stretches_ends_where_one_stretch_does(
    whole: tuple[Settings, BroughtBack], cut: tuple[Settings, BroughtBack, list[str], Heard]
) -> None:
    own, done, names, heard = cut
    assert done.stretches == len(names) > 2
    assert names[:2] == ["stretch 1", "stretch 2"]
    assert tables(own) == tables(whole[0])
    assert (done.pages, done.discovered, done.outcomes) == (whole[1].pages, 4, whole[1].outcomes)
    assert heard.done["articles"] == 4
    assert heard.totals["articles"][-1] == 4
    state = load(own.data_dir)
    assert state is not None
    assert state.articles == 4
    assert "in 1 stretch" in of_backfill(whole[1]).page


def test_texts_read_again_in_stretches_are_read_once_each(
    site: ArchiveSite, cut: tuple[Settings, BroughtBack, list[str], Heard]
) -> None:
    stricter, record, heard = settings(site, cut[0].data_dir.parent, MOMENT, cut=0.999), told(), Heard()
    done = reextract_duty(stricter, record, None, Way(progress=heard))
    assert (done.stretches, done.articles, done.failed) == (2, 4, 0)
    assert record.facts["articles"] == 4
    assert set(heard.totals["articles"]) == {4}
    assert heard.done["articles"] == 4
    assert of_reextract(done).words == "4 articles read again, 0 events differ"


def test_a_backfill_says_what_can_not_be_done(site: ArchiveSite, tmp_path: Path) -> None:
    own = settings(site, tmp_path, HOUR)
    with pytest.raises(InputError, match="nobody: no such source"):
        backfill_duty(own, told(), BackfillOrder(["nobody"], date(2025, 1, 1)))
    with pytest.raises(InputError, match="no source is named"):
        backfill_duty(own, told(), BackfillOrder([], date(2025, 1, 1)))
    with pytest.raises(InputError, match="lies in the future"):
        backfill_duty(own, told(), BackfillOrder(["example"], date(2025, 1, 1), date(2125, 1, 1)))
    with lease(own.data_dir, holder="audit"):
        log = FlowLog(own.data_dir)
        assert log.runs() == []
    assert holder(own.data_dir) is None


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=5))
def test_progress_over_stretches_grows_to_all_there_is(stretches: list[list[int]]) -> None:
    heard = Heard()
    progress, left = InAll(heard), sum(map(sum, stretches))
    whole = left
    for some in stretches:
        progress.next_stretch()
        progress.begin("articles", left)
        for number in some:
            progress.advance("articles", number)
        left -= sum(some)
    assert set(heard.totals["articles"]) == {whole}
    assert heard.done["articles"] == whole


def test_a_stretch_remembers_that_it_was_cut() -> None:
    long = Stretch(60)
    assert not long()
    assert not long.is_cut
    over = Stretch(0)
    assert not over.is_cut, "nobody has asked"
    assert over()
    assert over.is_cut
