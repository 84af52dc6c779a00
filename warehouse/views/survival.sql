CREATE MACRO survival(dimension) AS TABLE
WITH held AS (
    SELECT
        CASE dimension
            WHEN 'all' THEN 'all'
            WHEN 'action' THEN action
            WHEN 'actor_kind' THEN actor_kind
            WHEN 'category' THEN category
            WHEN 'country' THEN country
            WHEN 'service' THEN service_canonical
            WHEN 'scope_class' THEN scope_class
            WHEN 'sector' THEN sector
            ELSE error('survival: the dimension is all, action, actor_kind, category, country, service, scope_class '
                || 'or sector')
        END AS value,
        censored,
        days_min,
        CASE WHEN censored THEN days_min + (began_to - began_from) ELSE days_max END AS days_max
    FROM lifetimes
    WHERE state IN ('open', 'ended')
),
timed AS (
    SELECT value, 'shortest' AS bound, days_min AS days, censored FROM held
    UNION ALL
    SELECT value, 'longest', days_max, censored FROM held
),
steps AS (
    SELECT value, bound, days, count(*) FILTER (WHERE NOT censored) AS ended, count(*) AS leaving
    FROM timed
    GROUP BY ALL
),
risks AS (
    SELECT
        value,
        bound,
        days,
        ended,
        CAST(sum(leaving) OVER (PARTITION BY value, bound ORDER BY days DESC) AS BIGINT) AS at_risk
    FROM steps
)
SELECT
    value,
    bound,
    days,
    at_risk,
    ended,
    product((at_risk - ended) / at_risk) OVER (PARTITION BY value, bound ORDER BY days) AS surviving
FROM risks
WHERE ended > 0
ORDER BY value NULLS LAST, bound, days;

COMMENT ON MACRO TABLE survival IS 'Share of restrictions still in force after so many days (Kaplan and Meier), which counts the open ones for as long as they have lasted. Split by all (no split), action, actor_kind, category, country, service, scope_class or sector. Two curves, by the shortest and the longest lifetimes that the dates allow; undated and contradictory ones are left out.';
