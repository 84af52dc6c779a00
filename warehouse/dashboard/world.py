"""In which countries restrictions were in force on any day: what a map of the world with a slider is made of."""

from datetime import date
from typing import Final, NamedTuple

from warehouse.dashboard.asking import Sql, filled

ALL: Final = Sql("true")
"""The condition that holds for every restriction."""


class Change(NamedTuple):
    """By how much the number of restrictions in force changed in a country on a day."""

    country: str
    day: date
    change: int


def changes(where: Sql = ALL) -> Sql:
    """Rows of `Change`, country by country and day by day: added up to a day they are what `in_force_on` has that day.

    `where` is a condition on `restrictions`. A restriction counts from the last day that its date allows to the first
    that its end allows; what is undated has no place in time.
    """
    return filled(
        """
        -- Added up to a day, this is: SELECT country, count(*) FROM in_force_on('2025-02-10') GROUP BY country
        WITH lives AS (
            SELECT
                country,
                date_to AS began,
                CASE WHEN lifted THEN coalesce(ended_from, end_reported, DATE '0001-01-01') END AS ended
            FROM restrictions
            WHERE date_to IS NOT NULL AND $where
        ),
        steps AS (
            SELECT country, began AS day, 1 AS change FROM lives WHERE ended IS NULL OR ended > began
            UNION ALL
            SELECT country, ended, -1 FROM lives WHERE ended > began
        )
        SELECT country, day, CAST(sum(change) AS INTEGER) AS change
        FROM steps
        GROUP BY country, day
        HAVING sum(change) <> 0
        ORDER BY country, day
        """,
        where=where,
    )


def undated(where: Sql = ALL) -> Sql:
    """One row, one number: how many restrictions are in force of which nobody says since when."""
    return filled(
        """
        SELECT count(*) AS undated
        FROM imposed
        WHERE NOT lifted AND date_to IS NULL AND $where
        """,
        where=where,
    )
