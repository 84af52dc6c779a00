CREATE VIEW source_health AS
WITH told AS (
    SELECT
        p.source_id,
        arg_max(p.outcome, r.started_at) AS last_outcome,
        max(r.started_at) AS last_poll_at,
        max(r.started_at) FILTER (WHERE p.outcome IN ('ok', 'not_modified', 'empty')) AS last_answer_at,
        max(r.started_at) FILTER (WHERE p.new_entries > 0) AS last_new_entry_at,
        count(*) AS polls,
        sum(p.new_entries)::BIGINT AS entries
    FROM polls AS p JOIN runs AS r USING (run_id)
    GROUP BY p.source_id
)
SELECT
    s.source_id,
    s.name,
    CASE
        WHEN f.gone_at IS NOT NULL THEN 'gone'
        WHEN f.failures > 0 THEN 'failing'
        WHEN m.fell_silent_at IS NOT NULL THEN 'silent'
        WHEN t.polls IS NULL THEN 'never_polled'
        ELSE 'ok'
    END AS state,
    t.last_outcome,
    coalesce(f.failures, 0) AS failures,
    f.error,
    t.last_poll_at,
    t.last_answer_at,
    t.last_new_entry_at,
    f.next_poll_at,
    f.gone_at,
    f.moved_to,
    coalesce(t.polls, 0) AS polls,
    coalesce(t.entries, 0) AS entries,
    m.items_per_day,
    s.items_per_week,
    m.learnt_per_week,
    m.last_item_at,
    m.fell_silent_at AS silent_since,
    m.lag_seconds,
    coalesce(f.language, s.language) AS language
FROM sources AS s
    LEFT JOIN told AS t USING (source_id)
    LEFT JOIN feed_states AS f USING (source_id)
    LEFT JOIN source_pace AS m USING (source_id)
WHERE s.listed AND s.enabled;

COMMENT ON VIEW source_health IS 'How each enabled source fares: an outage must not be read as a calm.';
COMMENT ON COLUMN source_health.source_id IS 'Key: the source.';
COMMENT ON COLUMN source_health.name IS 'Name of the publication.';
COMMENT ON COLUMN source_health.state IS 'ok, failing, gone (410: polled no more), silent (answers, but has brought nothing for too long) or never_polled.';
COMMENT ON COLUMN source_health.last_outcome IS 'How its last poll ended; NULL before the first.';
COMMENT ON COLUMN source_health.failures IS 'How many polls failed in a row.';
COMMENT ON COLUMN source_health.error IS 'The last failure in words; NULL if the last poll did not fail.';
COMMENT ON COLUMN source_health.last_poll_at IS 'Start of the run that polled it last, UTC.';
COMMENT ON COLUMN source_health.last_answer_at IS 'Start of the last run that it answered, UTC.';
COMMENT ON COLUMN source_health.last_new_entry_at IS 'Start of the last run in which it had something new, UTC.';
COMMENT ON COLUMN source_health.next_poll_at IS 'From when on it is polled again, UTC; NULL before the first poll, and once it is gone.';
COMMENT ON COLUMN source_health.gone_at IS 'When its server said that it is gone for good, UTC; NULL if it did not.';
COMMENT ON COLUMN source_health.moved_to IS 'Where its feed has moved to for good; NULL if it is where the source list says.';
COMMENT ON COLUMN source_health.polls IS 'How often it was polled.';
COMMENT ON COLUMN source_health.entries IS 'How many entries were discovered in its feed.';
COMMENT ON COLUMN source_health.items_per_day IS 'Items a day over the two weeks before its last poll, or since its first item.';
COMMENT ON COLUMN source_health.items_per_week IS 'How many items a week the operator expects of it, if stated.';
COMMENT ON COLUMN source_health.learnt_per_week IS 'Items a week that its own history lets expect; NULL before two weeks of it.';
COMMENT ON COLUMN source_health.last_item_at IS 'When its newest item was published or, if that is not stated, first seen, UTC.';
COMMENT ON COLUMN source_health.silent_since IS 'When its last item came, UTC, where less than one silence in a thousand would last so long by chance; else NULL.';
COMMENT ON COLUMN source_health.lag_seconds IS 'Median seconds from publication to being first seen, over the two weeks before its last poll.';
COMMENT ON COLUMN source_health.language IS 'ISO 639-1 code of the language that it states or its items are in, else that of the source list.';
