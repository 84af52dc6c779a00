-- What was in force on 10 February 2025, and where?
--
-- Counts what was surely in force: from the last day that its date allows until the first day that its end allows.
--
-- **Traps.** Undated restrictions are left out: `SELECT country, count(*) FROM restrictions WHERE date_from IS NULL GROUP BY
-- country` tells how many there are. What nobody reported as lifted counts as in force for ever. A ban in one ministry and a
-- block of a whole country both count as one.
SELECT
    country,
    count(*) AS in_force,
    count(*) FILTER (WHERE voices >= 2) AS by_two_voices,
    count(DISTINCT service_canonical) AS services
FROM in_force_on('2025-02-10')
GROUP BY country
ORDER BY in_force DESC, country;
