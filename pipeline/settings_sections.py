"""The tables of the settings file, each with its keys, defaults and what is wrong with a value."""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic_settings import NoDecode

from pipeline.zones import zone_named


def _split(value: object) -> object:
    """An environment variable gives a list as words between commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _or_none(value: object) -> object:
    """TOML has no null: an empty string stands for nothing."""
    return None if value == "" else value


Seconds = Annotated[float, Field(gt=0)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


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
    allow_hosts: Words = Field(
        (), description="host or host:port entries that may have private addresses and other ports than 80 and 443"
    )


class LLMSettings(Section):
    """The language model that reads where `extract.backend` is "llm". Empty strings leave the optional ones out."""

    endpoint: str = Field("", description="Base URL of an OpenAI-compatible API, such as http://127.0.0.1:8080/v1")
    model: str = Field("", description="The model's name at the endpoint")
    key_env: str = Field("", description="Name of the environment variable that holds the API key; empty sends none")
    timeout: Seconds = Field(120.0, description="Total seconds for one answer")
    retries: int = Field(3, ge=0, description="Tries after the first, for failures that can heal")
    concurrency: int = Field(4, ge=1, description="Requests under way at once")
    max_tokens: Annotated[int | None, BeforeValidator(_or_none)] = Field(
        4096, gt=0, description="Cap on an answer, in tokens; empty sends none"
    )
    temperature: Annotated[float | None, BeforeValidator(_or_none)] = Field(
        0.0, ge=0, description="Sampling temperature; empty sends none"
    )
    response_format: Literal["json_schema", "json_object", "none"] = Field(
        "json_schema", description="How JSON is asked for: json_schema (strict), json_object, or none (in words only)"
    )
    window: int = Field(
        6000, ge=1000, description="Characters of text per request; longer texts are read in overlapping parts"
    )
    input_price: Annotated[float | None, BeforeValidator(_or_none)] = Field(
        None, ge=0, description="Price of a million input tokens, for the record of costs"
    )
    output_price: Annotated[float | None, BeforeValidator(_or_none)] = Field(
        None, ge=0, description="Price of a million output tokens"
    )
    cache: Annotated[Path | None, BeforeValidator(_or_none)] = Field(
        Path("llm-cache"), description="Folder that keeps answers, relative to data_dir; empty keeps none"
    )


class ExtractSettings(Section):
    """How events are recognised."""

    min_score: Annotated[float | None, BeforeValidator(_or_none)] = Field(
        None,
        ge=0,
        le=1,
        description="Mentions scored below this are left out; empty takes the cut chosen for the model",
    )
    threads: int = Field(0, ge=0, description="Threads of the model; 0 takes one per core")
    model: Annotated[Path | None, BeforeValidator(_or_none)] = Field(
        None, description="A folder with other weights than the bundled ones"
    )
    backend: Literal["model", "llm"] = Field(
        "model", description="What reads: the bundled model, or the language model of extract.llm"
    )
    llm: LLMSettings = LLMSettings()


class PollSettings(Section):
    """How often feeds are polled. Between the two limits each feed's own pace decides."""

    min_interval: float = Field(600.0, ge=0, description="Least seconds between two polls of a feed; 0 polls always")
    max_interval: float = Field(86_400.0, ge=0, description="Most seconds between two polls of a feed that answers")


class WorkerSettings(Section):
    """The processes that read what publishers send: killable, and capped in memory and time."""

    runner: Literal["pool", "dask"] = Field(
        "pool", description="Where they are: on this machine (pool), or on a Dask cluster (docs/cluster.md)"
    )
    dask_address: str = Field(
        "", description="The cluster's scheduler, as in tcp://10.0.0.1:8786; empty starts one on this machine"
    )
    processes: int = Field(0, ge=0, description="Worker processes; 0 takes one per core")
    memory_mb: int = Field(1024, ge=256, description="Memory that one worker may take beyond its start, in MiB")
    feed_seconds: Seconds = Field(2.0, description="CPU seconds for one feed, after which it is quarantined")
    page_seconds: Seconds = Field(10.0, description="CPU seconds for one page, after which it is quarantined")
    extract_seconds: Seconds = Field(120.0, description="CPU seconds for the events of one article, likewise")


