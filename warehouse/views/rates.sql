CREATE MACRO rates(dimension, every := 'month', min_voices := 1) AS TABLE
WITH split AS (
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
            ELSE error('rates: the dimension is all, action, reason, actor_kind, category, country, service, '
                || 'scope_class or sector')
        END AS value,
        first_reported
    FROM imposed
    WHERE dimension <> 'reason' AND (min_voices <= 1 OR voices >= min_voices)
    UNION ALL
    SELECT unnest(reason_classes), first_reported
    FROM imposed
    WHERE dimension = 'reason' AND len(reason_classes) > 0 AND (min_voices <= 1 OR voices >= min_voices)
    UNION ALL
    SELECT NULL, first_reported
    FROM imposed
    WHERE dimension = 'reason' AND coalesce(len(reason_classes), 0) = 0 AND (min_voices <= 1 OR voices >= min_voices)
),
counted AS MATERIALIZED (
    SELECT CAST(date_trunc(every, first_reported) AS DATE) AS period, value, count(*) AS restrictions
    FROM split
    GROUP BY ALL
),
covered AS MATERIALIZED (
    SELECT period, articles, sources, silent_sources, read_share, complete, coverage FROM coverage_by(every := every)
),
periods AS (
    SELECT * FROM covered
    UNION ALL
    SELECT DISTINCT period, 0, 0, 0, CAST(NULL AS DOUBLE), CAST(NULL AS BOOLEAN), 'none'
    FROM counted
    WHERE period IS NULL OR period NOT IN (SELECT period FROM covered)
),
filled AS (
    SELECT p.*, v.value, coalesce(c.restrictions, 0) AS restrictions
    FROM periods AS p CROSS JOIN (SELECT value FROM counted UNION SELECT 'all' WHERE dimension = 'all') AS v
        LEFT JOIN counted AS c ON c.period IS NOT DISTINCT FROM p.period AND c.value IS NOT DISTINCT FROM v.value
)
SELECT
    period,
    value,
    restrictions,
    articles,
    1000.0 * restrictions / nullif(articles, 0) AS rate,
    CASE
        WHEN restrictions = 0 THEN 0
        ELSE restrictions * (1 - 1 / (9 * restrictions) - 1.96 / (3 * sqrt(restrictions))) ** 3
    END * 1000.0 / nullif(articles, 0) AS rate_low,
    (restrictions + 1) * (1 - 1 / (9 * (restrictions + 1)) + 1.96 / (3 * sqrt(restrictions + 1))) ** 3
        * 1000.0 / nullif(articles, 0) AS rate_high,
    sources,
    silent_sources,
    read_share,
    complete,
    coverage
FROM filled
WHERE period IS NOT NULL OR restrictions > 0
ORDER BY period NULLS LAST, value NULLS LAST;

COMMENT ON MACRO TABLE rates IS 'Restrictions by the period of their first report, per 1,000 articles that were published in it and read, split as trend splits them. Every period has a row for every value, with 0 restrictions too: coverage tells a calm (ok) from an outage (none, gaps) and from too little to say (thin). Restrictions that no dated article reports are in rows without a period.';
