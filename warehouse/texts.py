"""The words of articles, asked of a published snapshot."""

from collections.abc import Iterable

from warehouse.reader import Reader


def texts_of(reader: Reader, article_ids: Iterable[str]) -> dict[tuple[str, int], str]:
    """Article and version → text: the words around a mention are no column of a snapshot, they are read again.

    Rows are found first: a join on ids would read the whole column of texts.
    """
    rows = reader.rows(
        """
        WITH wanted AS (SELECT unnest(?::JSON::VARCHAR[]) AS article_id)
        SELECT article_id, version, text FROM articles
        WHERE rowid IN (SELECT rowid FROM articles WHERE article_id IN (FROM wanted))
        UNION ALL
        SELECT article_id, version, text FROM article_versions
        WHERE rowid IN (SELECT rowid FROM article_versions WHERE article_id IN (FROM wanted))
        """,
        [sorted(set(article_ids))],
    )
    return {(article_id, version): text for article_id, version, text in rows}
