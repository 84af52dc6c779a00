CREATE VIEW lifetimes AS
WITH looked AS (
    SELECT max(day) FILTER (WHERE fetched > 0 OR polls > 0) AS until FROM coverage
),
bounds AS (
    SELECT
        *,
        lifted AND ended_from IS NULL AS end_unstated,
        CASE
            WHEN NOT lifted THEN greatest(0, until - date_to)
            WHEN ended_from IS NOT NULL THEN greatest(0, ended_from - date_to)
            ELSE 0
        END AS shortest,
        CASE WHEN lifted THEN coalesce(ended_to, end_reported) - date_from END AS longest
    FROM restrictions CROSS JOIN looked
)
SELECT
    event_id,
    service_canonical,
    category,
    country,
    actor_canonical,
    actor_kind,
    action,
    scope_class,
    sector,
    date_value AS began_on,
    date_from AS began_from,
    date_to AS began_to,
    date_precision,
    end_kind,
    ended_on,
    ended_from,
    coalesce(ended_to, end_reported) AS ended_to,
    CASE WHEN lifted THEN CASE WHEN ended_from IS NOT NULL THEN 'stated' WHEN end_reported IS NOT NULL THEN 'reported' END END AS end_basis,
    NOT lifted AS censored,
    CASE
        WHEN date_from IS NULL THEN 'undated'
        WHEN NOT lifted THEN 'open'
        WHEN longest < 0 THEN 'contradictory'
        ELSE 'ended'
    END AS state,
    CASE WHEN date_from IS NOT NULL AND coalesce(longest, 0) >= 0 THEN shortest END AS days_min,
    CASE WHEN date_from IS NOT NULL AND longest >= 0 THEN longest END AS days_max
FROM bounds;

COMMENT ON VIEW lifetimes IS 'How long each restriction lasted, or has lasted.';
