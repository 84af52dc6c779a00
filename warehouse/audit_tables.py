"""Checks of single tables and of what they name in each other: ledger, keys, references, texts behind quotes."""

from collections.abc import Iterator

from pipeline.types import Outcome
from warehouse import entities
from warehouse.audit import Asked, Finding, Question

KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((table, key) for table, key in entities.KEYS.items() if key),
    ("articles", ("canonical_url",)),
    ("entries", ("source_id", "guid")),
    ("event_mentions", ("mention_id",)),
    ("schema_versions", ("version",)),
)
"""Table → columns whose values no two rows share."""

REFERENCES: tuple[tuple[str, str, str, str], ...] = (
    *(
        (one.table, one.column, one.to, one.to_column)
        for one in entities.REFERENCES
        if not one.by_name and one.table != "event_origins"
    ),
    ("article_versions", "run_id", "runs", "run_id"),
    ("articles", "article_id", "story_members", "article_id"),
    ("articles", "run_id", "runs", "run_id"),
    ("backfill_pages", "run_id", "runs", "run_id"),
    ("changes", "run_id", "runs", "run_id"),
    ("entries", "entry_id", "outcomes", "entry_id"),
    ("entries", "run_id", "runs", "run_id"),
    ("events", "changed_run_id", "runs", "run_id"),
    ("events", "event_id", "event_history", "event_id"),
    ("events", "event_id", "event_mentions", "event_id"),
    ("events", "first_run_id", "runs", "run_id"),
    ("happenings", "happening_id", "event_mentions", "happening_id"),
    ("mentions", "mention_id", "event_mentions", "mention_id"),
    ("mentions", "run_id", "runs", "run_id"),
    ("outcomes", "run_id", "runs", "run_id"),
    ("story_bands", "body", "story_members", "body"),
    ("transition_history", "mention_id", "mentions", "mention_id"),
    ("unsure_pairs", "mention_a", "mentions", "mention_id"),
    ("unsure_pairs", "mention_b", "mentions", "mention_id"),
)
"""Table and column, and the table and column that must have the value, unless it is NULL."""

PARTS = ("trigger", "service", "actor", "scope", "date", "reason")
"""What a mention quotes."""

_NO_FAILURES = frozenset(
    {
        *(Outcome.PENDING, Outcome.EVENTS, Outcome.NO_EVENT, Outcome.GATED),
        *(Outcome.SAME_STORY, Outcome.SAME_ARTICLE, Outcome.OTHER_LANGUAGE),
    }
)

ARTICLES_AT_ONCE = 50_000
"""Articles whose texts are held against their quotes in one question: some hundred megabytes."""


def _keys(asked: Asked, finding: Finding) -> None:
    for table, key in KEYS:
        if asked.has(table, key):
            finding.look(asked.count(table))
            listed = ", ".join(f'"{column}"' for column in key)
            asked.wrong(
                finding,
                f"SELECT concat_ws(', ', {listed}), count(*) FROM \"{table}\" GROUP BY {listed} HAVING count(*) > 1",
                f"{table}: {' and '.join(key)} {{}} stands there {{}} times",
            )


def _references(asked: Asked, finding: Finding) -> None:
    for table, column, other, key in REFERENCES:
        if asked.has(table, [column]) and asked.has(other, [key]):
            # What is caught up with before the first run belongs to none.
            some = f'one."{column}" IS NOT NULL' + (f" AND one.\"{column}\" <> ''" if other == "runs" else "")
            finding.look(asked.number(f'SELECT count("{column}") FROM "{table}"'))
            asked.wrong(
                finding,
                f'SELECT DISTINCT one."{column}" FROM "{table}" AS one '
                f'ANTI JOIN "{other}" AS other ON one."{column}" = other."{key}" WHERE {some}',
                f"{table}.{column}: {{}} is not in {other}.{key}",
            )


