CREATE MACRO matched_rates(every := 'month') AS TABLE
WITH read AS (
    SELECT CAST(date_trunc(every, day) AS DATE) AS period, source_id, sum(articles) AS articles, sum(mentions) AS mentions
    FROM coverage
    GROUP BY ALL
    HAVING sum(articles) > 0
),
steps AS (
    SELECT
        now.period,
        count(*) AS sources,
        CAST(sum(earlier.articles) AS BIGINT) AS articles_before,
        CAST(sum(now.articles) AS BIGINT) AS articles,
        CAST(sum(earlier.mentions) AS BIGINT) AS mentions_before,
        CAST(sum(now.mentions) AS BIGINT) AS mentions
    FROM read AS now JOIN read AS earlier
        ON earlier.source_id = now.source_id
        AND earlier.period = CAST(now.period - CAST('1 ' || every AS INTERVAL) AS DATE)
    GROUP BY now.period
)
SELECT
    period,
    sources,
    articles_before,
    articles,
    mentions_before,
    mentions,
    1000.0 * mentions_before / articles_before AS rate_before,
    1000.0 * mentions / articles AS rate,
    (mentions / articles) / nullif(mentions_before / articles_before, 0) AS change
FROM steps
ORDER BY period;

COMMENT ON MACRO TABLE matched_rates IS 'From one period to the next, by those sources alone that were read in both, so that sources that come or go change nothing: mentions (of any action and status) per 1,000 articles, before and after.';
