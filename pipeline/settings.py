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
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentValueError

from pipeline.errors import SettingsError
from pipeline.secrets import masked
from pipeline.settings_sections import (
    AlertSettings,
    DashboardSettings,
    ExtractSettings,
    FetchSettings,
    LLMSettings,
    LogSettings,
    MailSettings,
    PollSettings,
    PublishSettings,
    RetentionSettings,
    ReviewSettings,
    RunSettings,
    ServeSettings,
    WarehouseSettings,
    WorkerSettings,
)
from pipeline.settings_slips import meant

CONFIG_NAME = "clampdown.toml"
ENV_PREFIX = "CLAMPDOWN_"
ENV_RESERVED = frozenset({"CLAMPDOWN_CONFIG", "CLAMPDOWN_FAILPOINT"})
"""Variables under our prefix that are no settings: where the settings file is, and where a test wants a crash."""


__all__ = [
    "CONFIG_NAME",
    "ENV_PREFIX",
    "ENV_RESERVED",
    "AlertSettings",
    "DashboardSettings",
    "ExtractSettings",
    "FetchSettings",
    "LLMSettings",
    "LoadedSettings",
    "LogSettings",
    "MailSettings",
    "PollSettings",
    "PublishSettings",
    "RetentionSettings",
    "ReviewSettings",
    "RunSettings",
    "ServeSettings",
    "Settings",
    "WarehouseSettings",
    "WorkerSettings",
    "declared",
    "describe",
    "flatten",
    "load",
    "variable_of",
]
"""The sections, too: whoever uses settings imports them from here."""


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
    subscriptions: Path = Field(
        Path("subscriptions.toml"), description="Who is sent which digest; without it there is one a day, for nobody"
    )
    fetch: FetchSettings = FetchSettings()
    poll: PollSettings = PollSettings()
    workers: WorkerSettings = WorkerSettings()
    extract: ExtractSettings = ExtractSettings()
    run: RunSettings = RunSettings()
    publish: PublishSettings = PublishSettings()
    review: ReviewSettings = ReviewSettings()
    retention: RetentionSettings = RetentionSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    serve: ServeSettings = ServeSettings()
    dashboard: DashboardSettings = DashboardSettings()
    alerts: AlertSettings = AlertSettings()
    mail: MailSettings = MailSettings()
    log: LogSettings = LogSettings()


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
            origins[key] = variable_of(key) if origin == "environment" else origin
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
        "subscriptions": base / settings.subscriptions,
        "extract": extract,
        "warehouse": _at(settings.warehouse, base.absolute()),
        "mail": _with_files(settings.mail, base),
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


def _with_files(mail: MailSettings, base: Path) -> MailSettings:
    named = {"password_file": mail.password_file, "dkim_key_file": mail.dkim_key_file}
    return mail.model_copy(update={key: base / path for key, path in named.items() if path is not None})


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for each leaf of nested tables, in order."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def describe() -> dict[str, str]:
    """Return each dotted key with its description, in the order of the classes."""
    return {key: field.description or "" for key, field in declared().items()}


def declared() -> dict[str, FieldInfo]:
    """Return each dotted key with its declaration, in the order of the classes."""
    return dict(_declared(Settings))


def _declared(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _declared(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _settings_file(file: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    named = file or (Path(environ["CLAMPDOWN_CONFIG"]) if environ.get("CLAMPDOWN_CONFIG") else None)
    path = named or Path(CONFIG_NAME)
    try:
        return path, path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise SettingsError(f"{path}: no such settings file", hint="`clampdown init` writes one") from None
        return None, ""
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: can't be read: it is not UTF-8", hint="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror or error}") from None


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    try:
        return dict(flatten(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path}: not valid TOML: {error}", hint="Text stands in quotes, a \\ in it twice, or in 'single quotes'."
        ) from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {variable_of(key): key for key in describe()}
    found = {name for name in environ if name.upper().startswith(ENV_PREFIX)} - ENV_RESERVED
    for name in sorted(found):
        if name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            raise SettingsError(
                f"environment variable {name}: no such setting",
                hint=f"did you mean {near[0]}?" if near else "`clampdown config` lists all; unset this one.",
            )
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): environ[name] for name in found}
    try:
        return dict(flatten(source()))
    except EnvironmentValueError as error:
        raise SettingsError(f"environment: {error}") from None


def variable_of(key: str) -> str:
    """Return the environment variable of a dotted key."""
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
        return SettingsError(f"{origin}: unknown setting {key}", hint=meant(key, describe()))
    if problem["type"] == "model_type":
        said = f"{key} is a table: write [{key}], and its keys below"
        return SettingsError(f"{origin}: {key} = {masked(repr(problem['input']))}: {said}")
    said = problem["msg"].removeprefix("Value error, ")
    message = said[:1].lower() + said[1:]
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