def _ledger(asked: Asked, finding: Finding) -> None:
    """Each entry has one outcome; and runs found as many entries as their polls and pages of the past say."""
    finding.look(asked.count("entries"))
    asked.wrong(
        finding,
        """
        SELECT e.run_id, count(*), count(o.entry_id) FROM entries AS e LEFT JOIN outcomes AS o USING (entry_id)
        GROUP BY e.run_id HAVING count(*) <> count(o.entry_id) OR count(*) <> count(DISTINCT e.entry_id)
        """,
        "run {}: {} entries with {} outcomes",
    )
    entries, outcomes = asked.count("entries"), asked.count("outcomes")
    if entries != outcomes and not asked.number("SELECT count(*) FROM entries ANTI JOIN outcomes USING (entry_id)"):
        finding.add(f"in all: {entries} entries, {outcomes} outcomes")
    asked.wrong(
        finding,
        """
        WITH told AS (
            SELECT run_id, sum(new_entries) AS entries FROM polls GROUP BY run_id
        ), stored AS (
            SELECT run_id, count(*) AS entries FROM entries GROUP BY run_id
        )
        SELECT run_id, coalesce(told.entries, 0), coalesce(stored.entries, 0)
        FROM told FULL JOIN stored USING (run_id)
        WHERE coalesce(told.entries, 0) <> coalesce(stored.entries, 0)
            AND run_id NOT IN (SELECT run_id FROM backfill_pages)
        """,
        "run {}: its polls tell of {} new entries, {} are stored",
    )


def _outcomes(asked: Asked, finding: Finding) -> None:
    known = ", ".join(f"'{one.value}'" for one in Outcome)
    finding.look(asked.count("outcomes"))
    asked.wrong(
        finding,
        f"SELECT entry_id, outcome FROM outcomes WHERE outcome NOT IN ({known})",
        "entry {}: no outcome is called {}",
    )
    asked.wrong(
        finding,
        "SELECT entry_id FROM outcomes WHERE outcome = 'events' "
        "AND (article_id IS NULL OR article_id NOT IN (SELECT article_id FROM mentions))",
        "entry {}: it ended with events, but its article states none",
    )
    if asked.has("outcomes", ["detail"]):
        failures = ", ".join(f"'{one.value}'" for one in Outcome if one not in _NO_FAILURES)
        asked.wrong(
            finding,
            f"SELECT entry_id, outcome FROM outcomes WHERE outcome IN ({failures}) AND coalesce(detail, '') = ''",
            "entry {}: it ended as {}, and nothing says why",
        )


def _versions(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("articles"))
    asked.wrong(
        finding,
        """
        SELECT a.article_id, a.version, count(v.version) FROM articles AS a LEFT JOIN article_versions AS v
            ON v.article_id = a.article_id AND v.version BETWEEN 1 AND a.version - 1
        GROUP BY ALL HAVING count(v.version) <> a.version - 1
        """,
        "article {}: version {} with {} earlier ones",
    )
    asked.wrong(
        finding,
        """
        SELECT m.mention_id, m.article_id, m.version FROM mentions AS m JOIN articles AS a USING (article_id)
        LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
        WHERE m.version <> a.version AND v.article_id IS NULL
        """,
        "mention {}: article {} has no version {}",
    )


def _stories(asked: Asked, finding: Finding) -> None:
    finding.look(asked.count("story_members"))
    asked.wrong(
        finding,
        "SELECT story_id, count(*) FILTER (WHERE parent_id IS NULL) AS founders FROM story_members GROUP BY story_id "
        "HAVING founders <> 1",
        "story {}: {} articles found it",
    )
    asked.wrong(
        finding,
        "SELECT c.article_id, c.story_id, p.story_id AS its FROM story_members AS c JOIN story_members AS p "
        "ON c.parent_id = p.article_id WHERE c.story_id <> p.story_id",
        "article {}: in story {}, its parent in {}",
    )
    # A tree: a parent comes before its children in the order of publication.
    asked.wrong(
        finding,
        """
        SELECT c.article_id, p.article_id FROM story_members AS c JOIN story_members AS p ON c.parent_id = p.article_id
        WHERE (p.published_on IS NULL, coalesce(p.published_on, DATE '0001-01-01'), p.article_id)
            >= (c.published_on IS NULL, coalesce(c.published_on, DATE '0001-01-01'), c.article_id)
        """,
        "article {}: its parent {} was not published before it",
    )


