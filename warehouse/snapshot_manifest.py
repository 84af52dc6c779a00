"""What a snapshot's manifest says: counts, time span, how far each source was covered, fingerprints, files."""

from collections.abc import Mapping
from pathlib import Path

from warehouse import snapshot_parquet, snapshot_parts
from warehouse.database import Database
from warehouse.snapshot_base import Earlier
from warehouse.snapshot_check import sha256
from warehouse.snapshot_file import Content
from warehouse.snapshot_parts import Prints

_LOG = frozenset({"runs", "polls", "source_pace"})
"""Tables that every run changes, be there news or not."""

_HEALTH = """
SELECT source_id,
       CASE WHEN outcome IN ('ok', 'not_modified', 'empty') THEN 'answers' ELSE outcome END,
       fell_silent_at IS NOT NULL
FROM polls JOIN runs USING (run_id) LEFT JOIN source_pace USING (source_id)
QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY started_at DESC) = 1
ORDER BY source_id
"""

_SOURCES = """
SELECT
    s.source_id,
    min(c.day) FILTER (c.articles > 0),
    max(c.day) FILTER (c.articles > 0),
    CAST(coalesce(sum(c.fetched), 0) AS BIGINT),
    any_value(h.last_answer_at),
    any_value(h.state)
FROM sources AS s LEFT JOIN coverage AS c USING (source_id) LEFT JOIN source_health AS h USING (source_id)
GROUP BY s.source_id ORDER BY s.source_id
"""


def fingerprint(content: Content, prints: Prints, described: Mapping[str, object]) -> str:
    """The digest of all that is worth a new version. The log of runs is not, but how sources fare is."""
    news = snapshot_parts.of_news(prints, _LOG)
    return snapshot_parts.digest([sorted(described.items()), content.layout, news, content.database.execute(_HEALTH)])


def told(snapshot: Database, prints: Prints, counts: Mapping[str, int]) -> dict[str, object]:
    """What the manifest says of a snapshot's content."""
    return {
        "content_fingerprint": snapshot_parts.of_content(prints),
        "counts": dict(counts),
        "span": _span(snapshot),
        "coverage": _coverage(snapshot),
        "parquet": snapshot_parquet.globs(prints),
    }


def files(folder: Path, rows: Mapping[str, int], earlier: Earlier | None) -> dict[str, dict[str, object]]:
    """Path → SHA-256, bytes and, of Parquet files, rows, of all files below `folder`.

    A file that is the same as in an earlier version, not a copy of it, has the digest that it had there.
    """
    found: dict[str, dict[str, object]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(folder))
            known = None if earlier is None or name not in earlier.files else earlier.folder / name
            same = known is not None and known.samefile(path)
            digest = earlier.files[name]["sha256"] if same and earlier is not None else sha256(path)
            found[name] = {"sha256": digest, "bytes": path.stat().st_size}
            if name in rows:
                found[name]["rows"] = rows[name]
    return found


def _span(snapshot: Database) -> dict[str, list[str | None]]:
    """First and last day: of publication over the articles, and of the stated dates over the events."""
    rows = snapshot.execute(
        """
        SELECT 'articles', min(published_on), max(published_on) FROM articles
        UNION ALL SELECT 'events', min(date_from), max(date_to) FROM events
        """
    )
    return {name: [None if day is None else day.isoformat() for day in days] for name, *days in rows}


def _coverage(snapshot: Database) -> dict[str, object]:
    """How far each source was read: days of publication of its articles, how many were read, its last answer."""
    sources: dict[str, dict[str, object]] = {}
    for source_id, first, last, articles, answered, state in snapshot.execute(_SOURCES):
        sources[source_id] = {
            "first_article": None if first is None else first.isoformat(),
            "last_article": None if last is None else last.isoformat(),
            "articles": articles,
            "last_answer": None if answered is None else answered.isoformat() + "Z",
            "state": state,
        }
    states = [about["state"] for about in sources.values()]
    totals = {"sources": len(states), "enabled": len(states) - states.count(None)}
    totals |= {state: states.count(state) for state in ("ok", "silent", "failing", "gone", "never_polled")}
    return {"totals": totals, "sources": sources}
