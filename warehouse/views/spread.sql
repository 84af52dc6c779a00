CREATE MACRO spread(service) AS TABLE
WITH named AS (
    SELECT name FROM services
    WHERE lower(name) = lower(service)
        OR EXISTS (SELECT 1 FROM unnest(aliases) AS other(alias) WHERE lower(alias) = lower(service))
    UNION
    SELECT service
),
countries_hit AS (
    SELECT
        country,
        min(date_from) AS first_day,
        arg_min(date_value, date_from) AS first_date,
        min(first_reported) AS first_reported,
        count(*) AS events
    FROM restrictions
    WHERE lower(service_canonical) IN (SELECT lower(name) FROM named)
    GROUP BY country
)
SELECT
    country,
    first_date,
    first_day,
    first_reported,
    events,
    CASE WHEN first_day IS NOT NULL THEN count(first_day) OVER (ORDER BY first_day RANGE UNBOUNDED PRECEDING) END AS countries
FROM countries_hit
ORDER BY first_day NULLS LAST, country;

COMMENT ON MACRO TABLE spread IS 'How restrictions on a service (any of its names) spread: per country the first stated date, and how many countries had one by that day. Countries without a stated date come last, uncounted.';
