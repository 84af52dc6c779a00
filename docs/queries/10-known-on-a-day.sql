-- What did we know, and when did we know it?
--
-- The same question – what was in force on 10 February 2025? – by what was known on two days: the day before the first
-- article was read, and the day on which the last one was.
--
-- **Traps.** *Known* is the day on which an article was fetched, not published. The sample was read long after the
-- events, in one run, so nothing was known before. In a warehouse that runs every day ask with the days of your own
-- earlier report: `in_force_on('2025-02-10', known := '2025-02-12')` gives what it would have said then.
WITH days AS (
    SELECT min(learned_on) - 1 AS before, max(learned_on) AS after FROM events
)
SELECT 'the day before the first run' AS known, count(*) AS in_force_on_10_february
FROM in_force_on('2025-02-10', known := (SELECT before FROM days))
UNION ALL
SELECT 'the day of the last run', count(*)
FROM in_force_on('2025-02-10', known := (SELECT after FROM days))
UNION ALL
SELECT 'all that is known now', count(*)
FROM in_force_on('2025-02-10')
ORDER BY in_force_on_10_february, known DESC;
