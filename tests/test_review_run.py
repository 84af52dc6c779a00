"""Decisions and runs: what is decided while a run holds the warehouse, and what a rebuild makes of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clampdown.sample_run import sample_settings
from clampdown.sample_site import SampleSite
from flows.extracting import store_results
from flows.house import ARCHIVE_NAME, PUBLISHED_NAME, WAREHOUSE_NAME, House, open_house
from flows.ingest import Stages, ingest
from flows.rebuild import rebuild
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision, DecisionKind, anchor_of
from pipeline.types import EntryResult
from warehouse.compare import content
from warehouse.query import connect_snapshot


@pytest.fixture(scope="module")
def site() -> Iterator[SampleSite]:
    with SampleSite(port=0) as served:
        yield served


def test_what_is_decided_during_a_run_holds_at_its_end_and_after_a_rebuild(site: SampleSite, tmp_path: Path) -> None:
    settings = sample_settings(site, tmp_path / "data")
    archive = DecisionArchive(settings.data_dir / ARCHIVE_NAME)
    sources = [source for source in site.sources() if source.id == "sample-orrery"]
    rejected: list[str] = []

    def store(house: House, results: Sequence[EntryResult]) -> None:
        """Store a batch; then somebody, who has no way to the warehouse now, rejects the first thing in it."""
        store_results(house, results)
        mention = next((one for result in results for one in result.mentions), None)
        if mention is not None and not rejected:
            anchors = (anchor_of(mention),)
            archive.keep(Decision(DecisionKind.REJECT, "Ada", datetime.now(UTC), "no restriction", anchors))
            rejected.append(mention.id)

    with open_house(settings) as house:
        ingest(house, sources, Stages(store=store))
    assert rejected
    sql = "SELECT mention_id FROM events JOIN event_mentions USING (event_id) WHERE dismissed"
    with connect_snapshot(settings.data_dir / PUBLISHED_NAME) as reader:
        assert rejected[0] in {mention_id for (mention_id,) in reader.rows(sql)}
    before = content(settings.data_dir / WAREHOUSE_NAME)
    rebuild(settings, sources, discard=True)
    assert content(settings.data_dir / WAREHOUSE_NAME) == before
