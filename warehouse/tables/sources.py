"""Table `sources`: the source list as of the last run, and sources that were on it once."""

from collections.abc import Callable, Sequence

from pipeline.errors import WarehouseError
from pipeline.types import Source
from warehouse.database import Database
from warehouse.tables import polls

COLUMNS = (
    "source_id", "name", "url", "homepage", "country", "language", "owner", "topics", "enabled", "items_per_week",
    "listed", "full_text",
)  # fmt: skip

_URL = COLUMNS.index("url")


def sync(database: Database, sources: Sequence[Source], owns: Callable[[str], bool] | None = None) -> list[str]:
    """Make the table say what the list says. A source that left the list stays, marked as not listed.

    A source whose address has changed begins anew: its feed's state is forgotten. `owns` says by the address whether a
    source is this writer's (`pipeline.writers`); those of others are left as they are. Returns the sources that were
    known and belong to another publisher now. Call within a transaction.
    """
    listed = {source.id: _row(source) for source in sources}
    if len(listed) < len(sources):
        raise WarehouseError("two sources of the source list have the same id")
    stored = {row[0]: row for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM sources")}
    if owns is not None:
        # One that has moved to another site goes over to the writer whose it is there.
        own = {key: row for key, row in listed.items() if owns(str(row[_URL]))}
        stored = {key: row for key, row in stored.items() if key in own or (key not in listed and owns(row[_URL]))}
        listed = own
    unlisted = COLUMNS.index("listed")
    wanted = {key: (*row[:unlisted], False, *row[unlisted + 1 :]) for key, row in stored.items()} | listed
    changed = [key for key, row in wanted.items() if stored.get(key) != row]
    if not changed:
        return []

    def differing(column: str) -> list[str]:
        at = COLUMNS.index(column)
        return [key for key in changed if key in stored and stored[key][at] != wanted[key][at]]

    # What was learnt at one address (validators, a move, that it is gone) says nothing of another.
    polls.forget(database, differing("url"))
    database.execute("DELETE FROM sources WHERE source_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [changed])
    database.insert("sources", COLUMNS, [wanted[key] for key in changed])
    return differing("owner")


def _row(source: Source) -> tuple[object, ...]:
    return (
        source.id,
        source.name,
        source.url,
        source.homepage,
        source.country,
        source.language,
        source.owner,
        list(source.topics),
        source.enabled,
        source.items_per_week,
        True,
        source.full_text,
    )


def owned(database: Database, owns: Callable[[str], bool]) -> list[str]:
    """The ids of the sources, listed or not, whose addresses a writer `owns`."""
    rows = database.execute("SELECT source_id, url FROM sources ORDER BY source_id")
    return [source_id for source_id, url in rows if owns(url)]


def listed(database: Database) -> list[Source]:
    """The source list, as it was last taken over, by id."""
    columns = [column for column in COLUMNS if column != "listed"]
    rows = database.execute(f"SELECT {', '.join(columns)} FROM sources WHERE listed ORDER BY source_id")
    names = ["id" if column == "source_id" else column for column in columns]
    found = (dict(zip(names, row, strict=True)) for row in rows)
    return [Source(**row | {"topics": tuple(row["topics"])}) for row in found]