class RunSettings(Section):
    """How a run cuts its work."""

    batch_size: int = Field(100, ge=1, description="Articles per transaction")
    max_attempts: int = Field(4, ge=1, description="Tries for an article whose failure can heal, over several runs")
    retry_after: Seconds = Field(3600.0, description="Seconds before such an article is tried again, doubled each time")


Days = Annotated[Annotated[int, Field(gt=0)] | None, BeforeValidator(_or_none)]


class RetentionSettings(Section):
    """For how long bytes are kept from which nothing came (docs/keeping.md). Empty keeps them for ever."""

    feeds_days: Days = Field(None, description="Days after which feeds are reduced to what was new in them")
    pages_days: Days = Field(
        None, description="Days after which pages of articles that state nothing are reduced to their articles"
    )
    versions_days: Days = Field(
        None, description="The same for pages of replaced versions, and for pages that were found unchanged"
    )
    after_runs: bool = Field(True, description="Whether runs prune at their end, where any of these is set")


class PublishSettings(Section):
    """What is published after each run."""

    keep_versions: int = Field(2, ge=1, description="Versions of the snapshot that are kept, the current one included")


class ReviewSettings(Section):
    """How people's decisions are recorded."""

    author: str = Field("", description="Name under your decisions (`clampdown review`); empty takes the login name")


class DashboardSettings(Section):
    """Where `clampdown dashboard` is to be found."""

    host: str = Field(
        "127.0.0.1", min_length=1, description="Address that the dashboard listens on; any but loopback lets others in"
    )
    port: int = Field(8787, ge=0, le=65_535, description="Port of the dashboard; 0 takes any that is free")
    hosts: Words = Field(
        (), description="Names by which others may ask for it, beside addresses in figures and this machine's own name"
    )


class WarehouseSettings(Section):
    """Where the warehouse is: a file in `data_dir`, or a lake that several writers share (docs/lake.md)."""

    url: str = Field(
        "",
        pattern=r"^(ducklake:\S.*)?$",
        description="Empty for the file in data_dir; a shared lake is ducklake:postgres:dbname=… host=…",
    )
    data_path: str = Field(
        "", description="The lake's data files: a folder that all writers see, or s3://bucket/prefix"
    )
    memory_limit: str = Field(
        "2GB",
        pattern=r"^(\d+(\.\d+)? ?[KMGT]i?B)?$",
        description="Memory that DuckDB may take, as in 2GB; what does not fit is written to disk meanwhile. "
        "Empty leaves it four fifths of the machine's",
    )
    writer: int = Field(1, ge=1, description="Which of the lake's writers this one is, from 1")
    writers: int = Field(1, ge=1, le=1000, description="How many writers share the sources of the lake")

    @model_validator(mode="after")
    def _is_among(self) -> Self:
        if self.writer > self.writers:
            raise ValueError(f"there is no writer {self.writer} of {self.writers}")
        return self


