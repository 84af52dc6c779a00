CREATE MACRO coverage_by(every := 'month') AS TABLE
WITH looked AS (
    SELECT max(day) FILTER (WHERE fetched > 0 OR polls > 0) AS until, min(day) FILTER (WHERE articles > 0) AS since
    FROM coverage
),
spans AS (
    -- What is dated after the last day on which we looked is misdated.
    SELECT source_id, min(day) AS first_day, max(day) AS last_day, sum(articles) AS articles
    FROM coverage JOIN looked ON day <= until
    WHERE articles > 0
    GROUP BY source_id
),
paces AS (
    SELECT
        source_id,
        first_day,
        CASE WHEN s.listed AND s.enabled THEN until ELSE last_day END AS end_day,
        spans.articles / (last_day - first_day + 1) AS per_day
    FROM spans CROSS JOIN looked LEFT JOIN sources AS s USING (source_id)
),
read AS MATERIALIZED (
    SELECT
        CAST(date_trunc(every, day) AS DATE) AS period,
        source_id,
        sum(articles) AS articles,
        sum(fetched) AS fetched,
        sum(polls) AS polls,
        sum(answered) AS answered
    FROM coverage
    GROUP BY ALL
),
periods AS (
    SELECT period FROM read
    UNION
    SELECT CAST(unnest(generate_series(date_trunc(every, since), until, CAST('1 ' || every AS INTERVAL))) AS DATE)
    FROM looked
),
bounds AS (
    SELECT period, CAST(period + CAST('1 ' || every AS INTERVAL) AS DATE) - 1 AS last_day FROM periods
),
-- What all sources together bring in a day changes where one begins or ends.
changes_of_pace AS (
    SELECT first_day AS day, per_day AS change FROM paces
    UNION ALL
    SELECT end_day + 1, -per_day FROM paces
    UNION ALL
    SELECT CAST(unnest(generate_series(since, until, INTERVAL 1 DAY)) AS DATE), 0 FROM looked
),
expected_by_day AS (
    SELECT day, sum(sum(change)) OVER (ORDER BY day) AS expected FROM changes_of_pace GROUP BY day
),
expected AS (
    SELECT CAST(date_trunc(every, day) AS DATE) AS period, round(sum(expected), 6) AS expected
    FROM expected_by_day JOIN looked ON day <= until
    GROUP BY ALL
),
silent AS (
    SELECT b.period, count(*) AS silent_sources
    FROM bounds AS b
        JOIN paces AS p ON p.first_day <= b.last_day AND p.end_day >= b.period
            AND p.per_day * (least(b.last_day, p.end_day) - greatest(b.period, p.first_day) + 1) >= 5
        ANTI JOIN (FROM read WHERE articles > 0) AS r ON r.period = b.period AND r.source_id = p.source_id
    GROUP BY b.period
),
summed AS (
    SELECT
        period,
        count(*) FILTER (WHERE articles > 0) AS sources,
        CAST(sum(articles) AS BIGINT) AS articles,
        CAST(sum(fetched) AS BIGINT) AS fetched,
        CAST(sum(polls) AS BIGINT) AS polls,
        CAST(sum(answered) AS BIGINT) AS answered
    FROM read
    GROUP BY period
)
SELECT
    b.period,
    b.period >= since AND b.last_day <= until AS complete,
    coalesce(sources, 0) AS sources,
    coalesce(silent_sources, 0) AS silent_sources,
    coalesce(articles, 0) AS articles,
    coalesce(round(expected, 1), 0) AS expected,
    coalesce(articles, 0) / nullif(expected, 0) AS read_share,
    coalesce(fetched, 0) AS fetched,
    coalesce(polls, 0) AS polls,
    coalesce(answered, 0) AS answered,
    CASE
        WHEN coalesce(articles, 0) = 0 THEN 'none'
        WHEN articles < expected * 2 / 3 OR answered < polls / 2 THEN 'gaps'
        WHEN articles < 100 THEN 'thin'
        ELSE 'ok'
    END AS coverage
FROM bounds AS b CROSS JOIN looked
    LEFT JOIN summed USING (period)
    LEFT JOIN expected USING (period)
    LEFT JOIN silent USING (period)
ORDER BY b.period;

COMMENT ON MACRO TABLE coverage_by IS 'How much was read of what each day, week, month (default), quarter or year published, and whether that is enough to say anything of it. expected is what the sources bring on average from their first article on, to their last or, while they are enabled, to the last day on which we looked.';
