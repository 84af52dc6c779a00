"""The lists of services, countries and actors. Numbers mean what they mean everywhere: see docs/trends.md."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from warehouse.dashboard.asking import Sql, filled, literal

Index: TypeAlias = Literal["services", "countries", "actors"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Part of a list: the rows whose names hold `words`, sorted by a column, `size` of them from `offset` on."""

    words: str = ""
    sort: str = "in_force"
    descending: bool = True
    size: int = 100
    offset: int = 0


_SUBJECT: Final = {
    "services": "service_canonical",
    "countries": "country",
    "actors": "actor_canonical, country",
}

_NAMED: Final[dict[Index, str]] = {
    "services": """
        SELECT t.service_canonical AS name, s.category,
            concat_ws(' ', t.service_canonical, s.category, s.provider, array_to_string(s.aliases, ' ')) AS words,
            t.*
        FROM told AS t LEFT JOIN (FROM services QUALIFY row_number() OVER (PARTITION BY name ORDER BY category) = 1)
            AS s ON s.name = t.service_canonical
    """,
    "countries": """
        SELECT coalesce(c.name, CASE t.country WHEN 'EU' THEN 'European Union' ELSE 'Country not told' END) AS name,
            concat_ws(' ', t.country, c.name, array_to_string(c.aliases, ' ')) AS words,
            t.*
        FROM told AS t LEFT JOIN countries AS c ON c.code = t.country
    """,
    "actors": """
        SELECT t.actor_canonical AS name, a.kind, coalesce(c.name, t.country) AS country_name,
            concat_ws(' ', t.actor_canonical, t.country, c.name, a.kind, array_to_string(b.aliases, ' ')) AS words,
            t.*
        FROM told AS t JOIN actors AS a ON a.actor_canonical = t.actor_canonical AND a.country = t.country
            LEFT JOIN bodies AS b USING (body_id) LEFT JOIN countries AS c ON c.code = t.country
    """,
}

SORTS: Final[dict[Index, tuple[str, ...]]] = {
    "services": ("name", "category", "in_force", "ended", "events", "countries", "first_from", "last_reported"),
    "countries": ("name", "in_force", "ended", "events", "services", "actors", "first_from", "last_reported"),
    "actors": ("name", "country_name", "kind", "in_force", "ended", "events", "services", "last_reported"),
}
"""Columns by which each list can be sorted."""

TEXTS: Final = frozenset({"name", "category", "country_name", "kind"})
"""Those of them that hold words."""

COLUMNS: Final[dict[Index, tuple[str, ...]]] = {
    "services": (
        "service_canonical", "category", "in_force", "ended", "events", "countries", "first_from", "first_to",
        "last_reported", "total", "most",
    ),
    "countries": (
        "country", "name", "in_force", "ended", "events", "services", "actors", "first_from", "first_to",
        "last_reported", "total", "most",
    ),
    "actors": (
        "actor_canonical", "country", "country_name", "kind", "in_force", "ended", "events", "services",
        "last_reported", "total", "most",
    ),
}  # fmt: skip


def rows(index: Index, wanted: Wanted) -> Sql:
    """Rows of COLUMNS: `total` is the number of all rows that fit, `most` the highest number in force among them.

    `events` counts proposals, warnings, inquiries and lifts, too. What was retracted or dismissed is nowhere in it.
    Raises ValueError for a column that the list can't be sorted by.
    """
    if wanted.sort not in SORTS[index]:
        raise ValueError(f"{index} can't be sorted by {wanted.sort}")
    return filled(
        """
        WITH told AS (
            SELECT $subject,
                count(*) FILTER (WHERE is_restriction AND NOT lifted) AS in_force,
                count(*) FILTER (WHERE is_restriction AND lifted) AS ended,
                count(*) AS events,
                count(DISTINCT country) FILTER (WHERE is_restriction AND country NOT IN ('EU', 'XX')) AS countries,
                count(DISTINCT service_canonical) AS services,
                count(DISTINCT actor_canonical) AS actors,
                min(date_from) FILTER (WHERE is_restriction) AS first_from,
                min(date_to) FILTER (WHERE is_restriction) AS first_to,
                max(last_reported) AS last_reported
            FROM (
                SELECT *, side = 'restricting' AND status = 'in_force' AS is_restriction
                FROM events
                WHERE NOT retracted AND NOT dismissed
            )
            GROUP BY ALL
        ),
        named AS ($named)
        SELECT $columns
        FROM (SELECT *, count(*) OVER () AS total, max(in_force) OVER () AS most FROM named WHERE $fits)
        ORDER BY $sort $order NULLS LAST, in_force DESC, name, $subject
        LIMIT $size OFFSET $offset
        """,
        subject=Sql(_SUBJECT[index]),
        named=filled(_NAMED[index]),
        columns=Sql(", ".join(COLUMNS[index])),
        fits=_fits(wanted.words),
        sort=Sql(f"strip_accents(lower({wanted.sort}))" if wanted.sort in TEXTS else wanted.sort),
        order=Sql("DESC" if wanted.descending else "ASC"),
        size=wanted.size,
        offset=wanted.offset,
    )


def _fits(words: str) -> Sql:
    """Whether a row has all the words, in any case and without regard to accents."""
    parts = [f"contains(strip_accents(lower(words)), strip_accents(lower({literal(one)})))" for one in words.split()]
    return Sql(" AND ".join(parts) or "true")
