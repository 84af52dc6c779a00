"""Rows by country as GeoJSON (RFC 7946): a feature per country with its shape and, as properties, its row."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pipeline.errors import InputError
from reports.exports.cells import plain
from reports.shapes import country_shapes
from warehouse.rows import Rows

COLUMN = "country"

RESTRICTIONS_BY_COUNTRY = """
SELECT
    r.country,
    any_value(c.name) AS country_name,
    count(*) AS restrictions,
    count(*) FILTER (NOT r.lifted) AS not_ended,
    count(DISTINCT r.service_canonical) AS services_restricted,
    list(DISTINCT r.service_canonical ORDER BY r.service_canonical) AS services,
    list(DISTINCT r.action ORDER BY r.action) AS actions,
    list(DISTINCT r.actor_kind ORDER BY r.actor_kind) FILTER (r.actor_kind IS NOT NULL) AS actor_kinds,
    arg_min(r.date_value, (r.date_from, r.date_to)) AS first_date,
    min(r.date_from) AS first_date_from,
    arg_min(r.date_to, (r.date_from, r.date_to)) AS first_date_to,
    count(*) FILTER (r.date_value IS NULL) AS undated,
    min(r.first_reported) AS first_reported,
    max(r.last_reported) AS last_reported
FROM restrictions AS r LEFT JOIN countries AS c ON c.code = r.country
GROUP BY r.country
ORDER BY r.country
"""
"""What is drawn unless something else is asked for. The first date is the stated one whose range begins first."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How many features were written, and which of their countries have no shape."""

    features: int
    without_shape: tuple[str, ...]

    def notes(self) -> Iterator[str]:
        """What a reader of a map has to know."""
        if self.without_shape:
            yield f"no shape for {', '.join(self.without_shape)}: written with a null geometry, not left out"


def write_geojson(rows: Rows, path: Path, about: Mapping[str, Any]) -> Drawn:
    """Write one feature per row of `rows`, which have a column `country` and no country twice, to a new file.

    A country that has no shape – the Union, one that can't be told, NULL – gets a null geometry. `about` goes beside
    the features. Raises InputError where there is no such column, or a country has several rows.
    """
    names = [column.name for column in rows.columns]
    if COLUMN not in names:
        raise InputError(
            f"{rows.name} has no column {COLUMN}, by which GeoJSON finds the shapes",
            hint="Leave out --table for restrictions by country, or ask for such a column with --query.",
        )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        return _write(rows, names, file, about)


def _write(rows: Rows, names: list[str], file: IO[str], about: Mapping[str, Any]) -> Drawn:
    shapes, seen, without = country_shapes(), set[object](), []
    head = json.dumps({"type": "FeatureCollection", "clampdown": plain(dict(about))}, ensure_ascii=False)
    file.write(head.removesuffix("}") + ', "features": [')
    for row in rows:
        properties = {name: plain(value) for name, value in zip(names, row, strict=True)}
        code = properties[COLUMN]
        if code in seen:
            raise InputError(
                f"{rows.name} has several rows for the country {code}; GeoJSON takes one each",
                hint="Leave out --table for restrictions by country, or sum up with --query and GROUP BY country.",
            )
        shape = shapes.get(str(code))
        if shape is None:
            without.append("NULL" if code is None else str(code))
        feature: dict[str, object] = {
            "type": "Feature",
            **({} if code is None else {"id": code}),
            "properties": properties,
            "geometry": None if shape is None else shape.geometry,
        }
        file.write((",\n" if seen else "\n") + json.dumps(feature, ensure_ascii=False, allow_nan=False))
        seen.add(code)
    file.write("\n]}\n")
    return Drawn(len(seen), tuple(without))
