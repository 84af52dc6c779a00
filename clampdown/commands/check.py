"""`doctor`: is everything there that a run needs?"""

import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clampdown.options import load_settings
from clampdown.output import console, print_json, printable
from pipeline.errors import ClampdownError, DeliveryError, WarehouseLocked

if TYPE_CHECKING:
    from pipeline.settings import LoadedSettings

MIN_FREE_BYTES = 1_000_000_000
"""Under this the archive of a few days may not fit."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is well ("ok", "warn", "fail"), and what to do."""

    name: str
    state: str
    detail: str
    hint: str | None = None


def doctor(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Check settings, sources, model, warehouse and disk. Nothing is fetched or changed."""

    loaded = load_settings(context)
    looks: list[Callable[[LoadedSettings], Check]] = [
        _python,
        _settings,
        _sources,
        _contact,
        _model,
        _workers,
        _warehouse,
        _feeds,
        _alerts,
        _disk,
    ]
    found = [_safely(look, loaded) for look in looks]
    if as_json:
        print_json(found)
    else:
        out = console()
        marks = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "bold red")}
        for check in found:
            out.print(Text.assemble(marks[check.state], "  ", (f"{check.name:10}", "bold"), printable(check.detail)))
            if check.hint:
                out.print(Text(f"      {'':10}{printable(check.hint)}", style="dim"))
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)


def _safely(look: "Callable[[LoadedSettings], Check]", loaded: "LoadedSettings") -> Check:
    try:
        return look(loaded)
    except ClampdownError as error:
        return Check(look.__name__.strip("_"), "fail", str(error), error.hint)


def _python(loaded: "LoadedSettings") -> Check:
    from importlib.metadata import version

    return Check("python", "ok", f"Python {sys.version.split()[0]}, clampdown {version('clampdown')}")


def _settings(loaded: "LoadedSettings") -> Check:
    if loaded.file is None:
        return Check("settings", "ok", "defaults, no settings file", "`clampdown init` writes one")
    return Check("settings", "ok", str(loaded.file))


def _sources(loaded: "LoadedSettings") -> Check:
    from pipeline.sources import load_sources

    path = loaded.settings.sources
    if not path.exists():
        return Check("sources", "warn", f"{path}: not there", "`clampdown init` writes one with well-known feeds")
    found = load_sources(path)
    return Check("sources", "ok", f"{path}: {sum(source.enabled for source in found)} of {len(found)} feeds enabled")


def _contact(loaded: "LoadedSettings") -> Check:
    if loaded.settings.fetch.contact:
        return Check("contact", "ok", loaded.settings.fetch.contact)
    return Check("contact", "warn", "fetch.contact is not set", "publishers want a mail address or URL to turn to")


def _model(loaded: "LoadedSettings") -> Check:
    from extractors.extractor import load_extractor

    extractor = load_extractor(loaded.settings.extract)
    if loaded.settings.extract.backend == "llm":
        endpoint = loaded.settings.extract.llm.endpoint
        return Check("model", "ok", f"revision {extractor.revision}, at {endpoint}, which was not asked")
    return Check("model", "ok", f"revision {extractor.revision}, checksums right")


def _workers(loaded: "LoadedSettings") -> Check:
    """Start one worker and have it read a sentence: what a run would stumble over shows here."""
    from flows.jobs import NURSERY, try_worker
    from pipeline.workers import WorkerPool

    settings = loaded.settings
    one = settings.workers.model_copy(update={"processes": 1})
    with WorkerPool(one, preload=NURSERY) as pool:
        try_worker(pool, settings)
    number = settings.workers.processes or "one per core"
    return Check("workers", "ok", f"{number}, each with {settings.workers.memory_mb} MiB; one was tried")


def _warehouse(loaded: "LoadedSettings") -> Check:
    from flows.house import WAREHOUSE_NAME, open_store

    if loaded.settings.warehouse.url:
        return _lake(loaded)
    path = loaded.settings.data_dir / WAREHOUSE_NAME
    if not path.exists():
        return Check("warehouse", "ok", f"{path}: not there yet; the first run makes it")
    try:
        with open_store(loaded.settings, holder="doctor") as warehouse:
            balance, pending = warehouse.ledger_balance(), warehouse.count_pending()
    except WarehouseLocked as locked:
        # While a run is on, that is as it should be.
        return Check("warehouse", "ok", f"{locked}; it was not looked at")
    if not balance.balanced:
        faults = f"{balance.missing} entries without an outcome, {balance.surplus} outcomes too many"
        return Check("warehouse", "fail", f"{path}: {faults}")
    return Check("warehouse", "ok", f"{path}: {balance.discovered} entries, {pending} of them pending")


def _lake(loaded: "LoadedSettings") -> Check:
    from warehouse.lake_care import state

    settings = loaded.settings.warehouse
    found = state(settings)
    name = f"{found.name}, writer {settings.writer} of {settings.writers}"
    if found.schema == 0:
        return Check("warehouse", "ok", f"{name}: nothing there yet; the first run makes it")
    if found.balance is None:
        return Check("warehouse", "warn", f"{name}: schema {found.schema}", "the next run migrates it")
    if not found.balance.balanced:
        faults = f"{found.balance.missing} entries without an outcome, {found.balance.surplus} outcomes too many"
        return Check("warehouse", "fail", f"{name}: {faults}")
    busy = f", at work: {'; '.join(found.at_work)}" if found.at_work else ""
    detail = f"{name}: {found.balance.discovered} entries, {found.files:,} data files{busy}"
    if found.untidy:
        return Check("warehouse", "warn", detail, "`clampdown lake tidy` makes few large files of many small ones")
    return Check("warehouse", "ok", detail)


def _feeds(loaded: "LoadedSettings") -> Check:
    from clampdown.commands.health import health_of

    counts = Counter(health.state for health in health_of(loaded.settings).sources.values())
    if not counts:
        return Check("feeds", "ok", "none was polled yet")
    detail = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in counts.most_common())
    if counts.keys() & {"gone", "failing", "silent"}:
        return Check("feeds", "warn", detail, "`clampdown sources check` tells which and why")
    return Check("feeds", "ok", detail)


def _alerts(loaded: "LoadedSettings") -> Check:
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


def _disk(loaded: "LoadedSettings") -> Check:
    folder = loaded.settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = _can_write(folder)
    state = "fail" if not writable else "warn" if free < MIN_FREE_BYTES else "ok"
    return Check("disk", state, f"{folder}: {free / 1e9:.1f} GB free{'' if writable else ', not writable'}")


def _can_write(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK)
