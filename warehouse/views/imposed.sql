CREATE VIEW imposed AS
WITH categories AS (
    SELECT name, min(category) AS category FROM services GROUP BY name
)
SELECT
    e.event_id,
    e.service_canonical,
    e.country,
    e.actor_canonical,
    e.actor_kind,
    e.action,
    e.scope,
    e.scope_class,
    e.reason_classes,
    e.date_value,
    e.date_from,
    e.date_to,
    e.first_reported,
    e.last_reported,
    e.voices,
    e.stories,
    e.articles,
    e.score,
    e.learned_on,
    e.lifted,
    CASE
        WHEN e.date_from = e.date_to THEN 'day'
        WHEN date_trunc('month', e.date_from) = date_trunc('month', e.date_to) THEN 'month'
        WHEN e.date_from IS NOT NULL THEN 'year'
    END AS date_precision,
    c.category,
    CASE
        WHEN e.scope_class = 'government_devices' THEN 'public administration'
        WHEN e.scope_class = 'military' THEN 'defence'
        WHEN e.scope_class = 'schools' THEN 'education'
        WHEN e.scope_class = 'critical_infrastructure' THEN 'critical infrastructure'
        WHEN e.scope_class = 'exports' THEN 'trade'
        WHEN e.scope_class = 'workplace' THEN 'business'
        WHEN e.scope_class IN ('nationwide', 'subnational', 'minors', 'app_stores') THEN 'general public'
        WHEN e.actor_kind = 'military' THEN 'defence'
        WHEN e.actor_kind = 'school' THEN 'education'
        WHEN e.actor_kind = 'company' THEN 'business'
        WHEN e.scope_class = 'other' THEN 'other'
        WHEN e.actor_kind <> 'other' AND e.scope IS NULL THEN 'general public'
    END AS sector
FROM events AS e LEFT JOIN categories AS c ON c.name = e.service_canonical
WHERE e.side = 'restricting' AND e.status = 'in_force' AND NOT e.retracted AND NOT e.dismissed;

COMMENT ON VIEW imposed IS 'The restrictions of the view of that name, without how they ended: quicker to count.';
COMMENT ON COLUMN imposed.event_id IS 'Key: the event.';
COMMENT ON COLUMN imposed.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN imposed.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN imposed.actor_canonical IS 'Full English name of who restricts; NULL if no text says.';
COMMENT ON COLUMN imposed.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN imposed.action IS 'ban, block, suspend, limit or remove.';
COMMENT ON COLUMN imposed.scope IS 'For whom, on what or where, in the words of an article; NULL if not stated.';
COMMENT ON COLUMN imposed.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN imposed.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN imposed.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if no text says.';
COMMENT ON COLUMN imposed.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN imposed.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN imposed.first_reported IS 'Publication day of the earliest dated article. Not the day of the event.';
COMMENT ON COLUMN imposed.last_reported IS 'Publication day of the latest dated article.';
COMMENT ON COLUMN imposed.voices IS 'How many of the stories that carry it are independent: neither the same text nor the same owner.';
COMMENT ON COLUMN imposed.stories IS 'How many stories carry it.';
COMMENT ON COLUMN imposed.articles IS 'How many articles state it.';
COMMENT ON COLUMN imposed.score IS 'Probability that it is a restriction event.';
COMMENT ON COLUMN imposed.learned_on IS 'Day, UTC, on which we first held words that state it.';
COMMENT ON COLUMN imposed.lifted IS 'Whether it has ended: lifted by who imposed it, or struck down by a court. What was only eased has not.';
COMMENT ON COLUMN imposed.date_precision IS 'day, month or year: how exact date_value is; NULL with it.';
COMMENT ON COLUMN imposed.category IS 'What sort of service it is, by the registry; NULL if it is not in there.';
COMMENT ON COLUMN imposed.sector IS 'Where it bites: public administration, defence, education, business, critical infrastructure, trade, general public or other. By the class of the scope; without one by who acts (an army, a school and a company bind their own, a public body everyone); NULL if neither tells.';
