"""The bundled sample, run quietly: what the generated documents are made from."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clampdown.sample_site import SampleSite
    from flows.ingest import RunReport
    from pipeline.settings import Settings


def publish_sample(folder: Path) -> Path:
    """Run once over the sample site, with `folder` as data folder; returns the published DuckDB file."""
    from clampdown.sample_site import SampleSite

    with SampleSite() as site:
        return run_sample(site, folder).snapshot.database


def run_sample(site: "SampleSite", folder: Path) -> "RunReport":
    """Run over a sample site that is being served, with `folder` as data folder; all its feeds are due."""
    from flows.house import open_house
    from flows.ingest import ingest

    with open_house(sample_settings(site, folder)) as house:
        return ingest(house, site.sources())


def sample_settings(site: "SampleSite", folder: Path) -> "Settings":
    """The settings of such a run: neither gaps nor pauses between requests, and the site's own patience."""
    from pipeline.settings import FetchSettings, PollSettings, Settings

    return Settings(
        data_dir=folder,
        fetch=FetchSettings(allow_hosts=site.allow_hosts, host_gap=0, timeout=site.patience, retries=0),
        poll=PollSettings(min_interval=0),
    )
