"""Settings: defaults, `clampdown.toml`, environment (`CLAMPDOWN_…`), then flags; the later wins.

`load` returns the settings with the origin of each value, or raises SettingsError naming key, file and line and the
nearest valid key.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """A table of the settings file. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FetchSettings(Section):
    """How the one fetcher behaves."""

    contact: str = Field("", description="A mail address or URL for publishers, sent in the user agent")
    timeout: Seconds = Field(30.0, description="Total seconds for one URL, redirects included")
    max_bytes: int = Field(10_000_000, gt=0, description="Cap on a decoded body, in bytes")
    max_redirects: int = Field(5, ge=0, description="Redirects followed for one URL")
    concurrency: int = Field(32, ge=1, description="Requests under way at once, over all hosts")
    host_gap: float = Field(1.0, ge=0, description="Seconds between two requests to one host")
    retries: int = Field(1, ge=0, description="Tries after the first, for failures that can heal")
    allow_hosts: tuple[str, ...] = Field(
        (), description="host or host:port entries that may have private addresses and other ports than 80 and 443"
    )


class ExtractSettings(Section):
    """How events are recognised."""

    min_score: float = Field(0.5, ge=0, le=1, description="Mentions scored below this are not stored")
    threads: int = Field(0, ge=0, description="Threads of the model; 0 takes one per core")
    model: Path | None = Field(None, description="A folder with other weights than the bundled ones")


class RunSettings(Section):
    """How a run cuts its work."""

    batch_size: int = Field(100, ge=1, description="Articles per transaction")
    max_attempts: int = Field(4, ge=1, description="Tries for an article whose failure can heal, over several runs")
    retry_after: Seconds = Field(3600.0, description="Seconds before such an article is tried again, doubled each time")


class Settings(Section):
    """All settings. Relative paths are relative to the settings file, or to the current folder without one."""

    data_dir: Path = Field(Path("clampdown-data"), description="Folder of archive, warehouse and published snapshot")
    sources: Path = Field(Path("sources.toml"), description="The source list")
    fetch: FetchSettings = FetchSettings()
    extract: ExtractSettings = ExtractSettings()
    run: RunSettings = RunSettings()
