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
    s.items_per_week,
    t.last_outcome,
    t.last_poll_at,
    t.last_answer_at,
    t.last_new_entry_at,
    coalesce(t.polls, 0) AS polls,
    coalesce(t.entries, 0) AS entries
FROM sources AS s LEFT JOIN told AS t USING (source_id)
WHERE s.listed AND s.enabled;

COMMENT ON VIEW source_health IS 'How each enabled source answered: an outage must not be read as a calm.';
COMMENT ON COLUMN source_health.source_id IS 'Key: the source.';
COMMENT ON COLUMN source_health.name IS 'Name of the publication.';
COMMENT ON COLUMN source_health.items_per_week IS 'How many items a week the operator expects of it, if stated.';
COMMENT ON COLUMN source_health.last_outcome IS 'How its last poll ended; NULL before the first.';
COMMENT ON COLUMN source_health.last_poll_at IS 'Start of the run that polled it last, UTC.';
COMMENT ON COLUMN source_health.last_answer_at IS 'Start of the last run that it answered, UTC.';
COMMENT ON COLUMN source_health.last_new_entry_at IS 'Start of the last run in which it had something new, UTC.';
COMMENT ON COLUMN source_health.polls IS 'How often it was polled.';
COMMENT ON COLUMN source_health.entries IS 'How many entries were discovered in its feed.';
