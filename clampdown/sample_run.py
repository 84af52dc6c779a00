"""The bundled sample, run quietly: what the generated documents are made from."""

from pathlib import Path


def publish_sample(folder: Path) -> Path:
    """Run once over the sample site, with `folder` as data folder; returns the published DuckDB file."""
    from clampdown.sample_site import SampleSite
    from flows.house import open_house
    from flows.ingest import ingest
    from pipeline.settings import FetchSettings, PollSettings, Settings

    with SampleSite() as site:
        settings = Settings(
            data_dir=folder,
            fetch=FetchSettings(allow_hosts=site.allow_hosts, host_gap=0, timeout=site.patience, retries=0),
            poll=PollSettings(min_interval=0),
        )
        with open_house(settings) as house:
            return ingest(house, site.sources()).snapshot.database
