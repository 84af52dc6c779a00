"""Settings: defaults, `clampdown.toml`, environment (`CLAMPDOWN_…`), then flags; the later wins.

`load` returns the settings with the origin of each value, or raises SettingsError naming key, file and line and the
nearest valid key.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentValueError

from pipeline.errors import SettingsError
from pipeline.secrets import masked

CONFIG_NAME = "clampdown.toml"
ENV_PREFIX = "CLAMPDOWN_"
ENV_RESERVED = frozenset({"CLAMPDOWN_CONFIG", "CLAMPDOWN_FAILPOINT"})
"""Variables under our prefix that are no settings: where the settings file is, and where a test wants a crash."""


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


class Settings(BaseSettings):
    """All settings. Relative paths are relative to the settings file, or to the current folder without one."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(Path("clampdown-data"), description="Folder of archive, warehouse and published snapshot")
    sources: Path = Field(Path("sources.toml"), description="The source list")
    fetch: FetchSettings = FetchSettings()
    poll: PollSettings = PollSettings()
    workers: WorkerSettings = WorkerSettings()
    extract: ExtractSettings = ExtractSettings()
    run: RunSettings = RunSettings()
    publish: PublishSettings = PublishSettings()
    review: ReviewSettings = ReviewSettings()
    retention: RetentionSettings = RetentionSettings()
    warehouse: WarehouseSettings = WarehouseSettings()


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with the file they came from, if any, and the origin of each dotted key."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def load(
    file: Path | None = None, flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> LoadedSettings:
    """Read settings from `file` (else $CLAMPDOWN_CONFIG, else ./clampdown.toml if it is there) and what overrides it.

    `flags` maps dotted keys ("fetch.timeout") to values; None values are ignored.
    """
    environ = os.environ if environ is None else environ
    path, text = _settings_file(file, environ)
    from_file = _parse_toml(path, text) if path else {}
    from_env = _from_environment(environ)
    from_flags = {key: value for key, value in (flags or {}).items() if value is not None}

    values: dict[str, Any] = {}
    origins = {key: "default" for key, _ in flatten(Settings.model_construct().model_dump())}
    for layer, origin in ((from_file, str(path)), (from_env, "environment"), (from_flags, "flag")):
        for key, value in layer.items():
            _set(values, key, value)
            origins[key] = _env_name(key) if origin == "environment" else origin
    base = path.parent if path else Path()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, origins, path, text) from None
    data_dir, sources = base / settings.data_dir, base / settings.sources
    extract, llm = settings.extract, settings.extract.llm
    if extract.model is not None:
        extract = extract.model_copy(update={"model": base / extract.model})
    if llm.cache is not None:
        extract = extract.model_copy(update={"llm": llm.model_copy(update={"cache": data_dir / llm.cache})})
    resolved = {
        "data_dir": data_dir,
        "sources": sources,
        "extract": extract,
        "warehouse": _at(settings.warehouse, base.absolute()),
    }
    return LoadedSettings(settings.model_copy(update=resolved), origins, path)


def _at(warehouse: WarehouseSettings, base: Path) -> WarehouseSettings:
    """The same with absolute paths: a lake remembers the one of its data files, for whoever opens it next."""
    changed = {}
    if warehouse.data_path and "://" not in warehouse.data_path:
        changed["data_path"] = str(base / warehouse.data_path)
    kind, _, catalog = warehouse.url.partition(":")
    if catalog and ":" not in catalog:
        changed["url"] = f"{kind}:{base / catalog}"
    return warehouse.model_copy(update=changed)


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for each leaf of nested tables, in order."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def describe() -> dict[str, str]:
    """Return each dotted key with its description, in the order of the classes."""
    return dict(_described(Settings))


def _described(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _described(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, field.description or ""


def _settings_file(file: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    named = file or (Path(environ["CLAMPDOWN_CONFIG"]) if environ.get("CLAMPDOWN_CONFIG") else None)
    path = named or Path(CONFIG_NAME)
    try:
        return path, path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{path}: no such settings file", hint="`clampdown init` writes one") from None
        return None, ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: can't be read: {error}") from None


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return dict(flatten(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {_env_name(key): key for key in describe()}
    found = {name for name in environ if name.upper().startswith(ENV_PREFIX)} - ENV_RESERVED
    for name in sorted(found):
        if name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            raise SettingsError(
                f"environment variable {name}: no such setting", hint=f"did you mean {near[0]}?" if near else None
            )
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): environ[name] for name in found}
    try:
        return dict(flatten(source()))
    except EnvironmentValueError as error:
        raise SettingsError(f"environment: {error}") from None


def _env_name(key: str) -> str:
    return ENV_PREFIX + key.upper().replace(".", "__")


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    *tables, leaf = key.split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[leaf] = value


def _explain(error: ValidationError, origins: Mapping[str, str], path: Path | None, text: str) -> SettingsError:
    """Turn the first problem into one sentence with key, origin, line and the nearest valid key."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
    origin = origins.get(key) or next((origins[k] for k in origins if k.startswith(f"{key}.")), "settings")
    if path is not None and origin == str(path) and (line := _line_of(text, key)):
        origin = f"{path}, line {line}"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, describe(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "`clampdown config` lists all settings"
        return SettingsError(f"{origin}: unknown setting {key}", hint=hint)
    message = problem["msg"][:1].lower() + problem["msg"][1:]
    about = describe().get(key)
    return SettingsError(
        f"{origin}: {key} = {masked(repr(problem['input']))}: {message}", hint=f"{key}: {about}" if about else None
    )


def _line_of(text: str, key: str) -> int | None:
    """The line on which a dotted key is set, found by walking the table headers."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\s*([\w.\s\"-]+?)\s*\]", line):
            table = header[1].replace('"', "").replace(" ", "") + "."
            if table == f"{key}.":
                return number
        elif assigned := re.match(r"\s*([\w.\s\"-]+?)\s*=", line):
            full = table + assigned[1].replace('"', "").replace(" ", "")
            if full == key or full.startswith(f"{key}."):
                return number
    return None
