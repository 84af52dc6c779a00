CREATE MACRO days_to_nth(n, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH reached AS (
    SELECT
        service_canonical,
        count(first_from) AS countries,
        count(*) - count(first_from) AS undated_countries,
        list(first_from ORDER BY first_from) FILTER (WHERE first_from IS NOT NULL) AS froms,
        list(first_to ORDER BY first_to) FILTER (WHERE first_to IS NOT NULL) AS tos
    FROM first_restrictions(basis := basis, public_only := public_only, min_voices := min_voices)
    WHERE is_country
    GROUP BY service_canonical
)
SELECT
    service_canonical,
    countries,
    undated_countries,
    countries >= n AS reached,
    froms[1] AS first_from,
    tos[1] AS first_to,
    froms[CASE WHEN n >= 1 THEN n ELSE error('days_to_nth: n is 1 or more') END] AS nth_from,
    tos[n] AS nth_to,
    CASE WHEN n > countries THEN NULL WHEN n = 1 THEN 0 ELSE greatest(0, froms[n] - tos[1]) END AS days_min,
    CASE WHEN n > countries THEN NULL WHEN n = 1 THEN 0 ELSE tos[n] - froms[1] END AS days_max
FROM reached
ORDER BY reached DESC, days_max NULLS LAST, days_min, service_canonical;

COMMENT ON MACRO TABLE days_to_nth IS 'Per service the days from the first country that restricted it to the nth, by stated dates: at least days_min and at most days_max. Services that fewer countries restricted have reached false and no days: an average over the others alone is too short. EU and XX are no countries.';
