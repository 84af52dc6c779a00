"""Tables `article_versions` and `revisits`: texts that later ones have replaced, and how articles were asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipeline.revisits import Visits, revisit_at
from pipeline.types import EntryResult
from warehouse.database import Database, from_utc, to_utc
from warehouse.tables import articles, refs

_KEPT = (
    "article_id, version, title, text, published_on, modified_on, modified_at, fetched_at, archive_part, "
    "archive_offset, archive_length, archive_sha256, run_id, model"
)
COLUMNS = ("run_id", "entry_id", "article_id", "outcome", "detail", "visited_at", *refs.COLUMNS)


def keep(database: Database, article_ids: Sequence[str]) -> None:
    """Keep the stored texts of articles that are about to be replaced."""
    where, parts = articles.rows_of(database, article_ids)
    for some in parts:
        database.execute(f"INSERT INTO article_versions ({_KEPT}) SELECT {_KEPT} FROM articles WHERE {where}", [some])


def texts(database: Database, article_ids: Sequence[str]) -> dict[str, dict[int, str]]:
    """Article id → version → text, for the versions that later ones have replaced."""
    rows = database.execute(
        "SELECT article_id, version, text FROM article_versions "
        "WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [list(article_ids)],
    )
    found: dict[str, dict[int, str]] = {}
    for article_id, version, text in rows:
        found.setdefault(article_id, {})[version] = text
    return found


def log(database: Database, run_id: str, results: Sequence[EntryResult]) -> None:
    """Log the revisits among `results` that this run has not logged yet, before articles and outcomes are replaced."""
    visited = {result.entry_id: result for result in results if result.revisit is not None}
    owned = database.execute(
        "SELECT entry_id, article_id FROM articles WHERE entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [list(visited)],
    )
    rows = []
    for entry_id, article_id in owned:
        result = visited[entry_id]
        visit = result.revisit
        assert visit is not None, "only these were chosen"
        place = refs.to_columns(result.archived)
        at = to_utc(visit.visited_at)
        rows.append((run_id, entry_id, article_id, visit.outcome.value, result.detail, at, *place))
    database.insert("revisits", COLUMNS, rows, unless=("run_id", "entry_id"))


def plan(database: Database, revised: Mapping[str, datetime | None]) -> None:
    """Set when the stored articles of entries whose words changed are asked for again, by the rules of revisits."""
    found = database.execute(
        """
        SELECT a.entry_id, any_value(a.fetched_at), any_value(a.published_on), count(r.visited_at), max(r.visited_at)
        FROM articles AS a LEFT JOIN revisits AS r USING (entry_id)
        WHERE a.entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        GROUP BY a.entry_id
        """,
        [list(revised)],
    )
    rows = []
    for entry_id, read_at, published, revisits, visited_at in found:
        last = from_utc(max(filter(None, (read_at, visited_at))))
        assert last is not None, "articles.fetched_at is NOT NULL"
        due = revisit_at(Visits(revisits, last, published), revised[entry_id] or last)
        rows.append((entry_id, to_utc(due)))
    database.update("outcomes", ("entry_id", "revisit_at"), rows)
