"""Tables `services`, `bodies` and `countries`: the registries by which the last run normalised."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from pipeline.lineage import Lineage
from pipeline.types import ActorKind, Body, Country, Service
from warehouse.database import Database


def sync(database: Database, services: Sequence[Service], bodies: Sequence[Body], countries: Sequence[Country]) -> None:
    """Replace each registry that differs from what is stored."""
    with database.transaction():
        _replace(
            database,
            "services",
            ((s.id, s.name, list(s.aliases), s.category, s.provider, s.provider_country) for s in services),
        )
        _replace(
            database,
            "bodies",
            ((b.id, b.name, list(b.aliases), b.kind.value, b.country, b.part_of) for b in bodies),
        )
        _replace(
            database,
            "countries",
            ((c.code, c.name, list(c.aliases), list(c.demonyms), c.capital) for c in countries),
        )


def lineage(ask: Callable[[str], list[tuple[Any, ...]]]) -> Lineage:
    """The registered bodies, as the resolver asks for them. `ask` is `Database.execute`, or a `Reader.rows`."""
    rows = ask("SELECT body_id, name, aliases, kind, country, part_of FROM bodies ORDER BY body_id")
    return _lineage(
        tuple(
            Body(body_id, name, tuple(aliases), ActorKind(kind), country, part_of)
            for body_id, name, aliases, kind, country, part_of in rows
        )
    )


@lru_cache(maxsize=2)
def _lineage(bodies: tuple[Body, ...]) -> Lineage:
    return Lineage(bodies)


def _replace(database: Database, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    columns = tuple(database.column_types(table))
    wanted = sorted(rows, key=lambda row: str(row[0]))
    if database.execute(f"SELECT * FROM {table} ORDER BY 1") != wanted:
        database.execute(f"DELETE FROM {table}")
        database.insert(table, columns, wanted)
