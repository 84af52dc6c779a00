-- What was in force on 10 February 2025, and where?
--
-- Counts what was surely in force: from the last day that its date allows until the first day that its end allows.
--
-- **Traps.** Undated restrictions are left out; how many there are stands beside (`undated`). What nobody reported as
-- lifted counts as in force for ever. A ban in one ministry and a block of a whole country both count as one.
WITH undated AS (
    SELECT country, count(*) AS restrictions FROM restrictions WHERE date_from IS NULL AND NOT lifted GROUP BY country
)
SELECT
    country,
    count(*) AS in_force,
    coalesce(any_value(undated.restrictions), 0) AS undated,
    count(DISTINCT service_canonical) AS services,
    mode(service_canonical ORDER BY service_canonical) AS mostly
FROM in_force_on('2025-02-10') LEFT JOIN undated USING (country)
GROUP BY country
ORDER BY in_force DESC, country;
