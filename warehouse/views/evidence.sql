CREATE VIEW evidence AS
SELECT
    em.event_id,
    m.mention_id,
    m.article_id,
    f.field,
    CASE f.field
        WHEN 'trigger' THEN m.trigger_quote
        WHEN 'service' THEN m.service_quote
        WHEN 'actor' THEN m.actor_quote
        WHEN 'scope' THEN m.scope_quote
        WHEN 'date' THEN m.date_quote
        ELSE m.reason_quote
    END AS quote,
    CASE f.field
        WHEN 'trigger' THEN m.trigger_start
        WHEN 'service' THEN m.service_start
        WHEN 'actor' THEN m.actor_start
        WHEN 'scope' THEN m.scope_start
        WHEN 'date' THEN m.date_start
        ELSE m.reason_start
    END AS quote_start,
    CASE f.field
        WHEN 'trigger' THEN m.trigger_end
        WHEN 'service' THEN m.service_end
        WHEN 'actor' THEN m.actor_end
        WHEN 'scope' THEN m.scope_end
        WHEN 'date' THEN m.date_end
        ELSE m.reason_end
    END AS quote_end,
    CASE f.field
        WHEN 'trigger' THEN m.action
        WHEN 'service' THEN m.service_canonical
        WHEN 'actor' THEN m.actor_canonical
        WHEN 'scope' THEN m.scope_class
        WHEN 'date' THEN m.date_value
        ELSE array_to_string(m.reason_classes, ', ')
    END AS value,
    m.scores[f.field] AS score,
    a.url,
    coalesce(v.title, a.title) AS title,
    a.site,
    s.name AS source,
    m.reported_on AS published_on,
    m.version,
    m.learned_on,
    m.withdrawn_on
FROM event_mentions AS em
JOIN mentions AS m USING (mention_id)
JOIN articles AS a USING (article_id)
LEFT JOIN article_versions AS v ON v.article_id = m.article_id AND v.version = m.version
LEFT JOIN sources AS s ON s.source_id = a.source_id
-- Not a list per mention: of a few events it is asked for, the mentions are then found first.
CROSS JOIN (VALUES ('trigger'), ('service'), ('actor'), ('scope'), ('date'), ('reason')) AS f(field)
WHERE quote IS NOT NULL;

COMMENT ON VIEW evidence IS 'The words behind each event: one row per event, mention and field that the article states or, in an earlier version, stated.';
COMMENT ON COLUMN evidence.event_id IS 'The event.';
COMMENT ON COLUMN evidence.mention_id IS 'The mention.';
COMMENT ON COLUMN evidence.article_id IS 'The article that states it.';
COMMENT ON COLUMN evidence.field IS 'trigger, service, actor, scope, date or reason.';
COMMENT ON COLUMN evidence.quote IS 'The words, an exact slice of the text of that version: articles.text, or article_versions.text where a later one has replaced it.';
COMMENT ON COLUMN evidence.quote_start IS 'Where they begin in that text, in code points from 0.';
COMMENT ON COLUMN evidence.quote_end IS 'Where they end in that text, exclusive.';
COMMENT ON COLUMN evidence.value IS 'What they were taken to mean; for the trigger the action. NULL if they could not be normalised.';
COMMENT ON COLUMN evidence.score IS 'Probability of this field.';
COMMENT ON COLUMN evidence.url IS 'The article''s address.';
COMMENT ON COLUMN evidence.title IS 'The article''s title, in that version.';
COMMENT ON COLUMN evidence.site IS 'Name of the site, as the page gives it.';
COMMENT ON COLUMN evidence.source IS 'Name of the source whose feed listed it.';
COMMENT ON COLUMN evidence.published_on IS 'Its day of publication, as it stood when it first said so; NULL if none is stated.';
COMMENT ON COLUMN evidence.version IS 'The version of the article that says so, 1 for the text as first read.';
COMMENT ON COLUMN evidence.learned_on IS 'Day, UTC, on which we fetched the first version that says so.';
COMMENT ON COLUMN evidence.withdrawn_on IS 'Day, UTC, on which we fetched the version that says so no longer; NULL while it is said.';
