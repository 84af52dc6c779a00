CREATE MACRO known_on(d) AS TABLE
SELECT *
FROM event_history
WHERE coalesce(known_from, DATE '0001-01-01') <= CAST(d AS DATE) AND (known_to IS NULL OR known_to > CAST(d AS DATE));

COMMENT ON MACRO TABLE known_on IS 'Every event as it was known on a day, from the words that were held then, with the days between which this was what was known.';
