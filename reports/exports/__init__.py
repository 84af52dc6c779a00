"""Exports of a published snapshot: tables, views, answers and changes as files for other programs.

export(snapshot, Path("events.csv"), Wanted(("events",)))
"""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from reports.exports.comma_separated import write_csv
from reports.exports.countries import RESTRICTIONS_BY_COUNTRY, write_geojson
from reports.exports.data_package import DESCRIPTOR, replace_folder, write_folder, zip_folder
from reports.exports.excel import write_workbook
from reports.exports.json_lines import write_json_lines
from reports.exports.since import resolve_since
from warehouse.rows import TABLE_MEMORY, NeedsMemory, Rows, RowSource

FORMATS: Mapping[str, str] = {
    "csv": "CSV, safe to open in a spreadsheet",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "xlsx": "an Excel workbook, a sheet per table",
    "geojson": "GeoJSON, a country per feature",
    "datapackage": "a Data Package: a folder, or a ZIP file where the name ends in .zip",
}
"""Name → what it is."""

DEFAULT_TABLE = "events"
_OF_SEVERAL = ("xlsx", "datapackage")
_BY_ENDING = {"csv", "jsonl", "parquet", "xlsx", "geojson"}
_OTHER_ENDINGS = {"ndjson": "jsonl", "zip": "datapackage"}
_FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: tables and views by name, or one question; `since` keeps what changed since then.

    Without either it is what suits the format: events, restrictions by country, or all tables. `raw` leaves text in
    CSV as it is; `parquet` lets a data package hold Parquet instead of CSV.
    """

    tables: tuple[str, ...] = ()
    query: str | None = None
    since: str | None = None
    raw: bool = False
    parquet: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: rows by table, and what its reader has to know."""

    path: Path
    rows: Mapping[str, int]
    notes: tuple[str, ...] = ()


def export(snapshot: Path, target: Path, wanted: Wanted | None = None, fmt: str | None = None) -> Exported:
    """Write what is `wanted` of the snapshot to `target`, replacing it in one step.

    `snapshot` is its DuckDB file or the folder it was published to; `fmt` is one of FORMATS, by default the one that
    the ending of `target` names. Raises InputError for what can't be asked for or written.
    """
    wanted = wanted or Wanted()
    fmt = format_of(target, fmt)
    _check(fmt, wanted)
    try:
        return _export(snapshot, target, wanted, fmt, TABLE_MEMORY)
    except NeedsMemory:
        return _export(snapshot, target, wanted, fmt, None)


def _export(snapshot: Path, target: Path, wanted: Wanted, fmt: str, memory: str | None) -> Exported:
    with _workspace(target) as workspace, RowSource(snapshot, workspace, table_memory=memory) as source:
        manifest = {key: json.loads(value) for key, value in source.manifest().items()}
        finished = workspace / _FINISHED
        rows, notes = _write(fmt, _rows(source, fmt, wanted), finished, manifest, wanted)
        if fmt != "datapackage":
            finished.replace(target)
        elif target.suffix.lower() == ".zip":
            zip_folder(finished, workspace / "packed")
            (workspace / "packed").replace(target)
        else:
            replace_folder(finished, target)
    return Exported(target, rows, notes)


def format_of(target: Path, fmt: str | None) -> str:
    """The format that is asked for by name or by the ending of `target`. Raises InputError where it is none."""
    asked = (fmt or target.suffix.lstrip(".")).lower()
    asked = _OTHER_ENDINGS.get(asked, asked)
    if target.name == DESCRIPTOR and fmt is None:
        raise InputError(f"{target} is a part of a data package", hint="Give the folder, with --format datapackage.")
    if asked not in FORMATS or (fmt is None and asked not in _BY_ENDING | {"datapackage"}):
        said = f"there is no export format {asked!r}" if asked else f"the name {target} does not tell the format"
        raise InputError(said, hint=f"Choose one of {', '.join(FORMATS)} with --format.")
    return asked


def _check(fmt: str, wanted: Wanted) -> None:
    if wanted.query is not None and (wanted.tables or wanted.since):
        raise InputError("a question stands alone: leave out --table and --since")
    if len(wanted.tables) > 1 and fmt not in _OF_SEVERAL:
        raise InputError(
            f"{fmt} holds one table", hint=f"{' and '.join(_OF_SEVERAL)} hold several; or export one by one."
        )
    if len(set(wanted.tables)) < len(wanted.tables):
        raise InputError("a table is named twice")
    if wanted.raw and fmt not in ("csv", "datapackage"):
        raise InputError(f"--raw is for CSV: text in {fmt} is as it is anyway")
    if wanted.parquet and fmt != "datapackage":
        raise InputError("--parquet is for data packages", hint="Use --format parquet for one table.")
    if wanted.parquet and wanted.raw:
        raise InputError("--raw is for CSV: text in Parquet is as it is anyway")


def _rows(source: RowSource, fmt: str, wanted: Wanted) -> list[Rows]:
    if wanted.query is not None:
        return [source.question(wanted.query)]
    if wanted.since is not None:
        since = resolve_since(wanted.since)
        return [source.changes(name, since) for name in wanted.tables or (DEFAULT_TABLE,)]
    if wanted.tables:
        return [source.relation(name) for name in wanted.tables]
    if fmt == "geojson":
        return [source.question(RESTRICTIONS_BY_COUNTRY, "restrictions")]
    names = source.tables() if fmt == "datapackage" else [DEFAULT_TABLE]
    return [source.relation(name) for name in names]


def _write(
    fmt: str, tables: Sequence[Rows], target: Path, manifest: Mapping[str, Any], wanted: Wanted
) -> tuple[Mapping[str, int], tuple[str, ...]]:
    if fmt == "xlsx":
        written = write_workbook(tables, target, manifest)
        return written.rows, tuple(written.notes())
    if fmt == "datapackage":
        if wanted.parquet:
            return write_folder(tables, target, manifest, form="parquet"), ()
        return write_folder(tables, target, manifest, raw=wanted.raw), ()
    (table,) = tables
    if fmt == "geojson":
        about = {key: manifest[key] for key in ("published_at", "schema_version", "model") if key in manifest}
        drawn = write_geojson(table, target, about)
        return {table.name: drawn.features}, tuple(drawn.notes())
    if fmt == "parquet":
        return {table.name: table.to_parquet(target)}, ()
    count = write_csv(table, target, raw=wanted.raw) if fmt == "csv" else write_json_lines(table, target)
    return {table.name: count}, ()


@contextmanager
def _workspace(target: Path) -> Iterator[Path]:
    """A folder beside `target` to work in, which is gone afterwards."""
    folder = target.absolute().parent / f".unfinished-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
        yield folder
    except OSError as error:
        raise InputError(f"can't write {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
