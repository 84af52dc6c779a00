"""How published tables are cut into parts, and the fingerprint of each part: so those that changed are found.

What is stored once and seldom changed is cut by months; what belongs to events, of any age, by the hash of the event.
A part's fingerprint is the sum of its rows' hashes, so the order of rows does not count. Every publication reads all
rows anew for it: nobody has to remember what was changed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from warehouse import compare
from warehouse.database import Database

NONE = "none"
"""Name of the part of rows without a month, and of the whole of tables that are not cut."""

BUCKETS = 8192


_DATED: Mapping[str, str] = {
    "runs": "run_id",
    "polls": "run_id",
    "entries": "run_id",
    "outcomes": "run_id",
    "articles": "fetched_at",
    "article_versions": "fetched_at",
    "revisits": "visited_at",
    "story_members": "published_on",
    "stories": "first_published",
    "mentions": "learned_on",
    "changes": "changed_at",
}


def _month(column: str) -> str:
    if column == "run_id":
        return "if(t.run_id SIMILAR TO '[0-9]{8}T.*', CAST(left(t.run_id, 6) AS UINTEGER), NULL)"
    return f"year(t.{column}) * 100 + month(t.{column})"


MONTHS: Mapping[str, str] = {table: _month(column) for table, column in _DATED.items()}
"""Table → the number of the month that a row of `t` belongs to, as in 202511. It may change with the row."""

_BY_EVENT = f"hash(t.event_id) % {BUCKETS}"

HASHED: Mapping[str, str] = {
    "events": _BY_EVENT,
    "event_mentions": _BY_EVENT,
    "event_transitions": _BY_EVENT,
    "event_history": _BY_EVENT,
    "transition_history": _BY_EVENT,
    "happenings": f"hash(t.happening_id) % {BUCKETS}",
    "unsure_pairs": f"hash(t.happening_a) % {BUCKETS}",
}
"""Table → the number of the bucket that a row of `t` belongs to."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part holds: how many rows, and the sums of their hashes, without and with the columns that are clocks."""

    rows: int
    content: str
    whole: str


Parts = Mapping[str, Part]
"""Month, as in 2025-11, bucket or NONE → the part."""

Prints = Mapping[str, Parts]
"""Table → its parts."""


def is_cut(table: str) -> bool:
    """Whether a table has parts."""
    return table in MONTHS or table in HASHED


def _number(table: str) -> str:
    return MONTHS.get(table) or HASHED.get(table, "CAST(NULL AS INTEGER)")


def _name(table: str, number: int | None) -> str:
    """202511 → 2025-11; also what is no month has a name that a file can have."""
    if number is None:
        return NONE
    return f"{number // 100:04}-{number % 100:02}" if table in MONTHS else f"{number}"


def within(table: str, names: Iterable[str]) -> str:
    """The condition that a row of `t` is in one of the parts of these names."""
    known = set(names)
    numbers = sorted(name.replace("-", "") for name in known - {NONE})
    some = f"{_number(table)} IN ({', '.join(numbers)})" if numbers else "false"
    if NONE in known:
        return f"({some} OR {_number(table)} IS NULL)"
    return f"({some}{_between(table, numbers)})"


def _between(table: str, numbers: Sequence[str]) -> str:
    """What `some` months imply, in words that let rows of others be passed over unread."""
    column = _DATED.get(table)
    if column is None or not all(len(number) == 6 and "01" <= number[4:] <= "12" for number in numbers):
        return ""
    first, last = numbers[0], numbers[-1]
    if column == "run_id":
        return f" AND t.run_id BETWEEN '{first}' AND '{last}~'"
    following = (int(last[:4]) + 1, 1) if last[4:] == "12" else (int(last[:4]), int(last[4:]) + 1)
    since, until = f"{first[:4]}-{first[4:]}-01", f"{following[0]:04}-{following[1]:02}-01"
    return f" AND t.{column} >= '{since}' AND t.{column} < '{until}'"


