CREATE TABLE coverage AS
WITH counts AS (
    SELECT published_on AS day, source_id, count(*) AS entries, 0 AS articles, 0 AS mentions, 0 AS fetched,
        0 AS fetched_undated, 0 AS polls, 0 AS answered
    FROM entries
    WHERE published_on IS NOT NULL
    GROUP BY published_on, source_id
    UNION ALL
    SELECT published_on, source_id, 0, count(*), 0, 0, 0, 0, 0
    FROM articles
    WHERE published_on IS NOT NULL
    GROUP BY published_on, source_id
    UNION ALL
    SELECT a.published_on, a.source_id, 0, 0, count(*), 0, 0, 0, 0
    FROM mentions AS m JOIN articles AS a USING (article_id)
    WHERE m.withdrawn_on IS NULL AND a.published_on IS NOT NULL
    GROUP BY a.published_on, a.source_id
    UNION ALL
    SELECT CAST(fetched_at AS DATE), source_id, 0, 0, 0, count(*), count(*) - count(published_on), 0, 0
    FROM articles
    GROUP BY CAST(fetched_at AS DATE), source_id
    UNION ALL
    SELECT CAST(r.started_at AS DATE), p.source_id, 0, 0, 0, 0, 0, count(*),
        count(*) FILTER (WHERE p.outcome IN ('ok', 'not_modified', 'empty'))
    FROM polls AS p JOIN runs AS r USING (run_id)
    GROUP BY CAST(r.started_at AS DATE), p.source_id
)
SELECT
    c.day,
    c.source_id,
    any_value(s.name) AS source,
    CAST(sum(c.entries) AS BIGINT) AS entries,
    CAST(sum(c.articles) AS BIGINT) AS articles,
    CAST(sum(c.mentions) AS BIGINT) AS mentions,
    CAST(sum(c.fetched) AS BIGINT) AS fetched,
    CAST(sum(c.fetched_undated) AS BIGINT) AS fetched_undated,
    CAST(sum(c.polls) AS BIGINT) AS polls,
    CAST(sum(c.answered) AS BIGINT) AS answered
FROM counts AS c LEFT JOIN sources AS s USING (source_id)
GROUP BY c.day, c.source_id
ORDER BY c.day, c.source_id;

COMMENT ON TABLE coverage IS 'How much of each source was read, day by day. A day without a row is one on which nothing was listed, read or asked: no news of that day is no calm.';
COMMENT ON COLUMN coverage.day IS 'Key, with source_id: a day of publication for entries, articles and mentions, a day of ours (UTC) for fetched, fetched_undated, polls and answered.';
COMMENT ON COLUMN coverage.source_id IS 'Key, with day: the source.';
COMMENT ON COLUMN coverage.source IS 'Name of the source.';
COMMENT ON COLUMN coverage.entries IS 'How many entries of its feed state that day as theirs.';
COMMENT ON COLUMN coverage.articles IS 'How many articles published on that day were read, whenever that was.';
COMMENT ON COLUMN coverage.mentions IS 'How many mentions these articles state, without those withdrawn.';
COMMENT ON COLUMN coverage.fetched IS 'How many articles were read on that day, whenever they were published.';
COMMENT ON COLUMN coverage.fetched_undated IS 'How many of those state no day of publication: they are in no row under articles.';
COMMENT ON COLUMN coverage.polls IS 'How often its feed was asked on that day.';
COMMENT ON COLUMN coverage.answered IS 'How often it answered.';
