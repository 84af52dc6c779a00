"""Of the settings and what they lead to: sources, contact, extras, model, workers, alerts, mail."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from clampdown.doctor.finding import Check
from pipeline.errors import ClampdownError, DeliveryError

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings, Settings


def settings(loaded: "LoadedSettings") -> Check:
    """Which file they come from, and how many differ from their defaults."""
    changed = sum(origin != "default" for origin in loaded.origins.values())
    told = f"{changed} set" if changed else "all at their defaults"
    if loaded.file is None:
        return Check("settings", "ok", f"no settings file, {told}", "`clampdown init` writes one")
    return Check("settings", "ok", f"{loaded.file}, {told}")


def sources(loaded: "LoadedSettings") -> Check:
    """Whether the source list can be read."""
    from pipeline.sources import load_sources

    path = loaded.settings.sources
    if not path.exists():
        return Check("sources", "warn", f"{path}: not there", "`clampdown init` writes one with well-known feeds")
    found = load_sources(path)
    on = sum(source.enabled for source in found)
    if not on:
        return Check("sources", "warn", f"{path}: no feed is enabled", "`clampdown sources add ADDRESS` adds one")
    return Check("sources", "ok", f"{path}: {on} of {len(found)} feeds enabled")


def subscriptions(loaded: "LoadedSettings") -> Check:
    """Whether the subscriptions can be read."""
    from pipeline.subscriptions import load_subscriptions

    path = loaded.settings.subscriptions
    found = load_subscriptions(path)
    if not path.exists():
        return Check("subscriptions", "ok", f"{path}: not there, so the daily digest alone is made")
    return Check("subscriptions", "ok", f"{path}: {len(found)}")


def contact(loaded: "LoadedSettings") -> Check:
    """Whether publishers know whom to turn to."""
    if loaded.settings.fetch.contact:
        return Check("contact", "ok", loaded.settings.fetch.contact)
    return Check("contact", "warn", "fetch.contact is not set", "publishers want a mail address or URL to turn to")


def extras(loaded: "LoadedSettings") -> Iterator[Check]:
    """Whether the packages are there that only some settings need."""
    needed = _extras(loaded.settings)
    missing = {name: modules for name, modules in needed.items() if not all(map(find_spec, modules))}
    for name in missing:
        yield Check("extras", "fail", f"the settings need the extra {name}", f"pip install 'clampdown[{name}]'")
    if not missing:
        yield Check("extras", "ok", f"{', '.join(needed)}: installed" if needed else "none is needed")


def _extras(settings: "Settings") -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if settings.warehouse.url:
        found["lake"] = ("duckdb_extension_ducklake",)
        if "postgres" in settings.warehouse.url:
            found["lake"] += ("duckdb_extension_postgres_scanner", "psycopg")
    if settings.mail.dkim_domain:
        found["dkim"] = ("dkim",)
    if settings.workers.runner == "dask":
        found["dask"] = ("dask", "distributed")
    return found


def model(loaded: "LoadedSettings") -> Check:
    """Whether the model can be loaded and is the one that was pinned."""
    from extractors.extractor import load_extractor

    extractor = load_extractor(loaded.settings.extract)
    if loaded.settings.extract.backend == "llm":
        endpoint = loaded.settings.extract.llm.endpoint
        return Check("model", "ok", f"revision {extractor.revision}, at {endpoint}, which was not asked")
    return Check("model", "ok", f"revision {extractor.revision}, checksums right")


def workers(loaded: "LoadedSettings") -> Check:
    """Start one worker and have it read a sentence: what a run would stumble over shows here."""
    from flows.jobs import NURSERY, try_worker
    from pipeline.workers import WorkerPool

    settings = loaded.settings
    one = settings.workers.model_copy(update={"processes": 1})
    with WorkerPool(one, preload=NURSERY) as pool:
        try_worker(pool, settings)
    number = settings.workers.processes or "one per core"
    return Check("workers", "ok", f"{number}, each with {settings.workers.memory_mb} MiB; one was tried")


def alerts(loaded: "LoadedSettings") -> Check:
    """Whether somebody is told of trouble, as far as the settings alone show."""
    from flows.serving.alerting import channels

    told = channels(loaded.settings)
    if not told:
        return Check(
            "alerts", "ok", "nobody is told of trouble", "for `clampdown serve`, set alerts.to or alerts.webhook"
        )
    for channel in told.values():
        try:
            channel.check()
        except DeliveryError as error:
            # A password may stand in the environment of the service alone.
            return Check("alerts", "warn", str(error), error.hint)
    to = "; ".join(f"{name} to {channel.to}" for name, channel in told.items())
    return Check("alerts", "ok", to, "`clampdown alerts test` tries it")


def mail(loaded: "LoadedSettings") -> Check:
    """Whether mail can go out, as far as the settings alone show."""
    from reports.mail import check

    settings = loaded.settings.mail
    if not settings.host:
        return Check("mail", "ok", "none is sent: mail.host is not set")
    try:
        check(settings, ())
    except ClampdownError as error:
        return Check("mail", "warn", str(error), error.hint)
    return Check("mail", "ok", f"{settings.host}:{settings.port}, {settings.security}; --network tries it")
