"""Which records of the archive may be reduced: those on which no event, decision or evidence rests; and their moves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.archive_moves import Move
from pipeline.types import ArchiveRef
from warehouse.database import Database, to_utc
from warehouse.tables import refs

TABLES = ("polls", "entries", "outcomes", "articles", "article_versions", "revisits", "backfill_pages")
"""Tables that point into the archive."""

# Articles that state something or did, of which a person has decided, and those that carry the same text.
_RESTING = """
resting AS (
    SELECT article_id FROM mentions UNION SELECT article_id FROM decision_anchors
), held AS (
    SELECT article_id FROM resting
    UNION
    SELECT s.article_id FROM story_members AS s
    SEMI JOIN (SELECT story_id FROM story_members SEMI JOIN resting USING (article_id)) AS told USING (story_id)
), feeds AS (
    SELECT archive_part, archive_offset FROM polls WHERE archive_part IS NOT NULL
    UNION ALL
    SELECT archive_part, archive_offset FROM backfill_pages WHERE archive_part IS NOT NULL
)
"""
_PLACE = ", ".join(f"one.{name}" for name in refs.COLUMNS)


@dataclass(frozen=True, slots=True)
class OldPage:
    """The page of a version of an article on which nothing rests: where it lies, and whose it is.

    `revisited` says that it was asked for again and found to be `version` as it was.
    """

    place: ArchiveRef
    entry_id: str
    article_id: str
    version: int
    revisited: bool = False


@dataclass(frozen=True, slots=True)
class OldFeed:
    """A feed that a source brought. `held` says that something rests on its own bytes, or that it was not read."""

    place: ArchiveRef
    source_id: str
    run_id: str
    held: bool


def old_pages(database: Database, since: datetime, until: datetime) -> list[OldPage]:
    """Pages of present versions that came from `since` on and before `until`, by their places."""
    return _pages(
        database,
        f"""
        WITH {_RESTING}
        SELECT {_PLACE}, one.entry_id, one.article_id, one.version, false FROM articles AS one
        ANTI JOIN held USING (article_id)
        ANTI JOIN feeds USING (archive_part, archive_offset)
        JOIN outcomes AS o ON o.entry_id = one.entry_id AND o.article_id = one.article_id
        WHERE one.archive_part IS NOT NULL AND one.fetched_at >= $1 AND one.fetched_at < $2 AND o.retry_at IS NULL
        ORDER BY 1, 2
        """,
        since,
        until,
    )


def old_versions(database: Database, since: datetime, until: datetime) -> list[OldPage]:
    """Pages of versions that later ones have replaced, and pages that were found unchanged, likewise."""
    return _pages(
        database,
        f"""
        WITH {_RESTING}, versions AS (
            SELECT article_id, version, fetched_at FROM articles
            UNION ALL SELECT article_id, version, fetched_at FROM article_versions
        )
        SELECT {_PLACE}, a.entry_id, one.article_id, one.version, false FROM article_versions AS one
        JOIN articles AS a ON a.article_id = one.article_id
        ANTI JOIN held ON held.article_id = one.article_id
        ANTI JOIN feeds ON feeds.archive_part = one.archive_part AND feeds.archive_offset = one.archive_offset
        WHERE one.archive_part IS NOT NULL AND one.fetched_at >= $1 AND one.fetched_at < $2
        UNION ALL
        SELECT {_PLACE}, one.entry_id, one.article_id,
            (SELECT max(v.version) FROM versions AS v
             WHERE v.article_id = one.article_id AND v.fetched_at <= one.visited_at), true
        FROM revisits AS one
        ANTI JOIN held ON held.article_id = one.article_id
        ANTI JOIN feeds ON feeds.archive_part = one.archive_part AND feeds.archive_offset = one.archive_offset
        WHERE one.outcome = 'unchanged' AND one.archive_part IS NOT NULL
            AND one.visited_at >= $1 AND one.visited_at < $2
        ORDER BY 1, 2
        """,
        since,
        until,
    )


def _pages(database: Database, sql: str, since: datetime, until: datetime) -> list[OldPage]:
    rows = database.execute(sql, [to_utc(since), to_utc(until)])
    return [OldPage(ArchiveRef(*row[:4]), *row[4:]) for row in rows if row[6] is not None]


def old_feeds(database: Database, since: datetime, until: datetime) -> list[OldFeed]:
    """Feeds that came from `since` on and before `until`, source by source, in the order in which they were stored."""
    rows = database.execute(
        f"""
        WITH {_RESTING}, evidence AS (
            SELECT archive_part, archive_offset FROM articles SEMI JOIN held USING (article_id)
            UNION
            SELECT archive_part, archive_offset FROM article_versions SEMI JOIN held USING (article_id)
        )
        SELECT {_PLACE}, one.source_id, one.run_id,
               e.archive_part IS NOT NULL OR one.outcome NOT IN ('ok', 'empty')
        FROM polls AS one LEFT JOIN evidence AS e USING (archive_part, archive_offset)
        WHERE one.archive_part IS NOT NULL
            AND one.fetched_at >= $1 AND one.fetched_at < $2
        ORDER BY one.source_id, one.run_id
        """,
        [to_utc(since), to_utc(until)],
    )
    return [OldFeed(ArchiveRef(*row[:4]), *row[4:]) for row in rows]


def backfilled(database: Database) -> set[tuple[str, str]]:
    """Source and run of each backfill: entries were changed by other than polls."""
    return {(str(source), str(run)) for source, run in database.execute("SELECT source_id, run_id FROM backfill_pages")}


def texts(database: Database, pages: Iterable[OldPage]) -> Mapping[tuple[str, int], tuple[str, str]]:
    """Article id and version → title and text, for the versions of `pages`."""
    wanted = [{"article_id": page.article_id, "version": page.version} for page in pages]
    rows = database.execute(
        """
        WITH wanted AS (
            SELECT DISTINCT unnest(?::JSON::STRUCT(article_id VARCHAR, version INTEGER)[], recursive := true)
        )
        SELECT article_id, version, title, text FROM articles SEMI JOIN wanted USING (article_id, version)
        UNION ALL
        SELECT article_id, version, title, text FROM article_versions SEMI JOIN wanted USING (article_id, version)
        """,
        [wanted],
    )
    return {(article_id, version): (title, text) for article_id, version, title, text in rows}


def move(database: Database, moves: Sequence[Move]) -> None:
    """Point at the new places of records, in all tables, in one transaction."""
    with database.transaction():
        for some in _some(moves):
            told = [
                {
                    "old_part": one.old.part,
                    "old_offset": one.old.offset,
                    "part": one.new.part,
                    "place": one.new.offset,
                    "size": one.new.length,
                    "sha256": one.new.sha256,
                }
                for one in some
            ]
            for table in TABLES:
                database.execute(
                    f"""
                    UPDATE {table} SET archive_part = n.part, archive_offset = n.place, archive_length = n.size,
                        archive_sha256 = n.sha256
                    FROM (SELECT unnest(?::JSON::STRUCT(
                        old_part VARCHAR, old_offset BIGINT, part VARCHAR, place BIGINT, size BIGINT, sha256 VARCHAR
                    )[], recursive := true)) AS n
                    WHERE {table}.archive_part = n.old_part AND {table}.archive_offset = n.old_offset
                    """,
                    [told],
                )


def _some(moves: Sequence[Move]) -> Iterator[Sequence[Move]]:
    for start in range(0, len(moves), 1000):
        yield moves[start : start + 1000]
