"""Table `articles`: what was read, one row per canonical address, in its latest version."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.types import EntryResult
from warehouse.database import Database, from_utc, to_utc
from warehouse.tables import refs, runs, stamps

COLUMNS = (
    "article_id", "entry_id", "source_id", "canonical_url", "url", "title", "text", "text_origin", *stamps.COLUMNS,
    "language", "site", "authors", "paywalled", "issues", "fetched_at", *refs.COLUMNS, "run_id",
    *stamps.MODIFIED_COLUMNS, "soft_404", "etag", "last_modified", "version",
    "model",
)  # fmt: skip

_NEAR = 50_000


def known(database: Database, canonical_urls: Iterable[str]) -> dict[str, str]:
    """Canonical URL → article id, for those that name a stored article.

    A URL names an article by being its canonical URL, or by being that of an entry which led to it: a page may call
    itself by another URL than its feed does.
    """
    rows = database.execute(
        """
        WITH wanted AS (SELECT DISTINCT unnest(?::JSON::VARCHAR[]) AS canonical_url)
        SELECT canonical_url, min(article_id) FROM (
            SELECT canonical_url, article_id FROM wanted JOIN articles USING (canonical_url)
            UNION ALL
            SELECT canonical_url, o.article_id FROM wanted
                JOIN entries USING (canonical_url) JOIN outcomes AS o USING (entry_id)
            WHERE o.article_id IS NOT NULL
        ) GROUP BY ALL
        """,
        [list(canonical_urls)],
    )
    return dict(rows)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a stored article: the entry that brought it, its text, which version that is, when it came."""

    entry_id: str
    text: str
    version: int
    fetched_at: datetime


def rows_of(database: Database, article_ids: Iterable[str]) -> tuple[str, list[list[object]]]:
    """A condition on rows of `articles`, and the values of its one parameter, each for some of the articles.

    It is for columns as wide as the text. A query that joins these with article ids reads them whole: of a million
    articles of 1 kB, the texts of 200 new ones come by their rows in 0.06 s, and in 3 s by their ids. Rows that are
    near each other come together.
    """
    key, kind = database.row_key("article_id")
    rows = database.execute(
        f"SELECT {key} FROM articles WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[])) ORDER BY {key}",
        [list(article_ids)],
    )
    together: list[list[Any]] = []
    for (row,) in rows:
        if together and (isinstance(row, str) or row - together[-1][-1] < _NEAR):
            together[-1].append(row)
        else:
            together.append([row])
    return f"{key} IN (SELECT unnest(?::JSON::{kind}[]))", together


def stored(database: Database, article_ids: Iterable[str]) -> dict[str, Stored]:
    """Article id → what is stored, for those that are."""
    where, parts = rows_of(database, article_ids)
    rows = [
        row
        for some in parts
        for row in database.execute(
            f"SELECT article_id, entry_id, text, version, fetched_at FROM articles WHERE {where}", [some]
        )
    ]
    found = {}
    for article_id, entry_id, text, version, fetched_at in rows:
        came_at = from_utc(fetched_at)
        assert came_at is not None, "the column is NOT NULL"
        found[article_id] = Stored(entry_id, text, version, came_at)
    return found


def remove(database: Database, article_ids: Sequence[str]) -> None:
    """Delete articles; for their successors of the same ids, in the same transaction."""
    database.execute(
        "DELETE FROM articles WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [list(article_ids)]
    )


def add(database: Database, run_id: str, results: Sequence[EntryResult], versions: Mapping[str, int]) -> None:
    """Insert the articles of `results` that are not stored. `versions` numbers those that replace another."""
    model = runs.model(database, run_id)
    rows = []
    for result in results:
        article = result.article
        if article is None:
            continue
        rows.append(
            (
                article.id,
                result.entry_id,
                article.source_id,
                article.canonical_url,
                article.url,
                article.title,
                article.text,
                article.text_origin.value,
                *stamps.to_columns(article.published),
                article.language,
                article.site,
                list(article.authors),
                article.paywalled,
                list(article.issues),
                to_utc(article.fetched_at),
                *refs.to_columns(result.archived),
                run_id,
                *stamps.to_columns(article.modified),
                article.soft_404,
                article.etag,
                article.last_modified,
                versions.get(article.id, 1),
                model,
            )
        )
    database.insert("articles", COLUMNS, rows, unless=("article_id",))


def of_entries(database: Database, entry_ids: Sequence[str]) -> dict[str, str]:
    """Entry id → the stored article that has the entry's canonical URL, where there is one."""
    rows = database.execute(
        """
        SELECT e.entry_id, a.article_id FROM entries AS e JOIN articles AS a USING (canonical_url)
        WHERE e.entry_id IN (SELECT unnest(?::JSON::VARCHAR[]))
        """,
        [list(entry_ids)],
    )
    return dict(rows)