def _quotes(asked: Asked, finding: Finding) -> None:
    """Hold each quote against the text of its version, so many articles at a time: texts are read once, in order."""
    asked.rows("CREATE OR REPLACE TEMP TABLE audited (place BIGINT, mention BIGINT)")
    for table, condition in (
        ("articles", "m.version = a.version"),
        ("article_versions", "m.version = a.version AND m.version < now.version"),
    ):
        now = "JOIN articles AS now ON now.article_id = m.article_id" if table == "article_versions" else ""
        asked.rows("DELETE FROM audited")
        asked.rows(
            f"INSERT INTO audited SELECT a.rowid, m.rowid FROM mentions AS m "
            f"JOIN {table} AS a ON a.article_id = m.article_id {now} WHERE {condition} ORDER BY 1"
        )
        for first, last in _ranges(asked):
            _quotes_of(asked, finding, table, first, last)


def _ranges(asked: Asked) -> Iterator[tuple[int, int]]:
    """Ranges of rows of a table with texts in which about so many mentions are."""
    yield from asked.rows(
        f"""
        SELECT min(place), max(place) FROM (
            SELECT place, (row_number() OVER (ORDER BY place) - 1) // {ARTICLES_AT_ONCE} AS part
            FROM (SELECT DISTINCT place FROM audited)
        ) GROUP BY part ORDER BY part
        """
    )


def _quotes_of(asked: Asked, finding: Finding, table: str, first: int, last: int) -> None:
    quoted = " UNION ALL ".join(
        f"SELECT mention_id, '{part}' AS part, {part}_quote AS quote, {part}_start AS begins, {part}_end AS ends, text "
        f"FROM held WHERE {part}_quote IS NOT NULL OR {part}_start IS NOT NULL"
        for part in PARTS
    )
    columns = ", ".join(f"m.{part}_{end}" for part in PARTS for end in ("quote", "start", "end"))
    asked.rows(
        f"""
        CREATE OR REPLACE TEMP TABLE compared AS
        WITH held AS MATERIALIZED (
            SELECT m.mention_id, {columns}, a.text
            FROM (SELECT * FROM audited WHERE place BETWEEN {first} AND {last}) AS audited
            JOIN mentions AS m ON m.rowid = audited.mention
            JOIN {table} AS a ON a.rowid = audited.place AND a.rowid BETWEEN {first} AND {last}
        )
        SELECT mention_id, part, quote, begins, ends,
               quote IS NULL OR begins IS NULL OR ends IS NULL OR begins < 0 OR ends <= begins
                   OR substring(text, begins + 1, ends - begins) <> quote AS wrong
        FROM ({quoted})
        """
    )
    finding.look(asked.count("compared"))
    asked.wrong(
        finding,
        "SELECT mention_id, part, quote, begins, ends FROM compared WHERE wrong",
        "mention {}: its {} {!r} is not what stands at {} to {}",
    )


QUESTIONS = (
    Question("ledger", "each entry has one outcome; runs discovered what their polls tell of", _ledger),
    Question("outcomes", "outcomes are known, those with events have mentions, failures a reason", _outcomes),
    Question("keys", "what identifies a row stands there once", _keys),
    Question("references", "what a row names is there", _references),
    Question("versions", "articles have all of their versions, and mentions the version that they quote", _versions),
    Question("stories", "stories are trees, founded by one article", _stories),
    Question("quotes", "each quote is the slice of the text that its offsets say", _quotes),
)
