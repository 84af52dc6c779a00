CREATE MACRO lead_lag_services(a, b, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH hit AS (
    SELECT
        service_canonical,
        country = upper(a) AS by_a,
        first_from,
        first_to,
        first_date
    FROM first_restrictions(basis := basis, public_only := public_only, min_voices := min_voices)
    WHERE country IN (upper(a), upper(b))
),
pairs AS (
    SELECT
        service_canonical,
        one.first_date AS a_first_date,
        two.first_date AS b_first_date,
        two.first_from - one.first_to AS days_min,
        two.first_to - one.first_from AS days_max
    FROM (FROM hit WHERE by_a) AS one JOIN (FROM hit WHERE NOT by_a) AS two USING (service_canonical)
)
SELECT
    service_canonical,
    CASE
        WHEN days_min IS NULL THEN 'undated'
        WHEN days_min > 0 THEN upper(a)
        WHEN days_max < 0 THEN upper(b)
        WHEN days_min = 0 AND days_max = 0 THEN 'same day'
        ELSE 'unclear'
    END AS first,
    a_first_date,
    b_first_date,
    days_min,
    days_max
FROM pairs
ORDER BY days_min NULLS LAST, days_max, service_canonical;

COMMENT ON MACRO TABLE lead_lag_services IS 'The services that two countries (by code) both restricted, and which of them did so first, at least days_min and at most days_max days before the other: positive where a was first.';
