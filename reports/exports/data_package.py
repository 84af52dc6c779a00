"""Tables as a Data Package (https://datapackage.org, version 2): files, and `datapackage.json` that describes them."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import InputError
from reports.exports.comma_separated import write_csv
from reports.exports.readme import README, RIGHTS, readme, rights
from warehouse.entities import KEYS, REFERENCES
from warehouse.rows import Column, Rows

DESCRIPTOR = "datapackage.json"
MANIFEST = "manifest.json"
PROFILES = "https://datapackage.org/profiles/2.0"

_TYPES = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "DOUBLE": "number",
    "FLOAT": "number",
}
_MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "json": "application/json"}


def write_folder(
    tables: Sequence[Rows],
    folder: Path,
    manifest: Mapping[str, Any],
    *,
    form: Literal["csv", "parquet"] = "csv",
    raw: bool = False,
) -> dict[str, int]:
    """Write a package of `tables` to a new folder; returns how many rows each has.

    `manifest` is what the snapshot says of itself; it goes into the package whole. Text in CSV is guarded against
    formulas unless `raw`.
    """
    folder.mkdir()
    counts = {}
    resources = []
    for table in tables:
        file = folder / f"{table.name}.{form}"
        counts[table.name] = table.to_parquet(file) if form == "parquet" else write_csv(table, file, raw=raw)
        resources.append(_table_resource(table, file, form, {one.name for one in tables}))
    _json(folder / MANIFEST, manifest)
    resources.append(_resource(folder / MANIFEST, "json", "What the snapshot says of itself."))
    (folder / README).write_text(readme(tables, counts, manifest, guarded=form == "csv" and not raw), "utf-8")
    (folder / RIGHTS).write_text(rights(), "utf-8")
    _json(folder / DESCRIPTOR, _descriptor(manifest, resources))
    return counts


def zip_folder(folder: Path, target: Path) -> None:
    """Pack the files of a package into a new ZIP file, the descriptor first, with the package's own date on them."""
    created = json.loads((folder / DESCRIPTOR).read_text("utf-8")).get("created")
    when = datetime.fromisoformat(created) if created else datetime(1980, 1, 1, tzinfo=UTC)
    files = sorted(folder.iterdir(), key=lambda file: (file.name != DESCRIPTOR, file.name))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            about = zipfile.ZipInfo(file.name, when.timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            with file.open("rb") as read, packed.open(about, "w", force_zip64=True) as written:
                shutil.copyfileobj(read, written)


def replace_folder(new: Path, target: Path) -> None:
    """Move the finished package `new` to `target`, in place of an older package there.

    Raises InputError where something else is there.
    """
    if not target.exists():
        new.rename(target)
        return
    is_package = target.is_dir() and (target / DESCRIPTOR).is_file()
    if not is_package and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"{target} is there already and is no data package", hint="Give another name.")
    old = new.with_name("replaced")
    target.rename(old)
    new.rename(target)


def _descriptor(manifest: Mapping[str, Any], resources: Sequence[Mapping[str, object]]) -> dict[str, object]:
    published = manifest.get("published_at")
    created = {"created": _instant(published)} if published else {}
    return {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": "clampdown",
        "title": "Restrictions on digital services, as the news tell of them",
        "description": f"Exported from a snapshot of Clampdown. How to read and cite it: {README}.",
        **({"version": manifest["fingerprint"][:12]} if manifest.get("fingerprint") else {}),
        **created,
        "keywords": ["internet censorship", "digital services", "news", "events"],
        "licenses": [{"path": RIGHTS, "title": "Who holds which rights, and what its sharer has to decide"}],
        "resources": list(resources),
    }


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resource(file: Path, form: str, about: str | None) -> dict[str, object]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {
        "$schema": f"{PROFILES}/dataresource.json",
        # Names of tables and of answers are letters, digits and underscores already.
        "name": file.stem.lower(),
        "path": file.name,
        **({"description": about} if about else {}),
        "format": form,
        "mediatype": _MEDIA[form],
        **({"encoding": "utf-8"} if form != "parquet" else {}),
        "bytes": file.stat().st_size,
        "hash": f"sha256:{digest}",
    }


def _table_resource(table: Rows, file: Path, form: str, packed: set[str]) -> dict[str, object]:
    resource = _resource(file, form, table.about)
    resource["type"] = "table"
    if form == "csv":
        resource["dialect"] = {
            "$schema": f"{PROFILES}/tabledialect.json",
            "delimiter": ",",
            "lineTerminator": "\r\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        }
    resource["schema"] = _schema(table, packed)
    return resource


def _schema(table: Rows, packed: set[str]) -> dict[str, object]:
    schema: dict[str, object] = {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [_field(column) for column in table.columns],
        "missingValues": [""],
    }
    if table.is_whole:
        key = KEYS.get(table.name, ())
        if key and not table.has_null(key):
            schema["primaryKey"] = list(key)
        if foreign := list(_foreign_keys(table, packed)):
            schema["foreignKeys"] = foreign
    return schema


def _foreign_keys(table: Rows, packed: set[str]) -> Iterator[dict[str, object]]:
    for one in REFERENCES:
        if one.table == table.name and one.to in packed and not one.by_name:
            # The specification writes a reference to the table itself as an empty name.
            to = "" if one.to == table.name else one.to
            yield {"fields": [one.column], "reference": {"resource": to, "fields": [one.to_column]}}


def _field(column: Column) -> dict[str, object]:
    field: dict[str, object] = {"name": column.name, "type": _type(column.type)}
    if column.about:
        field["description"] = column.about
    return field


def _type(type_: str) -> str:
    if type_.endswith("]"):
        return "array"
    if type_.startswith(("MAP", "STRUCT")):
        return "object"
    if type_.endswith("INT") or type_ == "INTEGER":
        return "integer"
    if type_.startswith("DECIMAL"):
        return "number"
    return _TYPES.get(type_, "string")


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")