def _clock(value: object) -> object:
    """A time of day as one writes it: "07:00". TOML has such a type, too."""
    if isinstance(value, str) and (parts := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", value.strip())):
        return time(int(parts[1]), int(parts[2]), int(parts[3] or 0))
    if value is None or isinstance(value, time):
        return value
    raise ValueError('this is no time of day, as in "07:00"')


def _shown_clock(value: time | None) -> str | None:
    return None if value is None else value.isoformat("seconds" if value.second else "minutes")


def _zone(value: str) -> str:
    if value:
        zone_named(value)
    return value


Clock = Annotated[time, BeforeValidator(_clock), PlainSerializer(_shown_clock)]
"""A local time of day without a zone."""


class ServeSettings(Section):
    """What `clampdown serve` does when (docs/operations.md)."""

    name: str = Field(
        "clampdown",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the deployments (`ingest/NAME`): another for each who shares a Prefect server",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address that Prefect's pages and the status listen on")
    port: int = Field(4200, ge=1, le=65_535, description="Port of Prefect's server and its pages")
    ui: bool = Field(True, description="Whether Prefect's pages are served")
    status_port: int = Field(4280, ge=0, le=65_535, description="Port of /health, /ready and /metrics; 0 serves none")
    readers_port: int = Field(
        0, ge=0, le=65_535, description="Port of what readers may reach: unsubscribing, digests, feeds; 0 serves none"
    )
    readers_host: str = Field("127.0.0.1", min_length=1, description="Address that readers_port listens on")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "", description="Zone of the times below, as in Europe/Berlin; empty takes the machine's"
    )
    ingest_every: float = Field(900.0, ge=1, description="Seconds from one ingest to the next")
    digest_at: Annotated[Clock | None, BeforeValidator(_or_none)] = Field(
        time(7), description="Local time of the daily digest; empty makes none"
    )
    maintain_at: Clock = Field(time(3, 30), description="Local time of the nightly maintenance")
    ingest_hours: float = Field(3.0, gt=0, description="Hours after which an ingest that has not ended is stopped")
    wait: float = Field(
        3600.0, ge=0, description="Seconds that maintain, publish, reextract and backfill wait for a warehouse in use"
    )
    slice_minutes: float = Field(
        10.0, gt=0, description="Minutes after which a reextract or backfill lets an ingest have its turn"
    )
    keep_days: int = Field(30, ge=1, description="Days for which Prefect's flow runs and our flow log are kept")
    server_growth_mb: int = Field(
        50,
        ge=0,
        description="MB by which Prefect's server may grow before it is started anew in a quiet moment; 0 never",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the times. Raises SettingsError where it is the machine's and that can't be told."""
        return zone_named(self.timezone)


class AlertSettings(Section):
    """Who is told when something is wrong, and what counts as wrong."""

    to: Words = Field((), description="Mail addresses that alerts go to; none sends no mail")
    webhook: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="URL that alerts are sent to as JSON; empty sends none"
    )
    late_after: Seconds = Field(3600.0, description="Seconds without a finished ingest after which it counts as late")
    disk_free_mb: int = Field(1000, ge=0, description="Free disk space of data_dir below which it is told, in MB")


class MailSettings(Section):
    """The mail server that takes our mail."""

    host: str = Field("", description="Name of the SMTP server; empty sends no mail")
    port: int = Field(587, ge=1, le=65_535, description="Its port: 587 with starttls, 465 with tls")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is kept from others: starttls, tls, or none"
    )
    user: str = Field("", description="Name to log in with; empty logs in nowhere")
    password_env: str = Field("", description="Name of the environment variable that holds the password")
    password_file: Annotated[Path | None, BeforeValidator(_or_none)] = Field(
        None, description="File that holds the password, in its place"
    )
    sender: str = Field("", description="Address that mail comes from")
    timeout: Seconds = Field(30.0, description="Seconds for each answer of the server")
    give_up_hours: float = Field(
        48.0, gt=0, le=720, description="Hours for which a digest that the server did not take yet is tried again"
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Address at which readers reach serve.readers_port, as in https://news.example.org; empty leaves "
        "links to it out",
    )
    unsubscribe_to: str = Field(
        "", description="Address that readers may ask to be taken off a list by mail; empty names none"
    )
    dkim_domain: str = Field(
        "", description="Domain that signs mail (DKIM; needs the extra dkim); empty leaves it unsigned"
    )
    dkim_selector: str = Field("", description="Selector of its key in the DNS")
    dkim_key_file: Annotated[Path | None, BeforeValidator(_or_none)] = Field(
        None, description="File that holds its private key, in PEM"
    )

    @model_validator(mode="after")
    def _has_one_password(self) -> Self:
        if self.password_env and self.password_file is not None:
            raise ValueError("password_env and password_file are both set: which of them is it?")
        return self

    @model_validator(mode="after")
    def _signs_wholly_or_not(self) -> Self:
        given = [bool(self.dkim_domain), bool(self.dkim_selector), self.dkim_key_file is not None]
        if any(given) and not all(given):
            raise ValueError("DKIM takes dkim_domain, dkim_selector and dkim_key_file, all three")
        return self


class LogSettings(Section):
    """What is logged on standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged")
    format: Literal["text", "json"] = Field("text", description="Lines for people, or JSON for a collector of logs")
