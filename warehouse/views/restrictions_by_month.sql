CREATE VIEW restrictions_by_month AS
SELECT
    CASE WHEN year(date_from) = year(date_to) THEN year(date_from) END AS year,
    CASE
        WHEN date_trunc('month', date_from) = date_trunc('month', date_to) THEN CAST(date_trunc('month', date_from) AS DATE)
    END AS month,
    country,
    service_canonical,
    action,
    count(*) AS events
FROM imposed
GROUP BY ALL
ORDER BY ALL NULLS LAST;

COMMENT ON VIEW restrictions_by_month IS 'Restrictions counted by the month of their stated date. Undated ones are counted too, without month and year: sums are complete.';
COMMENT ON COLUMN restrictions_by_month.year IS 'Year of the stated date; NULL if none is stated.';
COMMENT ON COLUMN restrictions_by_month.month IS 'First day of the month of the stated date; NULL if no month is stated.';
COMMENT ON COLUMN restrictions_by_month.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN restrictions_by_month.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN restrictions_by_month.action IS 'ban, block, suspend, limit or remove.';
COMMENT ON COLUMN restrictions_by_month.events IS 'How many events.';
