-- What kind of body restricts, quarter by quarter?
--
-- One row per quarter, one column per kind of body. The quarters are those of the stated dates.
--
-- **Traps.** `other` is a body that fits no kind, or whose kind the machine could not tell. A body that no text names is
-- `unnamed`. What has no stated date stands in the row without a quarter.
PIVOT (
    SELECT period AS quarter, coalesce(value, 'unnamed') AS kind, restrictions
    FROM trend('actor_kind', every := 'quarter')
    WHERE year >= 2024 OR year IS NULL
)
ON kind USING coalesce(sum(restrictions), 0)
ORDER BY quarter NULLS LAST;
