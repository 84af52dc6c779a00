CREATE MACRO first_movers(service, basis := 'stated', public_only := false, min_voices := 1) AS TABLE
WITH hit AS (
    SELECT * FROM first_restrictions(service := service, basis := basis, public_only := public_only, min_voices := min_voices) WHERE is_country
),
earliest AS (
    SELECT service_canonical, min(first_from, 2) AS froms, min(first_to, 2) AS tos, count(first_from) AS dated
    FROM hit
    GROUP BY service_canonical
),
beside AS (
    SELECT
        hit.*,
        CASE WHEN first_from = froms[1] THEN froms[2] ELSE froms[1] END AS others_from,
        CASE WHEN first_to = tos[1] THEN tos[2] ELSE tos[1] END AS others_to
    FROM hit JOIN earliest USING (service_canonical)
)
SELECT
    service_canonical,
    country,
    CASE
        WHEN first_from IS NULL THEN 'undated'
        WHEN others_from IS NULL OR first_to < others_from THEN 'first'
        WHEN first_from = first_to AND others_from = first_from AND others_to = first_to THEN 'tied'
        WHEN first_from <= others_to THEN 'perhaps'
        ELSE 'follower'
    END AS role,
    first_date,
    first_from,
    first_to,
    date_precision,
    date_basis,
    CASE WHEN first_from IS NOT NULL THEN greatest(0, coalesce(first_from - others_to, 0)) END AS days_min,
    CASE WHEN first_from IS NOT NULL THEN greatest(0, coalesce(first_to - others_from, 0)) END AS days_max,
    restrictions,
    undated
FROM beside
ORDER BY service_canonical, first_to NULLS LAST, first_from, country;

COMMENT ON MACRO TABLE first_movers IS 'Who restricted a service first, and who followed: role is first (surely), tied (on the same day), perhaps (the dates allow it), follower or undated. NULL for all services. EU and XX are left out: they are no countries.';
