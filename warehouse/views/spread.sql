CREATE MACRO spread(service, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH hit AS (
    FROM first_restrictions(service := service, basis := basis, public_only := public_only, min_voices := min_voices)
    WHERE service IS NOT NULL
),
places AS (
    SELECT
        one.country,
        1 + count(*) FILTER (WHERE other.first_to < one.first_from) AS rank,
        count(*) FILTER (WHERE other.first_from <= one.first_to) AS rank_to,
        count(*) FILTER (WHERE other.first_to <= one.first_to) AS countries,
        min(other.first_to) FILTER (WHERE other.country <> one.country) AS others_to,
        min(other.first_from) FILTER (WHERE other.country <> one.country) AS others_from
    FROM hit AS one, hit AS other
    WHERE one.is_country AND other.is_country AND one.first_from IS NOT NULL AND other.first_from IS NOT NULL
    GROUP BY one.country
)
SELECT
    hit.country,
    first_date,
    first_from,
    first_to,
    date_precision,
    date_basis,
    rank,
    rank_to,
    rank = rank_to AS certain,
    countries,
    CASE WHEN rank IS NOT NULL THEN greatest(0, coalesce(first_from - others_to, 0)) END AS days_min,
    CASE WHEN rank IS NOT NULL THEN greatest(0, coalesce(first_to - others_from, 0)) END AS days_max,
    first_reported,
    restrictions,
    undated
FROM hit LEFT JOIN places ON places.country = hit.country
ORDER BY first_to IS NULL, first_to, first_from, hit.country;

COMMENT ON MACRO TABLE spread IS 'How restrictions on a service (any of its names) spread: a row per country, by the first day on which it surely had one, with its rank and how many countries surely had one by then. Where dates overlap or are equal, rank is its best and rank_to its worst place, and certain is false. EU and XX, and countries without a stated date, have rows without a rank and count in no other. min_voices := 2 counts those alone that two independent voices carry.';
