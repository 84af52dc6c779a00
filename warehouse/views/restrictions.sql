CREATE VIEW restrictions AS
WITH lifts AS (
    SELECT event_id, date_from AS lifted_from, date_to AS lifted_to, reported_on AS lift_reported
    FROM event_transitions
    WHERE action = 'lift' AND status = 'in_force'
    QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY position DESC) = 1
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
    e.stories,
    e.articles,
    e.score,
    e.lifted,
    l.lifted_from,
    l.lifted_to,
    l.lift_reported
FROM events AS e LEFT JOIN lifts AS l ON e.lifted AND l.event_id = e.event_id
WHERE e.side = 'restricting' AND e.status = 'in_force';

COMMENT ON VIEW restrictions IS 'What to count by default: bans, blocks, suspensions, limits and removals that took force, lifted or not.';
COMMENT ON COLUMN restrictions.event_id IS 'Key: the event.';
COMMENT ON COLUMN restrictions.service_canonical IS 'Usual English name of what is restricted.';
COMMENT ON COLUMN restrictions.country IS 'ISO 3166-1 alpha-2 code of the actor''s country; EU for the Union, XX if it can''t be told.';
COMMENT ON COLUMN restrictions.actor_canonical IS 'Full English name of who restricts; NULL if no text says.';
COMMENT ON COLUMN restrictions.actor_kind IS 'What sort of body the actor is.';
COMMENT ON COLUMN restrictions.action IS 'ban, block, suspend, limit or remove.';
COMMENT ON COLUMN restrictions.scope IS 'For whom, on what or where, in the words of an article; NULL if not stated.';
COMMENT ON COLUMN restrictions.scope_class IS 'For whom or where, coarsely.';
COMMENT ON COLUMN restrictions.reason_classes IS 'Why, in the words of the one who restricts, as classes.';
COMMENT ON COLUMN restrictions.date_value IS 'When, as exact as stated: YYYY-MM-DD, YYYY-MM or YYYY; NULL if no text says.';
COMMENT ON COLUMN restrictions.date_from IS 'First day that date_value allows; NULL with it.';
COMMENT ON COLUMN restrictions.date_to IS 'Last day that date_value allows; NULL with it.';
COMMENT ON COLUMN restrictions.first_reported IS 'Publication day of the earliest dated article. Not the day of the event.';
COMMENT ON COLUMN restrictions.last_reported IS 'Publication day of the latest dated article.';
COMMENT ON COLUMN restrictions.stories IS 'How many independent stories carry it.';
COMMENT ON COLUMN restrictions.articles IS 'How many articles state it.';
COMMENT ON COLUMN restrictions.score IS 'Probability that it is a restriction event.';
COMMENT ON COLUMN restrictions.lifted IS 'Whether it has ended: the last of its steps that took effect is a lift.';
COMMENT ON COLUMN restrictions.lifted_from IS 'First day that the stated date of the lifting allows; NULL if none is stated.';
COMMENT ON COLUMN restrictions.lifted_to IS 'Last day that the stated date of the lifting allows; NULL if none is stated.';
COMMENT ON COLUMN restrictions.lift_reported IS 'Publication day of the earliest dated article that reports the lifting; NULL if none does.';
