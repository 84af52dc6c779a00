"""What the shell offers for arguments: ids of events and sources, services, classes, tables.

Called on each press of the tab key, so nothing heavy is imported and settings are read by hand: what is offered may be
too little, and never wrong enough to matter. Whatever fails, nothing is printed: an error amid somebody's line helps
nobody.
"""

import csv
import os
import tomllib
from collections.abc import Callable, Iterator
from functools import wraps
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from pipeline.places import PUBLISHED_NAME

Offered = list[tuple[str, str]]
"""What is offered, each with a word on it."""


def _silent(offer: Callable[[typer.Context, str], Offered]) -> Callable[[typer.Context, str], Offered]:
    @wraps(offer)
    def offered(ctx: typer.Context, incomplete: str) -> Offered:
        try:
            return offer(ctx, incomplete)
        except Exception:
            return []

    return offered


@_silent
def events(ctx: typer.Context, incomplete: str) -> Offered:
    """Events of the snapshot whose ids begin so, the best told first."""
    from warehouse.completing import event_ids

    return event_ids(_snapshot(ctx), incomplete)


@_silent
def tables(ctx: typer.Context, incomplete: str) -> Offered:
    """Tables and views of the snapshot."""
    from warehouse.completing import relations

    return [(name, "") for name in relations(_snapshot(ctx)) if name.startswith(incomplete)]


@_silent
def sources(ctx: typer.Context, incomplete: str) -> Offered:
    """Sources of the list."""
    path = _base(ctx) / str(_settings(ctx).get("sources", "sources.toml"))
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("source", [])
    return [(one["id"], one.get("name", "")) for one in listed if one["id"].startswith(incomplete)]


@_silent
def services(ctx: typer.Context, incomplete: str) -> Offered:
    """Services of the registry, however they are cased."""
    return [(name, about) for name, about in _services() if name.casefold().startswith(incomplete.casefold())]


def _services() -> Iterator[tuple[str, str]]:
    # The registry's own package brings more than a key press may wait for.
    lines = files("extractors").joinpath("registries", "services.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        yield row["name"], row.get("provider") or ""


@_silent
def actions(ctx: typer.Context, incomplete: str) -> Offered:
    """Classes of actions."""
    from pipeline.classes import Action

    return [(one.value, "") for one in Action if one.value.startswith(incomplete)]


@_silent
def statuses(ctx: typer.Context, incomplete: str) -> Offered:
    """How far a measure has come."""
    from pipeline.classes import Status

    return [(one.value, "") for one in Status if one.value.startswith(incomplete)]


def _snapshot(ctx: typer.Context) -> Path:
    given = ctx.find_root().params.get("data_dir") or os.environ.get("CLAMPDOWN_DATA_DIR")
    folder = Path(given) if given else _base(ctx) / str(_settings(ctx).get("data_dir", "clampdown-data"))
    return folder / PUBLISHED_NAME / "clampdown.duckdb"


def _file(ctx: typer.Context) -> Path:
    return Path(ctx.find_root().params.get("config") or os.environ.get("CLAMPDOWN_CONFIG") or "clampdown.toml")


def _base(ctx: typer.Context) -> Path:
    return _file(ctx).parent


def _settings(ctx: typer.Context) -> dict[str, Any]:
    path = _file(ctx)
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
