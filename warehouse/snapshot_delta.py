"""Bringing a table of an earlier snapshot to what the warehouse says row by row, and what is derived from it after.

The rows that left or came are kept in a temporary table (`delta_…`) while a snapshot is built. From them it is known
which stories, and which days of coverage, can have changed: these are made anew by the same script that makes the whole
table, given only the rows that can count for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from warehouse.database import Database


@dataclass(frozen=True, slots=True)
class Derived:
    """How a derived table follows the tables it reads: by its column `key`.

    `affected` selects the values of it that may have changed. `narrowed` names each table that the script reads and may
    be cut down to what counts for them, with the condition, in an order in which each may read those before it.
    `fixed` are tables that it reads as they are: if one of them has changed, so may have every row.
    """

    key: str
    affected: str
    narrowed: Mapping[str, str]
    fixed: frozenset[str]

    @property
    def reads(self) -> frozenset[str]:
        """All tables that the script reads."""
        return self.fixed | self.narrowed.keys()


DERIVED: Mapping[str, Derived] = {
    "stories": Derived(
        key="story_id",
        affected="""
            SELECT story_id FROM delta_story_members
            UNION
            SELECT story_id FROM story_members WHERE article_id IN (
                SELECT article_id FROM delta_articles
                UNION SELECT article_id FROM delta_mentions
                UNION SELECT article_id FROM mentions WHERE mention_id IN (SELECT mention_id FROM delta_event_mentions)
            )
        """,
        narrowed={
            "story_members": "story_id IN (SELECT story_id FROM affected)",
            "articles": "article_id IN (SELECT article_id FROM story_members)",
            "mentions": "article_id IN (SELECT article_id FROM story_members)",
            "event_mentions": "mention_id IN (SELECT mention_id FROM mentions)",
        },
        fixed=frozenset({"sources"}),
    ),
    "coverage": Derived(
        key="day",
        affected="""
            SELECT published_on AS day FROM delta_entries WHERE published_on IS NOT NULL
            UNION SELECT published_on FROM delta_articles WHERE published_on IS NOT NULL
            UNION SELECT CAST(fetched_at AS DATE) FROM delta_articles
            UNION SELECT published_on FROM articles
                WHERE published_on IS NOT NULL AND article_id IN (SELECT article_id FROM delta_mentions)
            UNION SELECT CAST(started_at AS DATE) FROM delta_runs
            UNION SELECT CAST(started_at AS DATE) FROM runs WHERE run_id IN (SELECT run_id FROM delta_polls)
        """,
        narrowed={
            "entries": "published_on IN (SELECT day FROM affected)",
            "articles": "published_on IN (SELECT day FROM affected) OR CAST(fetched_at AS DATE) IN (FROM affected)",
            "mentions": "article_id IN (SELECT article_id FROM articles)",
            "runs": "CAST(started_at AS DATE) IN (SELECT day FROM affected)",
            "polls": "run_id IN (SELECT run_id FROM runs)",
        },
        fixed=frozenset({"sources"}),
    ),
}


def follow(snapshot: Database, table: str, columns: Iterable[str], warehouse: str, where: str) -> None:
    """Replace those rows of a table that are not the warehouse's, among the ones for which `where` holds.

    `warehouse` is its table there. A row is known by its first column and the hash of all.
    """
    names = list(columns)
    listed = ", ".join(f't."{name}"' for name in names)
    key, hashed = f't."{names[0]}"', f"hash({listed})"
    snapshot.script(
        f"""
        CREATE TEMP TABLE held AS
            SELECT t.rowid AS place, {key} AS key, {hashed} AS hash FROM {table} AS t WHERE {where};
        CREATE TEMP TABLE wanted AS SELECT {key} AS key, {hashed} AS hash FROM {warehouse} AS t WHERE {where};
        CREATE TEMP TABLE came AS SELECT {listed} FROM {warehouse} AS t WHERE {where}
            AND NOT EXISTS (SELECT 1 FROM held WHERE held.key = {key} AND held.hash = {hashed});
        CREATE TEMP TABLE left_ AS SELECT place FROM held AS h
            WHERE NOT EXISTS (SELECT 1 FROM wanted WHERE wanted.key = h.key AND wanted.hash = h.hash);
        CREATE TEMP TABLE delta_{table} AS
            SELECT {listed} FROM {table} AS t WHERE t.rowid IN (SELECT place FROM left_) UNION ALL FROM came;
        DELETE FROM {table} WHERE rowid IN (SELECT place FROM left_);
        INSERT INTO {table} FROM came;
        DROP TABLE held; DROP TABLE wanted; DROP TABLE came; DROP TABLE left_
        """
    )


def stays(snapshot: Database, table: str) -> None:
    """Note that no row of a table left or came."""
    snapshot.script(f"CREATE TEMP TABLE delta_{table} AS FROM {table} LIMIT 0")


def derive(snapshot: Database, name: str, script: str, known: frozenset[str]) -> None:
    """Bring a derived table to what its script makes of the tables as they are now.

    `known` are the tables whose changes are known from this module; the derived table is of the time before them.
    """
    derived = DERIVED.get(name)
    query = script.removeprefix(f"CREATE TABLE {name} AS").partition(";")[0]
    if derived is None or not derived.reads <= known:
        snapshot.script(f"DROP TABLE IF EXISTS {name}")
        snapshot.script(script)
        return
    snapshot.script(f"CREATE TEMP TABLE affected AS {derived.affected}")
    # A temporary table hides the one of the same name, from the script and from the conditions that follow.
    for table, where in derived.narrowed.items():
        # Of no use to the scripts, and most of what there is to read.
        columns = "* EXCLUDE (text)" if table == "articles" else "*"
        snapshot.script(f"CREATE TEMP TABLE narrowed AS SELECT {columns} FROM {table} WHERE {where}")
        snapshot.script(f"ALTER TABLE narrowed RENAME TO {table}")
    key = derived.key
    snapshot.script(f"CREATE TEMP TABLE anew AS SELECT * FROM ({query}) WHERE {key} IN (SELECT {key} FROM affected)")
    for table in derived.narrowed:
        snapshot.script(f"DROP TABLE temp.{table}")
    snapshot.script(f"DELETE FROM {name} WHERE {key} IN (SELECT {key} FROM affected)")
    snapshot.script(f"INSERT INTO {name} FROM anew; DROP TABLE anew; DROP TABLE affected")
