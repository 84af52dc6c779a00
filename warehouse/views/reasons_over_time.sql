CREATE MACRO reasons_over_time(service, every := 'month', basis := 'stated', min_voices := 1) AS TABLE
WITH named AS (
    -- Another's alias gives way to a name: "app store" is both.
    SELECT name FROM services
    WHERE lower(name) = lower(service)
        OR EXISTS (SELECT 1 FROM unnest(aliases) AS other(alias) WHERE lower(alias) = lower(service))
    QUALIFY rank() OVER (ORDER BY lower(name) <> lower(service)) = 1
),
dated AS (
    SELECT
        reason_classes,
        CASE
            WHEN date_from IS NOT NULL THEN 'stated'
            WHEN basis = 'reported' AND first_reported IS NOT NULL THEN 'reported'
            WHEN basis NOT IN ('stated', 'reported') THEN error('reasons_over_time: the basis is stated or reported')
        END AS date_basis,
        coalesce(date_from, CASE WHEN basis = 'reported' THEN first_reported END) AS first_day,
        coalesce(date_to, CASE WHEN basis = 'reported' THEN first_reported END) AS last_day
    FROM imposed
    WHERE (min_voices <= 1 OR voices >= min_voices)
        AND (
            service IS NULL
            OR lower(service_canonical) = lower(service)
            OR service_canonical IN (SELECT name FROM named)
        )
),
placed AS (
    SELECT
        CASE
            WHEN date_trunc(every, first_day) = date_trunc(every, last_day)
                THEN CAST(date_trunc(every, first_day) AS DATE)
        END AS period,
        CASE WHEN year(first_day) = year(last_day) THEN year(first_day) END AS stated_year,
        date_basis,
        reason_classes
    FROM dated
),
totals AS (
    SELECT
        period,
        CASE WHEN period IS NULL THEN stated_year ELSE year(period) END AS year,
        date_basis,
        reason_classes,
        count(*) AS restrictions
    FROM placed
    GROUP BY ALL
),
split AS (
    SELECT period, year, date_basis, unnest(reason_classes) AS reason, restrictions FROM totals WHERE len(reason_classes) > 0
    UNION ALL
    SELECT period, year, date_basis, NULL, restrictions FROM totals WHERE coalesce(len(reason_classes), 0) = 0
),
reasons AS (
    SELECT period, year, date_basis, reason, CAST(sum(restrictions) AS BIGINT) AS restrictions FROM split GROUP BY ALL
),
stating AS (
    SELECT period, year, date_basis, CAST(sum(restrictions) AS BIGINT) AS stating
    FROM totals
    WHERE len(reason_classes) > 0
    GROUP BY ALL
)
SELECT
    r.period,
    r.year,
    r.date_basis,
    r.reason,
    r.restrictions,
    coalesce(s.stating, 0) AS stating,
    CASE WHEN r.reason IS NOT NULL THEN r.restrictions / s.stating END AS share
FROM reasons AS r
    LEFT JOIN stating AS s
        ON s.period IS NOT DISTINCT FROM r.period AND s.year IS NOT DISTINCT FROM r.year
        AND s.date_basis IS NOT DISTINCT FROM r.date_basis
ORDER BY r.period NULLS LAST, r.year NULLS LAST, r.date_basis, r.restrictions DESC, r.reason NULLS LAST;

COMMENT ON MACRO TABLE reasons_over_time IS 'Why a service (any of its names; NULL for all) was restricted, per period: how many restrictions state each reason, and which share that is of those that state any. What is dated too coarsely, and what is undated, is in rows without a period. min_voices := 2 counts those alone that two independent voices carry.';
