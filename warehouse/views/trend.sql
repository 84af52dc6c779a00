CREATE MACRO trend(dimension, every := 'month', basis := 'stated', ended := false, min_voices := 1) AS TABLE
WITH counted AS (
    SELECT
        action, actor_kind, category, country, service_canonical, scope_class, sector, reason_classes,
        date_from AS low, date_to AS high, first_reported AS reported
    FROM imposed
    WHERE NOT ended AND (min_voices <= 1 OR voices >= min_voices)
    UNION ALL
    SELECT
        action, actor_kind, category, country, service_canonical, scope_class, sector, reason_classes,
        ended_from, ended_to, end_reported
    FROM restrictions
    WHERE ended AND lifted AND (min_voices <= 1 OR voices >= min_voices)
),
dated AS (
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
            WHEN 'reason' THEN NULL
            ELSE error('trend: the dimension is all, action, reason, actor_kind, category, country, service, '
                || 'scope_class or sector')
        END AS value,
        CASE WHEN dimension = 'reason' THEN reason_classes END AS reasons,
        CASE
            WHEN low IS NOT NULL THEN 'stated'
            WHEN basis = 'reported' AND reported IS NOT NULL THEN 'reported'
            WHEN basis NOT IN ('stated', 'reported') THEN error('trend: the basis is stated or reported')
        END AS date_basis,
        coalesce(low, CASE WHEN basis = 'reported' THEN reported END) AS first_day,
        coalesce(high, CASE WHEN basis = 'reported' THEN reported END) AS last_day
    FROM counted
),
split AS (
    SELECT value, date_basis, first_day, last_day FROM dated WHERE dimension <> 'reason'
    UNION ALL
    SELECT unnest(reasons), date_basis, first_day, last_day FROM dated WHERE dimension = 'reason' AND len(reasons) > 0
    UNION ALL
    SELECT NULL, date_basis, first_day, last_day FROM dated WHERE dimension = 'reason' AND coalesce(len(reasons), 0) = 0
),
placed AS (
    SELECT
        CASE
            WHEN date_trunc(every, first_day) = date_trunc(every, last_day)
                THEN CAST(date_trunc(every, first_day) AS DATE)
        END AS period,
        CASE WHEN year(first_day) = year(last_day) THEN year(first_day) END AS stated_year,
        value,
        date_basis
    FROM split
)
SELECT
    period,
    CASE WHEN period IS NULL THEN stated_year ELSE year(period) END AS year,
    value,
    date_basis,
    count(*) AS restrictions
FROM placed
GROUP BY ALL
ORDER BY period NULLS LAST, year NULLS LAST, value NULLS LAST, date_basis;

COMMENT ON MACRO TABLE trend IS 'Restrictions per period, split by a dimension: all (no split), action, reason, actor_kind, category, country, service, scope_class or sector. What is dated too coarsely for the period, and what is undated, is counted in rows whose period is NULL, so that sums are complete; only a restriction with several reasons counts more than once, under each. A period without any has no row, which is no calm: see rates. ended := true counts those that have ended, by the date of their end, where basis := ''reported'' falls back on the report of the end. min_voices := 2 counts those alone that two independent voices carry.';