def take(database: Database, catalog: str, tables: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Part]]:
    """The fingerprints of all parts; `tables` names the columns that count."""
    return {table: _take(database, catalog, table, columns) for table, columns in tables.items()}


def _take(database: Database, catalog: str, table: str, columns: Sequence[str]) -> dict[str, Part]:
    kept = compare.kept_columns(dict.fromkeys(columns, ""))
    clocks = [name for name in columns if name not in kept]
    content = f"hash({_listed(kept)})" if kept else "0::UBIGINT"
    # Hashed once, with the clocks on top: most of the time goes into texts.
    whole = ", ".join(["content", *(f'"{name}"' for name in clocks)])
    of_clocks = "".join(f', t."{name}"' for name in clocks)
    rows = database.execute(
        f"""
        SELECT part, count(*), CAST(sum(content) AS VARCHAR), CAST(sum({f"hash({whole})" if clocks else "content"})
            AS VARCHAR)
        FROM (SELECT {_number(table)} AS part, {content} AS content{of_clocks} FROM "{catalog}".main.{table} AS t)
        GROUP BY part ORDER BY part NULLS LAST
        """
    )
    return {_name(table, number): Part(count, kept_sum, sum_) for number, count, kept_sum, sum_ in rows}


def ranges(database: Database, catalog: str, table: str) -> dict[str, "Range"]:
    """Part → the rows among which it is, so that the others need not be read for it."""
    found = database.execute(
        f'SELECT {_number(table)} AS part, min(t.rowid), max(t.rowid) FROM "{catalog}".main.{table} AS t '
        "GROUP BY part ORDER BY 2"
    )
    placed, reached = {}, -1
    for index, (number, first, last) in enumerate(found):
        following = found[index + 1][1] if index + 1 < len(found) else last + 1
        placed[_name(table, number)] = Range(first, last, reached < first and last < following)
        reached = max(reached, last)
    return placed


@dataclass(frozen=True, slots=True)
class Range:
    """Where the rows of a part are, and whether nothing else is between them."""

    first: int
    last: int
    alone: bool


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f't."{name}"' for name in names)


def digest(value: object) -> str:
    """SHA-256 of something that fits into JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def of_content(prints: Prints) -> str:
    """The digest of all content: equal for two snapshots that differ only in when and by which runs it was gathered."""
    told = {table: _sum(parts) for table, parts in prints.items() if table not in compare.CLOCK_TABLES}
    return digest(told)


def of_news(prints: Prints, log: frozenset[str]) -> str:
    """The digest of what is worth a new snapshot: content, and histories with their days. Tables of `log` are not."""
    whole = {
        table: sorted((name, part.rows, part.whole) for name, part in parts.items())
        for table, parts in prints.items()
        if table in compare.CLOCK_TABLES and table not in log
    }
    return digest([of_content(prints), whole])


def _sum(parts: Parts) -> list[object]:
    # By table: in which month a row is counted may depend on a clock.
    return [sum(part.rows for part in parts.values()), str(sum(int(part.content) for part in parts.values()))]


def to_json(prints: Prints) -> dict[str, dict[str, list[object]]]:
    """As it is written into a file."""
    return {
        table: {name: [part.rows, part.content, part.whole] for name, part in parts.items()}
        for table, parts in prints.items()
    }


def from_json(told: Mapping[str, Mapping[str, Sequence[object]]]) -> dict[str, dict[str, Part]]:
    """What `to_json` has written. Raises TypeError or ValueError where it has not."""
    return {
        table: {name: Part(int(str(rows)), str(content), str(whole)) for name, (rows, content, whole) in parts.items()}
        for table, parts in told.items()
    }


def layout() -> list[object]:
    """How tables are cut, so that a version that was cut otherwise is known."""
    return [sorted(MONTHS.items()), sorted(HASHED.items())]
