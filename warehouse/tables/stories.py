"""Table `story_members`: which articles carry the same text."""

from collections.abc import Sequence

from pipeline.errors import WarehouseError
from pipeline.stories import StorySignature
from pipeline.types import EntryResult
from warehouse.database import Database

COLUMNS = ("story_id", "article_id", "position", "signature", "body_hash")


def signatures(database: Database) -> list[StorySignature]:
    """The signature of every article, in the order of their placing: a later placement depends on it."""
    rows = database.execute(
        "SELECT article_id, story_id, body_hash, signature FROM story_members ORDER BY position, article_id"
    )
    return [StorySignature(*row) for row in rows]


def add(database: Database, results: Sequence[EntryResult]) -> None:
    """Enter the articles of `results`, in this order. One that is placed with the same body stays where it is.

    One whose body has changed goes to the end, as it does in the index of stories.
    """
    bodies = {result.article.id: result.body_hash for result in results if result.article is not None}
    placed_before = database.execute(
        "SELECT article_id, body_hash FROM story_members WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))",
        [list(bodies)],
    )
    outdated = [article_id for article_id, body_hash in placed_before if body_hash != bodies[article_id]]
    database.execute("DELETE FROM story_members WHERE article_id IN (SELECT unnest(?::JSON::VARCHAR[]))", [outdated])
    placed = int(database.execute("SELECT coalesce(max(position) + 1, 0) FROM story_members")[0][0])
    rows: list[tuple[object, ...]] = []
    for result in results:
        if result.article is None:
            continue
        if result.story_id is None or result.signature is None or result.body_hash is None:
            raise WarehouseError(f"{result.article.url}: the article came without its story")
        position = placed + len(rows)
        rows.append((result.story_id, result.article.id, position, result.signature, result.body_hash))
    database.insert("story_members", COLUMNS, rows, unless=("article_id",))
